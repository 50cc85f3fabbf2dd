/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Raw SYNs, sent in batches.  A socket per probe costs a descriptor (root's
 * limit may be 20,000), a few kilobytes and its retransmissions: too much where
 * a hundred thousand probes are in flight at once.
 */
#ifndef LOAD_RAW_H
#define LOAD_RAW_H

#include "load_plan.h"

struct load_raw;

/* Called for each SYN once it is known whether the kernel took it. */
typedef void load_raw_sent(void *ctx, uint64_t probe, bool taken);

int load_raw_open(struct load_raw **out, const struct load_plan *plan, load_raw_sent *sent,
		  void *ctx);
void load_raw_close(struct load_raw *raw); /* accepts NULL */
/* Queues the SYN of probe I; sends when the batch is full. */
void load_raw_syn(struct load_raw *raw, uint64_t i);
void load_raw_flush(struct load_raw *raw);

#endif
