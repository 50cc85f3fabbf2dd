/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the load balancer saw: a line a probe, and the sums.
 *
 *   TIME_US LB_ADDR LB_PORT TARGET_ADDR TARGET_PORT KIND RESULT TOTAL_US
 *
 * TIME_US is of the wall clock.  A line is written when its probe is over; that
 * of a raw SYN, at once.
 */
#ifndef LOAD_TRUTH_H
#define LOAD_TRUTH_H

#include <stdio.h>

#include "load_plan.h"

enum load_result {
	SEEN_CONNECTED, /* a TCP check that passed */
	SEEN_HTTP, /* a response that begins like HTTP, and its end */
	SEEN_ANSWERED, /* datagram or echo */
	SEEN_SILENT, /* datagram or echo without answer */
	SEEN_REFUSED,
	SEEN_UNREACHABLE,
	SEEN_TIMEOUT, /* no connection */
	SEEN_RESPONSE_TIMEOUT, /* a connection, no response */
	SEEN_CLOSED, /* FIN instead of a response */
	SEEN_RESET, /* RST instead of a response */
	SEEN_NOT_HTTP, /* bytes that are no HTTP */
	SEEN_SENT, /* raw: nobody waits for the answer */
	SEEN_NOT_SENT, /* this host could not: no descriptor, no memory, the source in use */
	SEEN_KINDS
};

struct load_truth {
	FILE *out; /* NULL: only the sums */
	int64_t wall_offset_us; /* from CLOCK_MONOTONIC */
	uint64_t seen[SEEN_KINDS];
};

void load_truth_start(struct load_truth *truth, FILE *out);
void load_truth_tell(struct load_truth *truth, const struct load_target *target,
		     const struct load_source *from, enum load_result result, uint64_t start_ns,
		     uint64_t end_ns);
uint64_t load_truth_told(const struct load_truth *truth);
/* One JSON object: how many, how fast and at what cost, and the sums by result. */
void load_truth_sum(const struct load_truth *truth, FILE *to, uint64_t elapsed_ns);

uint64_t load_now_ns(void); /* CLOCK_MONOTONIC */

#endif
