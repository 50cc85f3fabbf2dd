// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The format of a recording: its headers. */
#include "format.h"

#include <errno.h>
#include <string.h>

#include <zlib.h>

/* As in PNG: it shows what a transfer as text does to a file. */
static const uint8_t magic[8] = { 0x89, 'H', 'C', 'T', '\r', '\n', 0x1a, '\n' };
const uint8_t piece_magic[4] = { 0xfe, 'P', 'C', '\r' };

static void put32(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get32(const uint8_t *in)
{
	return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

uint32_t record_crc(const void *data, size_t len)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, len);
}

/* magic 8, version 4, run 16, segment 4, zero 4, checksum 4 */
void record_header_put(uint8_t out[RECORD_HEADER_LEN], const struct record_header *h)
{
	memset(out, 0, RECORD_HEADER_LEN);
	memcpy(out, magic, sizeof(magic));
	put32(out + 8, h->version);
	memcpy(out + 12, h->run, RECORD_ID_LEN);
	put32(out + 28, h->segment);
	put32(out + 36, record_crc(out, 36));
}

int record_header_get(const uint8_t in[RECORD_HEADER_LEN], struct record_header *h)
{
	if (memcmp(in, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	h->version = get32(in + 8);
	memcpy(h->run, in + 12, RECORD_ID_LEN);
	h->segment = get32(in + 28);
	if (get32(in + 36) != record_crc(in, 36))
		return -EIO;
	return h->version == RECORD_VERSION ? 0 : -EPROTONOSUPPORT;
}

/* magic 4, flags 4, number 4, length 4, raw length 4, zero 4, checksum of the data 4, of the header 4 */
void piece_header_put(uint8_t out[PIECE_HEADER_LEN], const struct piece_header *h)
{
	memcpy(out, piece_magic, sizeof(piece_magic));
	put32(out + 4, h->flags);
	put32(out + 8, h->number);
	put32(out + 12, h->len);
	put32(out + 16, h->raw_len);
	put32(out + 20, 0);
	put32(out + 24, h->crc);
	put32(out + 28, record_crc(out, 28));
}

int piece_header_get(const uint8_t in[PIECE_HEADER_LEN], struct piece_header *h)
{
	if (memcmp(in, piece_magic, sizeof(piece_magic)) != 0 ||
	    get32(in + 28) != record_crc(in, 28))
		return -EBADMSG;
	h->flags = get32(in + 4);
	h->number = get32(in + 8);
	h->len = get32(in + 12);
	h->raw_len = get32(in + 16);
	h->crc = get32(in + 24);
	return h->len && h->len <= PIECE_LEN_MAX && h->raw_len && h->raw_len <= PIECE_RAW_MAX
		       ? 0 : -EBADMSG;
}
