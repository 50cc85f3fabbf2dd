/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flows that the engine knows, by id, tuple and exchange, each in one of four queues
 * of timers: open probes, those that are answered while their connection goes on, those
 * that are ending, and the memory of finished ones.
 * Delays are constant by queue, so a queue is (nearly) in order of arrival.
 */
#ifndef HCT_FLOWS_H
#define HCT_FLOWS_H

#include "at_rest.h"
#include "probe.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct flow_queue;

struct flow {
	UT_hash_handle hh;
	struct flow_key key;
	uint64_t due_ns;
	uint64_t start_ns; /* of its probe */
	uint64_t end_ns; /* of an answered or ending flow: the event that ended it */
	/*
	 * Its probe: awake, at rest, or both: then AWAKE is newer.  Neither:
	 * finished, remembered so that late events start nothing.
	 */
	struct awake *awake;
	struct at_rest *rest;
	struct flow_queue *queue;
	struct flow *prev, *next;
};

struct flow_queue {
	struct flow *head, *tail;
	size_t n;
};

/* A probe as a whole; those that wait longest are put to rest when there are many. */
struct awake {
	struct probe probe;
	struct flow *flow;
	struct awake *prev, *next;
};

struct flows {
	struct flow *by_key;
	struct flow_queue open, answered, ending, finished;
	struct awake *awake; /* the one used last first */
	struct awake *unused;
	size_t n_awake; /* used or not */
	struct flow *spare; /* by next: memory for new ones */
	size_t n_spare;
	uint64_t unkept; /* times that there was no memory for what was added to a probe */
};

struct flow *flows_find(const struct flows *flows, const struct flow_key *key);
/* A new flow of KEY, with a probe that is not started and in no queue yet.  NULL: no memory. */
struct flow *flows_add(struct flows *flows, const struct flow_key *key);
/* Has FLOW a probe, or is it only remembered? */
bool flow_is_live(const struct flow *flow);
/*
 * The probe of FLOW, which is live, to look at and to add to; valid until
 * another one's is asked for.  NULL: no memory.
 */
struct probe *flows_wake(struct flows *flows, struct flow *flow);
/*
 * The same with its whole timeline, for the last time: the probe leaves FLOW.
 * NULL: it was lost for want of memory.
 */
struct probe *flows_take(struct flows *flows, struct flow *flow);
/* What may be looked at of a live flow's probe wherever it is (at_rest_head()). */
const struct probe *flow_head(const struct flow *flow);
/*
 * Moves FLOW to QUEUE (of the same flows), due at DUE_NS; later where hundreds
 * that came before it are.
 */
void flow_move(struct flow *flow, struct flow_queue *queue, uint64_t due_ns);
/* Forgets and frees FLOW; accepts NULL. */
void flows_remove(struct flows *flows, struct flow *flow);
void flows_clear(struct flows *flows);

#endif
