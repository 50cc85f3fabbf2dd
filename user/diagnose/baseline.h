/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks about a kind of dropped packet as soon as one is seen, so that later counters can be compared. */
#ifndef HCT_BASELINE_H
#define HCT_BASELINE_H

#include "probe.h"
#include "proofs.h"

/* Of one run; starts as zeros. */
struct baseline {
	uint64_t second_ns; /* when the present second began */
	unsigned asked; /* in it */
};

/*
 * O was the last that P observed.  If it is the first drop of its kind by the
 * firewall, HOST is asked for the rules; at most some times a second.
 */
void baseline_take(struct baseline *b, struct proofs *proofs, const struct host *host,
		   unsigned kernel, const struct probe *p, const struct obs *o);

#endif
