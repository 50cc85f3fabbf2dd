/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What changed on the host between two looks at it: its addresses, routes, listeners,
 * rules and settings, as its own tools show them, line by line.  What moves by itself
 * (counters, timers, the state of neighbours that work) is no change.
 */
#ifndef HCT_CHANGES_H
#define HCT_CHANGES_H

#include <stddef.h>

struct snapshot;

/* Of the calling thread's namespace; takes some tenths of a second.  NULL: no memory. */
struct snapshot *snapshot_take(void);
void snapshot_free(struct snapshot *s); /* accepts NULL */

/* A line that only one of two looks shows. */
struct change {
	const char *state; /* "routes", "listeners", …: which part of the host's */
	const char *line;
	int added; /* else it is gone */
};

#define MAX_CHANGES 64

struct changes {
	struct change c[MAX_CHANGES]; /* by state, what is gone first */
	size_t n;
	size_t more; /* that found no room */
};

/* The strings are the snapshots'. */
void changes_find(const struct snapshot *before, const struct snapshot *after,
		  struct changes *out);

/* For tests: adds a part to a snapshot (NULL: a new one).  NULL: no memory. */
struct snapshot *snapshot_add(struct snapshot *s, const char *state, const char *text);

#endif
