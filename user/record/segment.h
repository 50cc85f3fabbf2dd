/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file of a recording that is being written: whole pieces, one behind the other. */
#ifndef HCT_RECORD_SEGMENT_H
#define HCT_RECORD_SEGMENT_H

#include "format.h"

struct segment {
	int fd; /* -1: closed */
	uint64_t size; /* of what is whole */
	uint32_t pieces;
};

/*
 * Starts PATH anew (0600, for it tells much of the host).  0 or -errno: -EBUSY
 * another process writes it, -EINVAL it is no regular file.
 */
int segment_create(struct segment *s, const char *path, const struct record_header *header);
/* Writes all of it, or -errno and the file is as it was before. */
int segment_append(struct segment *s, const void *data, size_t len);
int segment_close(struct segment *s); /* 0 or -errno */

/* Makes room for a new PATH: PATH becomes PATH.1 and so on, the oldest is dropped.  0 or -errno. */
int segments_rotate(const char *path);
/* PATH.I, or PATH for 0; free() it.  NULL: no memory. */
char *segment_path(const char *path, unsigned i);
/* Reads the header of PATH; 0, -errno, or what record_header_get() says. */
int segment_header(const char *path, struct record_header *header);

#endif
