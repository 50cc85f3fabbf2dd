/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of the observation points. */
#ifndef HCT_POINTS_USER_H
#define HCT_POINTS_USER_H

#include <stddef.h>

#include "include/hct_points.h"
#include "stream.h"

const char *point_name(enum hct_point point);
const char *point_contract(enum hct_point point);
int point_by_name(const char *name); /* -1: no such point */

/*
 * The tier in use: "functions" where results of kernel functions are seen, else
 * "tracepoints".
 */
const char *points_tier(const struct point_status *list, size_t n);

#endif
