/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers and strings as bytes of a record.  Inline: there are dozens in each observation. */
#ifndef HCT_RECORD_BYTES_H
#define HCT_RECORD_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT_MAX 10

/* Bytes being written.  What finds no room sets FULL and is left out. */
struct bytes {
	uint8_t *data;
	size_t len, room;
	bool full;
};

/* Bytes being read.  What is not there, or is too large, sets BAD and reads as zero. */
struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline void put_byte(struct bytes *b, uint8_t value)
{
	if (b->len == b->room)
		b->full = true;
	else
		b->data[b->len++] = value;
}

static inline void put_varint(struct bytes *b, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		put_byte(b, (uint8_t)(value | 0x80));
	put_byte(b, (uint8_t)value);
}

static inline void put_zigzag(struct bytes *b, int64_t value)
{
	put_varint(b, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static inline void put_data(struct bytes *b, const void *data, size_t len)
{
	if (len > b->room - b->len) {
		b->full = true;
		return;
	}
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

static inline void put_string(struct bytes *b, const void *data, size_t len)
{
	put_varint(b, len);
	put_data(b, data, len);
}

static inline uint8_t take_byte(struct cursor *c)
{
	if (c->at == c->end) {
		c->bad = true;
		return 0;
	}
	return *c->at++;
}

static inline uint64_t take_varint(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = take_byte(c);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	c->bad = true;
	return 0;
}

static inline int64_t take_zigzag(struct cursor *c)
{
	uint64_t value = take_varint(c);

	return (int64_t)(value >> 1 ^ -(value & 1));
}

/* LEN bytes where they are; NULL: there are not so many. */
static inline const uint8_t *take_data(struct cursor *c, size_t len)
{
	const uint8_t *data = c->at;

	if (len > (size_t)(c->end - c->at)) {
		c->bad = true;
		return NULL;
	}
	c->at += len;
	return data;
}

static inline const uint8_t *take_string(struct cursor *c, size_t *len)
{
	uint64_t n = take_varint(c);

	*len = n <= (size_t)(c->end - c->at) ? (size_t)n : 0;
	return take_data(c, n > SIZE_MAX ? SIZE_MAX : (size_t)n);
}

#endif
