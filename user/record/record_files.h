/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The files of a recording: those that were named, and the older segments beside them. */
#ifndef HCT_RECORD_FILES_H
#define HCT_RECORD_FILES_H

#include "format.h"

#define MAX_RECORD_FILES 64

struct record_file {
	char *path;
	struct record_header header;
	bool damaged_header;
	uint64_t size;
};

struct record_files {
	size_t n;
	struct record_file f[MAX_RECORD_FILES]; /* in the order of time */
};

/* 0, or an exit status after a message on stderr. */
int record_files_find(struct record_files *files, const char *const *paths, size_t n);
void record_files_free(struct record_files *files);

#endif
