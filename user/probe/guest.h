/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sender's part in a live run: the bottle, its ways in and out, and what its client saw. */
#ifndef HCT_GUEST_H
#define HCT_GUEST_H

#include "cli/live_guest.h"
#include "changes.h"
#include "prober.h"
#include "way.h"

struct guest {
	const struct settings *settings;
	const struct way *way;
	struct bottle *bottle;
	struct bottle_tc *tc;
	struct prober *prober;
	struct prober_plan plan;
	uint64_t passed, failed, unknown;
	uint64_t kept; /* HCT_BOTTLE_KEPT when the round began */
	/* Until healthy: a round at a time, with a look at the host before it. */
	struct snapshot *before_failure, *before_round;
	uint64_t failures; /* probes that did not pass, up to the last round */
	bool mended; /* and now they do */
	uint64_t round_ns, failure_ns, next_round_ns; /* CLOCK_MONOTONIC */
	char not_met[96]; /* what a probe from inside does not meet at its device; "" nothing */
	bool told; /* what a pass does not prove */
	bool missed; /* checks were sent, and nothing of them was seen */
};

/* After the bottle is open.  Its functions' ctx is G. */
struct live_guest guest_functions(struct guest *g);
/* As live_guest's judge (judge.c). */
void guest_judge(void *ctx, const struct probe *p, struct diagnosis *d);
void guest_close(struct guest *g);

#endif
