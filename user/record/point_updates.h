/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What became of points while a run went on: the last word about each, which every
 * chunk repeats, so that one that is missing takes no news of a point with it.
 */
#ifndef HCT_POINT_UPDATES_H
#define HCT_POINT_UPDATES_H

#include "bytes.h"
#include "stream/stream.h"

struct point_updates {
	char *line[HCT_POINT_COUNT]; /* "points t=…" about that point alone; NULL: no news */
};

/* LINE is a case file's "points …" of LEN bytes.  0 or -errno. */
int point_updates_take(struct point_updates *u, const char *line, size_t len);
/* The records that a chunk has of them. */
void point_updates_put(const struct point_updates *u, struct bytes *out);
void point_updates_free(struct point_updates *u);

#endif
