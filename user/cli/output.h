/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a report goes: stdout, or a file that is there only when it is complete. */
#ifndef HCT_OUTPUT_H
#define HCT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
	FILE *file; /* to write to */
	const char *path; /* NULL: stdout */
	char *temporary; /* beside PATH, renamed at the end; NULL: PATH is written at once */
};

/* PATH (borrowed) NULL or "-" is stdout.  0 or -errno, then O needs no output_close(). */
int output_open(struct output *o, const char *path);
/*
 * Closes O.  Where KEEP, its file takes the place of what was at its path, with
 * the permissions that a new file gets; otherwise it is removed.  0, or -errno
 * when not all of it could be written; then nothing was replaced.
 */
int output_close(struct output *o, bool keep);

/* "cannot write PATH" on stderr; returns the exit status for it. */
int output_failed(const char *path, int err);

#endif
