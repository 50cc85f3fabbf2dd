/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flows that the engine knows, by id and tuple, each in one of three queues of
 * timers: open probes, those that are ending, and the memory of finished ones.
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
	uint64_t end_ns; /* of an ending flow: the event that ended it */
	/* Owned; NULL: finished, remembered so that late events start nothing. */
	struct at_rest *rest;
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
	struct flow *awake; /* the flow that PROBE is of; NULL: none */
	struct probe probe;
	uint64_t unkept; /* times that there was no memory for what was added to a probe */
};

struct flow *flows_find(const struct flows *flows, const struct flow_key *key);
/* A new flow of KEY, with an empty probe and in no queue yet.  NULL: no memory. */
struct flow *flows_add(struct flows *flows, const struct flow_key *key);
/*
 * FLOW's probe, to look at and to add to; valid until another one's is asked
 * for.  What was added to that before is kept as far as there is memory.
 */
struct probe *flows_wake(struct flows *flows, struct flow *flow);
/* The same with its whole timeline, for the last time: the probe leaves FLOW. */
struct probe *flows_take(struct flows *flows, struct flow *flow);
/* Puts the probe that is awake to rest. */
void flows_settle(struct flows *flows);
/* What may be looked at of a probe at rest (at_rest_head()): settle them first. */
const struct probe *flow_head(const struct flow *flow);
/* Moves FLOW to QUEUE (of the same flows), due at DUE_NS. */
void flow_move(struct flow *flow, struct flow_queue *queue, uint64_t due_ns);
/* Forgets and frees FLOW; accepts NULL. */
void flows_remove(struct flows *flows, struct flow *flow);
void flows_clear(struct flows *flows);

#endif
