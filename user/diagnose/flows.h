/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flows that the engine knows, by id and tuple, each in one of three queues of
 * timers: open probes, those that are ending, and the memory of finished ones.
 * Delays are constant by queue, so a queue is (nearly) in order of arrival.
 */
#ifndef HCT_FLOWS_H
#define HCT_FLOWS_H

#include "probe.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct flow_queue;

struct flow {
	UT_hash_handle hh;
	struct flow_key key;
	uint64_t due_ns;
	uint64_t end_ns; /* of an ending flow: the event that ended it */
	/*
	 * Owned; NULL: finished, remembered so that late events start nothing.
	 * Its memory ends behind timeline[timeline_room - 1]: see flow_take_probe().
	 */
	struct probe *probe;
	size_t timeline_room;
	struct flow_queue *queue;
	struct flow *prev, *next;
};

struct flow_queue {
	struct flow *head, *tail;
	size_t n;
};

struct flows {
	struct flow *by_key;
	struct flow_queue open, ending, finished;
};

struct flow *flows_find(const struct flows *flows, const struct flow_key *key);
/* A new flow of KEY, with a probe (not started) and in no queue yet.  NULL: no memory. */
struct flow *flows_add(struct flows *flows, const struct flow_key *key);
/* Makes room for one more timeline entry, up to PROBE_MAX_TIMELINE: 0 or -ENOMEM. */
int flow_reserve(struct flow *flow);
/* Copies FLOW's probe, as far as it goes, to OUT and frees it. */
void flow_take_probe(struct flow *flow, struct probe *out);
/* Moves FLOW to QUEUE (of the same flows), due at DUE_NS. */
void flow_move(struct flow *flow, struct flow_queue *queue, uint64_t due_ns);
/* Forgets and frees FLOW; accepts NULL. */
void flows_remove(struct flows *flows, struct flow *flow);
void flows_clear(struct flows *flows);

#endif
