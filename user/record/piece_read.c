// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pieces of a file to records.  Whatever the file holds, memory and time are bounded by its size. */
#include "piece.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#define BUFFER (2 * (PIECE_HEADER_LEN + PIECE_LEN_MAX))

struct piece_reader {
	int fd;
	uint64_t size; /* of the file, when it was opened */
	uint64_t offset; /* of the next piece */
	uint32_t number; /* that it should have */
	bool need_chunk; /* only one that starts a chunk can be read */
	z_stream stream;
	uint64_t buffer_at; /* where in the file the buffer begins */
	size_t buffer_len;
	uint8_t buffer[BUFFER];
	uint8_t raw[PIECE_RAW_MAX];
};

int piece_reader_open(struct piece_reader **out, const char *path)
{
	struct piece_reader *p = calloc(1, sizeof(*p));
	struct stat st;
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	err = p->fd < 0 || fstat(p->fd, &st) ? -errno : 0;
	if (!err && inflateInit2(&p->stream, -15) != Z_OK)
		err = -ENOMEM;
	if (err) {
		if (p->fd >= 0)
			close(p->fd);
		free(p);
		return err;
	}
	p->size = (uint64_t)st.st_size;
	p->offset = RECORD_HEADER_LEN;
	p->need_chunk = true;
	*out = p;
	return 0;
}

void piece_reader_close(struct piece_reader *p)
{
	if (!p)
		return;
	inflateEnd(&p->stream);
	close(p->fd);
	free(p);
}

void piece_reader_skip_chunk(struct piece_reader *p)
{
	p->need_chunk = true;
}

uint64_t piece_reader_position(const struct piece_reader *p)
{
	return p->offset < p->size ? p->offset : p->size;
}

uint64_t piece_reader_size(const struct piece_reader *p)
{
	return p->size;
}

/* The file from AT on, at least WANTED bytes or up to its end: how many there are, or -errno. */
static ssize_t look(struct piece_reader *p, uint64_t at, size_t wanted, const uint8_t **out)
{
	size_t had = 0;

	if (at >= p->buffer_at && at - p->buffer_at <= p->buffer_len)
		had = p->buffer_len - (size_t)(at - p->buffer_at);
	if (had < wanted) {
		if (had)
			memmove(p->buffer, p->buffer + (at - p->buffer_at), had);
		p->buffer_at = at;
		p->buffer_len = had;
		while (p->buffer_len < wanted) {
			ssize_t n = pread(p->fd, p->buffer + p->buffer_len,
					  sizeof(p->buffer) - p->buffer_len,
					  (off_t)(at + p->buffer_len));

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return -errno;
			if (n == 0)
				break;
			p->buffer_len += (size_t)n;
		}
	}
	*out = p->buffer + (at - p->buffer_at);
	return (ssize_t)(p->buffer_len - (at - p->buffer_at));
}

/* Moves to where the next piece may begin: at least a byte on.  0: none is left, or -errno. */
static int scan(struct piece_reader *p)
{
	for (p->offset++;;) {
		const uint8_t *data, *hit;
		ssize_t n = look(p, p->offset, 65536, &data);

		if (n < PIECE_HEADER_LEN) {
			if (n > 0)
				p->offset += (uint64_t)n;
			return n < 0 ? (int)n : 0;
		}
		hit = memmem(data, (size_t)n, piece_magic, sizeof(piece_magic));
		if (hit) {
			p->offset += (uint64_t)(hit - data);
			return 1;
		}
		p->offset += (uint64_t)n - (sizeof(piece_magic) - 1);
	}
}

static bool unpack(struct piece_reader *p, const struct piece_header *h, const uint8_t *data)
{
	int err;

	if (h->flags & PIECE_STARTS_CHUNK)
		inflateReset(&p->stream);
	p->stream.next_in = (uint8_t *)data; /* only read */
	p->stream.avail_in = h->len;
	p->stream.next_out = p->raw;
	p->stream.avail_out = h->raw_len;
	err = inflate(&p->stream, Z_SYNC_FLUSH);
	return (err == Z_OK || err == Z_BUF_ERROR) && !p->stream.avail_in && !p->stream.avail_out;
}

/* Notes that the BYTES at the offset are of no use. */
static void pass(struct piece_reader *p, struct piece_found *found, uint64_t bytes)
{
	if (!found->damaged)
		found->at = p->offset;
	found->damaged = true;
	found->bytes += bytes;
	p->need_chunk = true;
}

int piece_reader_next(struct piece_reader *p, struct piece_found *found)
{
	memset(found, 0, sizeof(*found));
	found->at = p->offset;
	for (;;) {
		uint64_t before = p->offset;
		struct piece_header h;
		const uint8_t *data;
		ssize_t n = look(p, p->offset, PIECE_HEADER_LEN, &data);
		bool fits;
		int err;

		if (n <= 0)
			return (int)n;
		if (n < PIECE_HEADER_LEN || piece_header_get(data, &h)) {
			err = scan(p);
			if (err < 0)
				return err;
			found->cut_off = !found->damaged && n < PIECE_HEADER_LEN;
			pass(p, found, p->offset - before);
			if (found->at > before)
				found->at = before;
			continue;
		}
		n = look(p, p->offset, PIECE_HEADER_LEN + h.len, &data);
		if (n < 0)
			return (int)n;
		if ((size_t)n < PIECE_HEADER_LEN + h.len) {
			found->cut_off = !found->damaged;
			pass(p, found, (uint64_t)n);
			p->offset += (uint64_t)n;
			return 0;
		}
		found->starts_chunk = h.flags & PIECE_STARTS_CHUNK;
		/* one that was left out; a copy of an earlier one is none that could follow */
		fits = h.number == p->number || (h.number > p->number && found->starts_chunk);
		if (!fits || (p->need_chunk && !found->starts_chunk) ||
		    record_crc(data + PIECE_HEADER_LEN, h.len) != h.crc ||
		    !unpack(p, &h, data + PIECE_HEADER_LEN)) {
			pass(p, found, PIECE_HEADER_LEN + h.len);
			p->offset += PIECE_HEADER_LEN + h.len;
			if (h.number >= p->number)
				p->number = h.number == UINT32_MAX ? h.number : h.number + 1;
			continue;
		}
		found->damaged |= h.number != p->number;
		found->raw = p->raw;
		found->len = h.raw_len;
		p->number = h.number + 1;
		p->need_chunk = false;
		p->offset += PIECE_HEADER_LEN + h.len;
		return 1;
	}
}
