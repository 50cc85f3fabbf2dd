/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Targets as the load balancer sees them: per target and load-balancer node,
 * what passed, what failed and why, and the state that its interval, timeout
 * and retries make of it.
 */
#ifndef HCT_TARGETS_H
#define HCT_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"
#include "probe.h"
#include "verdict.h"

enum target_state { TARGET_UNDECIDED, TARGET_HEALTHY, TARGET_UNHEALTHY };

/* Its texts are the engine's, and live until the target is told of again. */
struct target {
	uint8_t lb[16];
	uint8_t addr[16];
	uint16_t port; /* host byte order; 0 for ICMP */
	char protocol[8];
	uint64_t first_ns, last_ns; /* start of the first and of the last probe */
	uint64_t probes, passed, failed, unknown;
	uint64_t by_verdict[VERDICT_COUNT];
	unsigned run; /* results of the same kind in a row … */
	enum outcome run_outcome; /* … and which */
	uint64_t run_since_ns;
	enum target_state state;
	uint64_t state_since_ns; /* end of the probe that flipped it */
	uint64_t flips_at_ns; /* when it flips if results stay as they are; 0: it does not */
	uint64_t interval_ns; /* from one probe's start to the next, as learned; 0: not yet */
	uint64_t timeout_ns; /* after which the load balancer gave up, as learned; 0: not yet */
	uint64_t last_took_ns; /* the last probe */
	bool silent; /* probes stopped coming, and have not come again */
	const char *silent_why; /* when they last stopped; NULL: never */
	const struct fix *silent_fix;
	/* answer times of the probes that passed, µs */
	uint64_t latency_count;
	uint64_t latency_p50_us, latency_p95_us, latency_max_us; /* filled by target_latency() */
	void *latency; /* private */
	/* the last failure, for the summary; texts may be NULL */
	enum verdict_id last_verdict;
	const char *last_code;
	const char *last_why;
	const struct fix *last_fix;
};

/*
 * Pairs of target and node that are kept apart: a port scan from the range must
 * not fill the memory.
 */
#define TARGETS_MAX 65536

struct targets;
struct targets *targets_new(const struct settings *settings);
void targets_free(struct targets *t);
/*
 * Counts a finished probe.  Returns its target, with *CHANGED set when its state
 * flipped; NULL: no memory, or TARGETS_MAX are there already.
 */
struct target *targets_count(struct targets *t, const struct probe *p, const struct diagnosis *d, bool *changed);
/* Notes with the targets at P's address and port that probes stopped coming (D: no-probe). */
void targets_silence(struct targets *t, const struct probe *p, const struct diagnosis *d);
/* Calls FN for each, ordered by target, then node. */
void targets_each(struct targets *t, void (*fn)(void *ctx, struct target *target), void *ctx);
/* Computes the percentiles of T. */
void target_latency(struct target *t);
const char *target_state_name(enum target_state state);

#endif
