/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The format of a recording.  Version 1; integers are little endian.
 *
 * A recording is one file, or several segments, each readable by itself:
 *
 *	file header	magic, version, run id, number of the segment, checksum
 *	piece …		magic, flags, number, lengths, checksums; deflated records
 *
 * Pieces follow each other to the end of the file and are never written again.
 * A chunk is a row of pieces that share a deflate stream, the table of strings
 * and that of flows: the first of them is flagged.  What is damaged costs what
 * is left of its chunk, no more.
 *
 * Inflated, a piece consists of whole records.  A record starts with a byte:
 *
 *	0x80 | flags	an observation, obs_code.h
 *	RECORD_*	the others, below
 *
 * where "varint" is LEB128, "zigzag" the same of (n << 1) ^ (n >> 63), and
 * "string" a varint of its length followed by its bytes.
 */
#ifndef HCT_RECORD_FORMAT_H
#define HCT_RECORD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_VERSION 1
#define RECORD_HEADER_LEN 40
#define RECORD_ID_LEN 16
#define PIECE_HEADER_LEN 32
#define PIECE_RAW_MAX (160 * 1024)
#define PIECE_LEN_MAX (PIECE_RAW_MAX + 1024) /* deflate of what cannot be compressed */
#define PIECE_STARTS_CHUNK 0x1

#define RECORD_LINE_MAX 65536 /* as a case file's */
#define RECORD_STATE_PART 32768
#define RECORD_STATE_MAX (1024 * 1024) /* of one section */
#define RECORD_SEGMENTS 8 /* FILE, FILE.1 … FILE.7 */

enum record_tag {
	/*
	 * First in a chunk: varint records of the run before it, varint time in ns;
	 * of those records, varint that were not written since the last chunk, and
	 * varint errno why.
	 */
	RECORD_CHUNK = 1,
	/* second in a chunk: what an observation consists of, obs_code.h */
	RECORD_FIELDS = 2,
	/*
	 * string: a line of a case file that says what is known before the first event,
	 * or, since 0.2, that points were lost or came back ("points …"): both are
	 * repeated in each chunk and count as no record; 0.1 takes no notice of what
	 * comes behind "start …"
	 */
	RECORD_HEAD = 3,
	/* string: any other line of a case file but obs and tick */
	RECORD_LINE = 4,
	/* zigzag ns since the last time that was told */
	RECORD_TICK = 5,
	/* string: the next number in the table of strings, from 1 */
	RECORD_STRING = 6,
	/* a part of the host's state: byte at end?, varint time in ns, string name, string text */
	RECORD_STATE = 7,
	/* like RECORD_STATE: the section goes on */
	RECORD_STATE_MORE = 8,
};

struct record_header {
	uint32_t version;
	uint8_t run[RECORD_ID_LEN]; /* random, the same in all segments of a run */
	uint32_t segment; /* from 0 */
};

void record_header_put(uint8_t out[RECORD_HEADER_LEN], const struct record_header *h);
/*
 * 0, -EBADMSG: no recording, -EPROTONOSUPPORT: of a later version, which is in
 * H, -EIO: damaged.
 */
int record_header_get(const uint8_t in[RECORD_HEADER_LEN], struct record_header *h);

struct piece_header {
	uint32_t flags;
	uint32_t number; /* in its segment, from 0 */
	uint32_t len; /* bytes behind the header */
	uint32_t raw_len; /* inflated */
	uint32_t crc; /* of those bytes */
};

extern const uint8_t piece_magic[4];
void piece_header_put(uint8_t out[PIECE_HEADER_LEN], const struct piece_header *h);
/* 0, or -EBADMSG: no piece starts here, or its lengths cannot be. */
int piece_header_get(const uint8_t in[PIECE_HEADER_LEN], struct piece_header *h);
uint32_t record_crc(const void *data, size_t len);

#endif
