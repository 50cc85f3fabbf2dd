// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Writes pcapng files: each block is put together in memory, then written at once. */
#include "pcapng_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/finish_output.h"

enum block_type {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6, /* enhanced packet block */
	BLOCK_JOURNAL = 9, /* systemd journal export block */
};

enum option {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_SECTION_OS = 3,
	OPTION_SECTION_APPLICATION = 4,
	OPTION_INTERFACE_NAME = 2,
	OPTION_INTERFACE_DESCRIPTION = 3,
	OPTION_INTERFACE_RESOLUTION = 9,
	OPTION_PACKET_ID = 5,
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define RESOLUTION_NS 9 /* 10^-9 s */
#define MAX_OPTION 65535
#define LENGTH_OFFSET 4 /* of a block's length, behind its type */

struct pcapng {
	FILE *out;
	uint8_t *block;
	size_t len, room;
	bool no_memory; /* for the block at hand */
	bool failed; /* for any block */
};

struct pcapng *pcapng_new(FILE *out)
{
	struct pcapng *w = calloc(1, sizeof(*w));

	if (w)
		w->out = out;
	return w;
}

void pcapng_free(struct pcapng *w)
{
	if (!w)
		return;
	free(w->block);
	free(w);
}

bool pcapng_failed(const struct pcapng *w)
{
	return w->failed;
}

/* ---- bytes ---- */

static void put(struct pcapng *w, const void *data, size_t len)
{
	if (w->no_memory)
		return;
	if (w->room - w->len < len) {
		size_t room = (w->len + len) * 2;
		uint8_t *block = realloc(w->block, room);

		if (!block) {
			w->no_memory = true;
			return;
		}
		w->block = block;
		w->room = room;
	}
	if (len)
		memcpy(w->block + w->len, data, len);
	w->len += len;
}

static void put_u16(struct pcapng *w, uint16_t value)
{
	uint8_t bytes[] = { value & 0xff, value >> 8 };

	put(w, bytes, sizeof(bytes));
}

static void put_u32(struct pcapng *w, uint32_t value)
{
	put_u16(w, value & 0xffff);
	put_u16(w, value >> 16);
}

static void put_u64(struct pcapng *w, uint64_t value)
{
	put_u32(w, value & UINT32_MAX);
	put_u32(w, value >> 32);
}

static void put_zeros(struct pcapng *w, size_t n)
{
	static const uint8_t zeros[64];

	for (; n > sizeof(zeros); n -= sizeof(zeros))
		put(w, zeros, sizeof(zeros));
	put(w, zeros, n);
}

static void align(struct pcapng *w)
{
	put_zeros(w, -w->len & 3);
}

/* ---- options ---- */

static void option(struct pcapng *w, enum option code, const void *data, size_t len)
{
	put_u16(w, code);
	put_u16(w, (uint16_t)len);
	put(w, data, len);
	align(w);
}

/* As much of TEXT as an option can hold: cut between characters. */
static size_t fitting(const char *text, size_t len)
{
	if (len <= MAX_OPTION)
		return len;
	len = MAX_OPTION;
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void option_text(struct pcapng *w, enum option code, const char *text)
{
	if (text && *text)
		option(w, code, text, fitting(text, strlen(text)));
}

/* The next of the strings at *TEXT, of which *LEN bytes are left; NULL: none. */
static const char *next_text(const char **text, size_t *len)
{
	const char *this = *text;
	size_t n = *len ? strnlen(this, *len) : 0;

	if (*len == 0 || n == *len)
		return NULL;
	*text += n + 1;
	*len -= n + 1;
	return this;
}

/* ---- blocks ---- */

static void begin(struct pcapng *w, enum block_type type)
{
	w->len = 0;
	w->no_memory = false;
	put_u32(w, type);
	put_u32(w, 0); /* its length, which end() knows */
}

static void end(struct pcapng *w)
{
	size_t len;

	align(w);
	len = w->len + sizeof(uint32_t);
	put_u32(w, (uint32_t)len);
	if (w->no_memory) {
		w->failed = true;
		return;
	}
	for (size_t i = 0; i < sizeof(uint32_t); i++)
		w->block[LENGTH_OFFSET + i] = (len >> 8 * i) & 0xff;
	write_output(w->out, w->block, len);
}

size_t pcapng_section(struct pcapng *w, const struct pcapng_section *section)
{
	begin(w, BLOCK_SECTION);
	put_u32(w, BYTE_ORDER_MAGIC);
	put_u16(w, 1); /* version 1.0 */
	put_u16(w, 0);
	put_u64(w, UINT64_MAX); /* the section's length is not told */
	option_text(w, OPTION_COMMENT, section->comment);
	option_text(w, OPTION_SECTION_OS, section->os);
	option_text(w, OPTION_SECTION_APPLICATION, section->application);
	option(w, OPTION_END, NULL, 0);
	if (w->len + sizeof(uint32_t) < section->room)
		put_zeros(w, section->room - sizeof(uint32_t) - w->len);
	end(w);
	return w->len;
}

void pcapng_interface(struct pcapng *w, const struct pcapng_interface *interface)
{
	static const uint8_t resolution[] = { RESOLUTION_NS };

	begin(w, BLOCK_INTERFACE);
	put_u16(w, interface->link_type);
	put_u16(w, 0);
	put_u32(w, interface->snap_length);
	option_text(w, OPTION_INTERFACE_NAME, interface->name);
	option_text(w, OPTION_INTERFACE_DESCRIPTION, interface->description);
	option(w, OPTION_INTERFACE_RESOLUTION, resolution, sizeof(resolution));
	option(w, OPTION_END, NULL, 0);
	end(w);
}

static void option_packet_id(struct pcapng *w, uint64_t id)
{
	put_u16(w, OPTION_PACKET_ID);
	put_u16(w, sizeof(id));
	put_u64(w, id);
}

void pcapng_packet(struct pcapng *w, const struct pcapng_packet *packet)
{
	const char *comments = packet->comments, *comment;
	size_t len = packet->comments_len;

	begin(w, BLOCK_PACKET);
	put_u32(w, packet->interface);
	put_u32(w, packet->time_ns >> 32);
	put_u32(w, packet->time_ns & UINT32_MAX);
	put_u32(w, packet->len);
	put_u32(w, packet->original_len);
	put(w, packet->data, packet->len);
	align(w);
	while ((comment = next_text(&comments, &len)))
		option_text(w, OPTION_COMMENT, comment);
	if (packet->id)
		option_packet_id(w, packet->id);
	option(w, OPTION_END, NULL, 0);
	end(w);
}

void pcapng_journal(struct pcapng *w, uint64_t time_ns, const char *fields, size_t fields_len)
{
	char time[64];
	const char *field;
	int n = snprintf(time, sizeof(time), "__REALTIME_TIMESTAMP=%" PRIu64 "\n", time_ns / 1000);

	begin(w, BLOCK_JOURNAL);
	put(w, time, (size_t)n);
	while ((field = next_text(&fields, &fields_len))) {
		put(w, field, strlen(field));
		put(w, "\n", 1);
	}
	end(w);
}
