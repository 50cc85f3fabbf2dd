/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What became of each observation point: attached and how, or missing and why. */
#ifndef HCT_POINT_LIST_H
#define HCT_POINT_LIST_H

#include "stream/stream.h"

struct point_list {
	struct point_status points[HCT_POINT_COUNT];
	size_t n;
	uint32_t changed; /* a bit per enum hct_point that came or went; the reader clears it */
};

/* The last word counts, but for "attached", which only point_list_gone() takes back.  DETAIL is interned. */
void point_list_say(struct point_list *list, enum hct_point point, bool attached,
		    const char *detail);
/*
 * POINT cannot be had at one more device: where others have it, it stays attached, and
 * what is known of it changes.  DETAIL is interned.
 */
void point_list_refused(struct point_list *list, enum hct_point point, const char *detail);
/* POINT was attached, and no longer is.  DETAIL is interned. */
void point_list_gone(struct point_list *list, enum hct_point point, const char *detail);
/* The points that came or went since the last call, in OUT; returns how many. */
size_t point_list_changes(struct point_list *list, struct point_status out[HCT_POINT_COUNT]);
/* An interned text. */
const char *point_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
