/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What became of each observation point: attached and how, or missing and why. */
#ifndef HCT_POINT_LIST_H
#define HCT_POINT_LIST_H

#include "stream/stream.h"

struct point_list {
	struct point_status points[HCT_POINT_COUNT];
	size_t n;
};

/* The last word counts, but "attached" is never taken back.  DETAIL is interned. */
void point_list_say(struct point_list *list, enum hct_point point, bool attached,
		    const char *detail);
/* An interned text. */
const char *point_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
