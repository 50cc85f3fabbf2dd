/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Values of the JSON renderer: a target's numbers, and times as settings.  The caller owns them. */
#ifndef HCT_JSON_TARGET_H
#define HCT_JSON_TARGET_H

#include <json-c/json.h>

#include "diagnose/targets.h"

/* A setting in seconds: 5, or 0.5. */
struct json_object *json_seconds(uint64_t ns);
/* Results of the same kind in a row. */
struct json_object *json_target_run(const struct target *t);
/* By verdict, those that were not given left out. */
struct json_object *json_target_counts(const struct target *t);
/* Percentiles of the answer times; NULL (null): there were no answers. */
struct json_object *json_target_latency(const struct target *t);
/* What the probes themselves show of the check's settings. */
struct json_object *json_target_learned(const struct target *t);

#endif
