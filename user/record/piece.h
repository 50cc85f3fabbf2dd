/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records to pieces of a file, and back. */
#ifndef HCT_RECORD_PIECE_H
#define HCT_RECORD_PIECE_H

#include "format.h"

struct piece_packer;
struct piece_packer *piece_packer_new(void); /* NULL: no memory */
void piece_packer_free(struct piece_packer *p); /* accepts NULL */
/*
 * Makes piece NUMBER of the LEN (at most PIECE_RAW_MAX) bytes at RAW; a chunk's
 * first one forgets what came before.  *OUT is the packer's, until the next
 * call.  Returns its length, or -ENOMEM.
 */
int piece_pack(struct piece_packer *p, bool starts_chunk, uint32_t number, const void *raw,
	       size_t len, const uint8_t **out);

/* What was found on the way to a piece, or to the end of the file. */
struct piece_found {
	const uint8_t *raw; /* the reader's, until the next call */
	size_t len;
	bool starts_chunk;
	bool damaged; /* something before it is missing or could not be read */
	uint64_t bytes; /* of it that are in the file */
	uint64_t at; /* where it begins */
	bool cut_off; /* the file ends within it */
};

struct piece_reader;
/* 0 or -errno; it starts behind the file's header. */
int piece_reader_open(struct piece_reader **out, const char *path);
void piece_reader_close(struct piece_reader *p); /* accepts NULL */
/*
 * The next piece that can be read: 1, 0 at the end of the file, or -errno when
 * it cannot be read on.  After damage it is one that starts a chunk.
 */
int piece_reader_next(struct piece_reader *p, struct piece_found *found);
/* The rest of the chunk makes no sense: the next piece is one that starts another. */
void piece_reader_skip_chunk(struct piece_reader *p);
uint64_t piece_reader_position(const struct piece_reader *p); /* in bytes of the file */
uint64_t piece_reader_size(const struct piece_reader *p); /* when it was opened */

#endif
