/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A probe's timeline: each observation in a few plain words. */
#ifndef HCT_TIMELINE_H
#define HCT_TIMELINE_H

#include "probe.h"

/* Adds O to P's timeline; the same thing again, right after, only counts. */
void timeline_add(struct probe *p, const struct obs *o);
/* O in a few words, as the timeline shows it. */
void timeline_text(char out[PROBE_TEXT_LEN], const struct obs *o);

#endif
