// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The flows that the engine knows, by flow_id, and their timers. */
#include "flows.h"

#include <stdlib.h>

struct flow *flows_find(const struct flows *flows, uint64_t id)
{
	struct flow *flow;

	HASH_FIND(hh, flows->by_id, &id, sizeof(id), flow);
	return flow;
}

struct flow *flows_add(struct flows *flows, uint64_t id)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->id = id;
	flow->probe = malloc(sizeof(*flow->probe));
	if (!flow->probe)
		goto no_memory;
	HASH_ADD(hh, flows->by_id, id, sizeof(flow->id), flow);
	if (!flow->hh.tbl)
		goto no_memory;
	return flow;

no_memory:
	free(flow->probe);
	free(flow);
	return NULL;
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
	HASH_DEL(flows->by_id, flow);
	free(flow->probe);
	free(flow);
}

void flows_clear(struct flows *flows)
{
	struct flow *flow, *next;

	HASH_ITER(hh, flows->by_id, flow, next)
		flows_remove(flows, flow);
}
