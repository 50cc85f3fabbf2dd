/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Points that were lost or came back, as a case file's line has them. */
#ifndef HCT_CASE_POINTS_H
#define HCT_CASE_POINTS_H

#include <stdio.h>

#include "stream.h"

/* Writes " NAME=attached detail=…" or " NAME=missing detail=…" for each of the N points. */
void case_put_points(FILE *out, const struct point_status *points, size_t n);
/*
 * Reads "t=TIME NAME=… detail=… …" (WORDS is cut up): at most HCT_POINT_COUNT
 * points, whose details are interned.  0, or -EINVAL with what cannot be used in
 * *BAD.  Points that have no name here are of a later version, and skipped.
 */
int case_get_points(char *words, int64_t *time_ns, struct point_status points[HCT_POINT_COUNT],
		    size_t *n, const char **bad);

#endif
