/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The load balancer's schedule of a target, as its probes show it, and what
 * follows: when the state that it holds will flip.
 */
#ifndef HCT_SCHEDULE_H
#define HCT_SCHEDULE_H

#include "rhythm.h"
#include "targets.h"

#define SCHEDULE_TIMEOUTS 5

struct schedule {
	struct rhythm starts;
	uint64_t timeouts[SCHEDULE_TIMEOUTS]; /* of the last probes that were given up */
	unsigned n_timeouts;
};

/*
 * Learns from P, which D is of: T's interval is the median distance of its
 * probes, its timeout the median time after which one was given up.
 */
void schedule_learn(struct schedule *s, struct target *t, const struct probe *p,
		    const struct diagnosis *d);
/* Sets T's flips_at_ns by what was learned, else by SETTINGS. */
void schedule_foresee(struct target *t, const struct settings *settings);

#endif
