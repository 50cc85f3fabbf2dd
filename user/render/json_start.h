/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the JSON renderer says of a run's beginning. */
#ifndef HCT_JSON_START_H
#define HCT_JSON_START_H

#include "cli/options.h"
#include "json_write.h"
#include "stream/stream.h"

/* "check": its settings. */
void json_check(struct json_writer *w, const struct settings *c);
/* "points": those that are attached, and "missing": the others, with what that costs. */
void json_points(struct json_writer *w, const struct point_status *points, size_t n);
/* "bottle": where hctrace probe sends from. */
void json_bottle(struct json_writer *w, const struct probe_from *from);

#endif
