// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The flows that the engine knows, by id and tuple, and their timers. */
#include "flows.h"

#include <stdlib.h>

struct flow *flows_find(const struct flows *flows, const struct flow_key *key)
{
	struct flow *flow;

	HASH_FIND(hh, flows->by_key, key, sizeof(*key), flow);
	return flow;
}

struct flow *flows_add(struct flows *flows, const struct flow_key *key)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->key = *key;
	flow->rest = at_rest_new();
	if (!flow->rest)
		goto no_memory;
	HASH_ADD(hh, flows->by_key, key, sizeof(flow->key), flow);
	if (!flow->hh.tbl)
		goto no_memory;
	return flow;

no_memory:
	at_rest_free(flow->rest);
	free(flow);
	return NULL;
}

void flows_settle(struct flows *flows)
{
	if (flows->awake && at_rest_keep(&flows->awake->rest, &flows->probe))
		flows->unkept++;
	flows->awake = NULL;
}

struct probe *flows_wake(struct flows *flows, struct flow *flow)
{
	if (flows->awake == flow)
		return &flows->probe;
	flows_settle(flows);
	at_rest_wake(flow->rest, &flows->probe);
	flows->awake = flow;
	return &flows->probe;
}

struct probe *flows_take(struct flows *flows, struct flow *flow)
{
	struct probe *probe = flows_wake(flows, flow);

	at_rest_recall(flow->rest, probe);
	at_rest_free(flow->rest);
	flow->rest = NULL;
	flows->awake = NULL;
	return probe;
}

const struct probe *flow_head(const struct flow *flow)
{
	return at_rest_head(flow->rest);
}

static void leave_queue(struct flow *flow)
{
	struct flow_queue *queue = flow->queue;

	if (!queue)
		return;
	if (flow->prev)
		flow->prev->next = flow->next;
	else
		queue->head = flow->next;
	if (flow->next)
		flow->next->prev = flow->prev;
	else
		queue->tail = flow->prev;
	queue->n--;
	flow->queue = NULL;
	flow->prev = NULL;
	flow->next = NULL;
}

void flow_move(struct flow *flow, struct flow_queue *queue, uint64_t due_ns)
{
	struct flow *after;

	leave_queue(flow);
	/* events of several CPUs come nearly in order: few steps back from the tail */
	for (after = queue->tail; after && after->due_ns > due_ns; after = after->prev)
		;
	flow->due_ns = due_ns;
	flow->queue = queue;
	flow->prev = after;
	flow->next = after ? after->next : queue->head;
	if (flow->next)
		flow->next->prev = flow;
	else
		queue->tail = flow;
	if (after)
		after->next = flow;
	else
		queue->head = flow;
	queue->n++;
}

void flows_remove(struct flows *flows, struct flow *flow)
{
	if (!flow)
		return;
	leave_queue(flow);
	HASH_DEL(flows->by_key, flow);
	if (flows->awake == flow)
		flows->awake = NULL;
	at_rest_free(flow->rest);
	free(flow);
}

void flows_clear(struct flows *flows)
{
	struct flow *flow, *next;

	HASH_ITER(hh, flows->by_key, flow, next)
		flows_remove(flows, flow);
}
