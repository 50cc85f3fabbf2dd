// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The flows that the engine knows, by id and tuple, and their timers. */
#include "flows.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 8 /* a healthy TCP check has some seven entries */

struct flow *flows_find(const struct flows *flows, const struct flow_key *key)
{
	struct flow *flow;

	HASH_FIND(hh, flows->by_key, key, sizeof(*key), flow);
	return flow;
}

/* A timeline is most of a probe and mostly empty: with 100,000 open probes that counts. */
static void *resize_probe(struct probe *probe, size_t room)
{
	return realloc(probe, offsetof(struct probe, timeline) + room * sizeof(probe->timeline[0]));
}

int flow_reserve(struct flow *flow)
{
	size_t room = flow->timeline_room * 2;
	struct probe *probe;

	if (flow->probe->timeline_len < flow->timeline_room || room > PROBE_MAX_TIMELINE)
		return 0;
	probe = resize_probe(flow->probe, room);
	if (!probe)
		return -ENOMEM;
	flow->probe = probe;
	flow->timeline_room = room;
	return 0;
}

void flow_take_probe(struct flow *flow, struct probe *out)
{
	size_t entries = flow->probe->timeline_len * sizeof(out->timeline[0]);

	memcpy(out, flow->probe, offsetof(struct probe, timeline) + entries);
	free(flow->probe);
	flow->probe = NULL;
}

struct flow *flows_add(struct flows *flows, const struct flow_key *key)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->key = *key;
	flow->probe = resize_probe(NULL, FIRST_ROOM);
	flow->timeline_room = FIRST_ROOM;
	if (!flow->probe)
		goto no_memory;
	HASH_ADD(hh, flows->by_key, key, sizeof(flow->key), flow);
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
	HASH_DEL(flows->by_key, flow);
	free(flow->probe);
	free(flow);
}

void flows_clear(struct flows *flows)
{
	struct flow *flow, *next;

	HASH_ITER(hh, flows->by_key, flow, next)
		flows_remove(flows, flow);
}
