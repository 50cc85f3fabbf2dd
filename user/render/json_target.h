/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Members of the JSON renderer's object of type "target": its numbers. */
#ifndef HCT_JSON_TARGET_H
#define HCT_JSON_TARGET_H

#include "diagnose/targets.h"
#include "json_write.h"

/* "run": results of the same kind in a row. */
void json_target_run(struct json_writer *w, const struct target *t);
/* "counts": by verdict, those that were not given left out. */
void json_target_counts(struct json_writer *w, const struct target *t);
/* "latency_us": percentiles of the answer times; null: there were no answers. */
void json_target_latency(struct json_writer *w, const struct target *t);
/* "learned": what the probes themselves show of the check's settings. */
void json_target_learned(struct json_writer *w, const struct target *t);

#endif
