// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Packets held until the verdict of their flow is known. */
#include "pcapng_hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* Timers come late by as much as a second on a busy host; the engine keeps flows as long. */
#define SLACK_NS UINT64_C(1000000000)
/* Events of several CPUs are out of order by microseconds; be generous. */
#define REORDER_NS UINT64_C(50000000)
#define MAX_BYTES (64u << 20)
#define MAX_STEPS 4096 /* to a packet's place: no host is more out of order */
#define LOOK_BACK 16 /* packets of a flow, to tell the same one from another */

void hold_init(struct hold *h, uint64_t timeout_ns)
{
	memset(h, 0, sizeof(*h));
	h->timeout_ns = timeout_ns;
}

bool hold_is_full(const struct hold *h)
{
	return h->bytes > MAX_BYTES;
}

static size_t size_of(const struct held *item)
{
	return sizeof(*item) + item->len + item->words_len;
}

static void remove_flow(struct hold *h, struct held_flow *flow)
{
	HASH_DEL(h->flows, flow);
	DL_DELETE(h->oldest, flow);
	h->bytes -= sizeof(*flow);
	free(flow);
}

void hold_release(struct hold *h, struct held *item)
{
	DL_DELETE(h->packets, item);
	if (item->flow)
		DL_DELETE2(item->flow->packets, item, flow_prev, flow_next);
	h->bytes -= size_of(item);
	if (item->time_ns > h->released_ns)
		h->released_ns = item->time_ns;
	free(item->words);
	free(item);
}

void hold_clear(struct hold *h)
{
	while (h->packets)
		hold_release(h, h->packets);
	while (h->oldest)
		remove_flow(h, h->oldest);
}

/* ---- flows ---- */

struct held_flow *hold_find(const struct hold *h, const struct flow_key *key)
{
	struct held_flow *flow;

	HASH_FIND(hh, h->flows, key, sizeof(*key), flow);
	return flow;
}

/* What a flow is remembered for is over twice as long after its first packet. */
static void forget_old_flows(struct hold *h)
{
	struct held_flow *flow;

	while ((flow = h->oldest) && !flow->packets &&
	       (hold_is_full(h) || (flow->due_ns < h->now_ns &&
				    h->now_ns - flow->due_ns > 2 * h->timeout_ns)))
		remove_flow(h, flow);
}

/* What a kept connection's FLOW has from the first exchange, if that is still known. */
static void take_connection(const struct hold *h, struct held_flow *flow)
{
	struct flow_key key = flow_key(flow->key.id, &flow->key.tuple);
	const struct held_flow *first = hold_find(h, &key);

	if (!first)
		return;
	flow->netns = first->netns;
	flow->translated = first->translated;
	memcpy(flow->inner_addr, first->inner_addr, sizeof(flow->inner_addr));
	flow->inner_port = first->inner_port;
}

struct held_flow *hold_flow(struct hold *h, const struct obs *o)
{
	struct flow_key key = exchange_key(o->flow_id, &o->tuple, o->exchange);
	struct held_flow *flow = hold_find(h, &key);
	/* the id is the time of the first packet, which may have been lost */
	uint64_t first_ns = o->flow_id && o->flow_id < o->time_ns ? o->flow_id : o->time_ns;

	if (flow)
		return flow;
	if (key.exchange) /* the connection is older, and a verdict due only now */
		first_ns = o->time_ns;
	forget_old_flows(h);
	flow = calloc(1, sizeof(*flow));
	if (!flow)
		return NULL;
	flow->key = key;
	flow->netns = o->netns;
	if (key.exchange)
		take_connection(h, flow);
	flow->due_ns = first_ns + 2 * h->timeout_ns + SLACK_NS;
	HASH_ADD(hh, h->flows, key, sizeof(flow->key), flow);
	if (!flow->hh.tbl) {
		free(flow);
		return NULL;
	}
	DL_APPEND(h->oldest, flow);
	h->bytes += sizeof(*flow);
	return flow;
}

void hold_decided(struct held_flow *flow)
{
	flow->decided = true;
}

/* ---- packets ---- */

static bool is_same(const struct held *item, const struct held *other)
{
	return item->reply == other->reply &&
	       memcmp(&item->header, &other->header, sizeof(item->header)) == 0;
}

/*
 * The id of the packet ITEM, which joins FLOW: that of its like before, unless
 * that was met at the same place already; then it was sent again.
 */
static uint64_t id_of(struct hold *h, const struct held_flow *flow, const struct held *item)
{
	const struct held *like = NULL;
	unsigned n = 0;

	if (!flow->packets)
		return ++h->next_id;
	/* utlist: the first's prev is the last */
	for (const struct held *i = flow->packets->flow_prev; n < LOOK_BACK; i = i->flow_prev, n++) {
		if (!like && is_same(i, item))
			like = i;
		if (like && i->id == like->id && i->interface == item->interface)
			return ++h->next_id;
		if (i == flow->packets)
			break;
	}
	return like ? like->id : ++h->next_id;
}

/* To its place in time, which is nearly always the end. */
static void insert(struct hold *h, struct held *item)
{
	struct held *before = h->packets ? h->packets->prev : NULL;

	for (unsigned n = 0; before && before->time_ns > item->time_ns && n < MAX_STEPS; n++)
		before = before == h->packets ? NULL : before->prev;
	DL_APPEND_ELEM(h->packets, before, item); /* NULL: as the first */
	h->bytes += size_of(item);
}

int hold_packet(struct hold *h, struct held_flow *flow, const struct obs *o, uint32_t interface,
		const struct packet *packet)
{
	struct held *item = calloc(1, sizeof(*item) + packet->len);

	if (!item)
		return -ENOMEM;
	item->flow = flow;
	item->time_ns = o->time_ns;
	item->interface = interface;
	item->point = o->point;
	memcpy(item->device, o->device, sizeof(item->device));
	item->device[sizeof(item->device) - 1] = '\0';
	item->reply = o->reply;
	item->inside = o->netns != flow->netns;
	if (o->point == HCT_POINT_DROP) {
		item->reason = o->reason;
		item->function = o->function;
	}
	item->header = o->packet;
	item->original_len = packet->original_len;
	item->len = packet->len;
	memcpy(item->data, packet->data, packet->len);
	item->id = id_of(h, flow, item);
	DL_APPEND2(flow->packets, item, flow_prev, flow_next);
	insert(h, item);
	return 0;
}

int hold_record(struct hold *h, uint64_t time_ns, const char *words, size_t len)
{
	struct held *item = calloc(1, sizeof(*item));

	if (!item)
		return -ENOMEM;
	item->words = malloc(len);
	if (!item->words) {
		free(item);
		return -ENOMEM;
	}
	memcpy(item->words, words, len);
	item->words_len = len;
	item->time_ns = time_ns > h->released_ns ? time_ns : h->released_ns;
	insert(h, item);
	return 0;
}

int held_say(struct hold *h, struct held *item, const char *text)
{
	size_t len = strlen(text) + 1;
	char *words = realloc(item->words, item->words_len + len);

	if (!words)
		return -ENOMEM;
	memcpy(words + item->words_len, text, len);
	item->words = words;
	item->words_len += len;
	h->bytes += len;
	return 0;
}

/* ---- release ---- */

/*
 * Time makes jumps, from one burst of packets to the next or over what is
 * missing of a recording, and the timers in between fire behind the first
 * packet after: a moment is settled once another one has come after it.
 */
static void set_time(struct hold *h, uint64_t now_ns)
{
	if (now_ns <= h->now_ns)
		return;
	h->now_ns = now_ns;
	if (now_ns - h->checkpoint_ns < SLACK_NS)
		return;
	h->settled_ns = now_ns == UINT64_MAX ? now_ns : h->checkpoint_ns;
	h->checkpoint_ns = now_ns;
}

struct held *hold_next(struct hold *h, uint64_t now_ns)
{
	struct held *first = h->packets;

	set_time(h, now_ns);
	if (!first)
		return NULL;
	if (hold_is_full(h))
		return first;
	if (h->now_ns < first->time_ns || h->now_ns - first->time_ns < REORDER_NS)
		return NULL;
	if (first->flow && !first->flow->decided && h->settled_ns < first->flow->due_ns)
		return NULL;
	return first;
}
