/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An observation as a line of a case file. */
#ifndef HCT_CASE_OBS_H
#define HCT_CASE_OBS_H

#include <stdio.h>

#include "case_text.h"
#include "obs.h"

/* Writes the words of O after "obs", times relative to START_NS; no newline. */
void case_put_obs(FILE *out, const struct obs *o, uint64_t start_ns);
/*
 * Reads the words of a line (cut up on the way) into O, whose payload will
 * point to PAYLOAD.  0, or -EINVAL with *BAD set to the word at fault.
 */
int case_get_obs(char *words, uint64_t start_ns, struct obs *o, uint8_t payload[HCT_PAYLOAD_MAX],
		 const char **bad);

/*
 * What an observation consists of, apart from the words that are not members
 * of struct obs one by one: t, flow, seq, point, proto, lb, target, other (of
 * translation), flags, pid with comm, stack and payload.
 */
const struct field *case_common_fields(size_t *n);
const struct field *case_point_fields(enum hct_point point, size_t *n); /* what POINT has besides */

#endif
