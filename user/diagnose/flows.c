// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The flows that the engine knows, by id and tuple, and their timers. */
#include "flows.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "hash.h"

/* Most connections are over before so many others begin: they are never put to rest. */
#define MAX_AWAKE 1024
#define MAX_SPARE 4096
/*
 * What belongs further ahead, such as a flow whose first events were lost,
 * waits with those in front of it: at worst for as long as its queue's delay.
 */
#define MAX_STEPS 512

struct flow *flows_find(const struct flows *flows, const struct flow_key *key)
{
	struct flow *flow = flows->awake ? flows->awake->flow : NULL;
	unsigned hash;

	/* events come in bursts: what the last one was of is at hand */
	if (flow && memcmp(&flow->key, key, sizeof(*key)) == 0)
		return flow;
	hash = hash_words(key, sizeof(*key));
	HASH_FIND_BYHASHVALUE(hh, flows->by_key, key, sizeof(*key), hash, flow);
	return flow;
}

bool flow_is_live(const struct flow *flow)
{
	return flow->awake || flow->rest;
}

/* ---- probes that are awake ---- */

static void leave_awake(struct flows *flows, struct awake *awake)
{
	DL_DELETE(flows->awake, awake);
	awake->flow->awake = NULL;
	awake->flow = NULL;
	awake->next = flows->unused;
	flows->unused = awake;
}

static void put_to_rest(struct flows *flows, struct awake *awake)
{
	if (at_rest_keep(&awake->flow->rest, &awake->probe))
		flows->unkept++;
	leave_awake(flows, awake);
}

/* Gives FLOW a place for its probe.  NULL: no memory. */
static struct awake *make_awake(struct flows *flows, struct flow *flow)
{
	struct awake *awake = NULL;

	if (!flows->unused && flows->n_awake < MAX_AWAKE) {
		awake = malloc(sizeof(*awake));
		flows->n_awake += awake != NULL;
	}
	if (!awake && !flows->unused && flows->awake)
		put_to_rest(flows, flows->awake->prev); /* utlist: the last */
	if (!awake && flows->unused) {
		awake = flows->unused;
		flows->unused = awake->next;
	}
	if (!awake)
		return NULL;
	awake->flow = flow;
	flow->awake = awake;
	DL_PREPEND(flows->awake, awake);
	return awake;
}

struct probe *flows_wake(struct flows *flows, struct flow *flow)
{
	struct awake *awake = flow->awake;

	if (!awake) {
		awake = make_awake(flows, flow);
		if (!awake)
			return NULL;
		at_rest_wake(flow->rest, &awake->probe);
	} else if (awake != flows->awake) {
		DL_DELETE(flows->awake, awake);
		DL_PREPEND(flows->awake, awake);
	}
	return &awake->probe;
}

struct probe *flows_take(struct flows *flows, struct flow *flow)
{
	struct probe *probe = flow_is_live(flow) ? flows_wake(flows, flow) : NULL;

	if (probe && flow->rest)
		at_rest_recall(flow->rest, probe);
	at_rest_free(flow->rest);
	flow->rest = NULL;
	if (flow->awake)
		leave_awake(flows, flow->awake); /* untouched until another one is woken */
	return probe;
}

const struct probe *flow_head(const struct flow *flow)
{
	return flow->awake ? &flow->awake->probe : at_rest_head(flow->rest);
}

/* ---- flows ---- */

static struct flow *new_flow(struct flows *flows)
{
	struct flow *flow = flows->spare;

	if (!flow)
		return calloc(1, sizeof(*flow));
	flows->spare = flow->next;
	flows->n_spare--;
	memset(flow, 0, sizeof(*flow));
	return flow;
}

static void free_flow(struct flows *flows, struct flow *flow)
{
	if (flows->n_spare == MAX_SPARE) {
		free(flow);
		return;
	}
	flow->next = flows->spare;
	flows->spare = flow;
	flows->n_spare++;
}

struct flow *flows_add(struct flows *flows, const struct flow_key *key)
{
	unsigned hash = hash_words(key, sizeof(*key));
	struct flow *flow = new_flow(flows);

	if (!flow)
		return NULL;
	flow->key = *key;
	if (!make_awake(flows, flow))
		goto no_memory;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, flows->by_key, &flow->key, sizeof(flow->key), hash, flow);
	if (!flow->hh.tbl)
		goto no_memory;
	return flow;

no_memory:
	if (flow->awake)
		leave_awake(flows, flow->awake);
	free_flow(flows, flow);
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
	after = queue->tail;
	/* events of several CPUs come nearly in order: few steps back from the tail */
	for (unsigned n = 0; after && after->due_ns > due_ns && n < MAX_STEPS; n++)
		after = after->prev;
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
	if (flow->awake)
		leave_awake(flows, flow->awake);
	at_rest_free(flow->rest);
	free_flow(flows, flow);
}

void flows_clear(struct flows *flows)
{
	struct flow *flow, *next;
	struct awake *awake;

	HASH_ITER(hh, flows->by_key, flow, next)
		flows_remove(flows, flow);
	while ((flow = flows->spare)) {
		flows->spare = flow->next;
		free(flow);
	}
	while ((awake = flows->unused)) {
		flows->unused = awake->next;
		free(awake);
	}
	flows->n_spare = 0;
	flows->n_awake = 0;
}
