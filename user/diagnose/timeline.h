/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A probe's timeline: each observation in a few plain words. */
#ifndef HCT_TIMELINE_H
#define HCT_TIMELINE_H

#include "probe.h"

/*
 * Adds O to P's timeline, before P takes it in.  The same thing again, right
 * after, only counts; what says nothing to an admin is left out.
 */
void timeline_add(struct probe *p, const struct obs *o);

/* The TLS records that begin in the packet of O, which P has taken already (timeline_tls.c). */
void timeline_records(char out[PROBE_TEXT_LEN], const struct probe *p, const struct obs *o);

#endif
