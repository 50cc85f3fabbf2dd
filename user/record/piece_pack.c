// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records to pieces of a file. */
#include "piece.h"

#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

struct piece_packer {
	z_stream stream;
	uint8_t out[PIECE_HEADER_LEN + PIECE_LEN_MAX];
};

struct piece_packer *piece_packer_new(void)
{
	struct piece_packer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	/* raw deflate: the pieces have their own checksums */
	if (deflateInit2(&p->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK) {
		free(p);
		return NULL;
	}
	return p;
}

void piece_packer_free(struct piece_packer *p)
{
	if (!p)
		return;
	deflateEnd(&p->stream);
	free(p);
}

int piece_pack(struct piece_packer *p, bool starts_chunk, uint32_t number, const void *raw,
	       size_t len, const uint8_t **out)
{
	struct piece_header header = { .number = number, .raw_len = (uint32_t)len };

	if (starts_chunk) {
		header.flags = PIECE_STARTS_CHUNK;
		deflateReset(&p->stream);
	}
	p->stream.next_in = (uint8_t *)raw; /* only read */
	p->stream.avail_in = (uInt)len;
	p->stream.next_out = p->out + PIECE_HEADER_LEN;
	p->stream.avail_out = PIECE_LEN_MAX;
	if (deflate(&p->stream, Z_SYNC_FLUSH) != Z_OK || p->stream.avail_in ||
	    !p->stream.avail_out)
		return -ENOMEM;
	header.len = PIECE_LEN_MAX - p->stream.avail_out;
	header.crc = record_crc(p->out + PIECE_HEADER_LEN, header.len);
	piece_header_put(p->out, &header);
	*out = p->out;
	return PIECE_HEADER_LEN + (int)header.len;
}
