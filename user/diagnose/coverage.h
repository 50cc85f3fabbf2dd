/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a run can see. */
#ifndef HCT_COVERAGE_H
#define HCT_COVERAGE_H

#include "stream/stream.h"

/* A bit per enum hct_point; a point that nothing is known of is in neither. */
struct coverage {
	uint32_t attached;
	uint32_t missing;
	uint64_t changed_ns[HCT_POINT_COUNT]; /* when it was lost or came back, last; 0: never */
};

/* Adds N points; of a point that is there more than once, "attached" counts. */
void coverage_take(struct coverage *c, const struct point_status *points, size_t n);
/* The last word about each of the N points, at TIME_NS. */
void coverage_change(struct coverage *c, const struct point_status *points, size_t n,
		     uint64_t time_ns);
/* A bit per enum hct_point that was there for a part of the time since START_NS only. */
uint32_t coverage_changed(const struct coverage *c, uint64_t start_ns);
/* A bit per enum hct_point that is missing, and whose packets no other point sees. */
uint32_t coverage_missing(const struct coverage *c);

#endif
