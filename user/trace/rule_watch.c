// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* When nftables and the netfilter ladder are asked what happened to a probe. */
#include "rule_watch.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/nf_place.h"
#include "rule_kinds.h"

#define SECOND UINT64_C(1000000000)
#define FORGET_NS (60 * SECOND) /* a kind that does not come again is no longer waited for */
#define SETTLE_NS (SECOND / 50) /* what was stopped within was on its way before the watch was */
#define LOOK_NS (SECOND / 5) /* the ruleset is not looked at more often for a kind … */
#define FRESH_NS (SECOND / 20) /* … and for all together */
/* Many thousand senders may be stopped at once: watches begin, for each, no faster than that. */
#define BEGIN_NS (SECOND / 2)
#define BEGINS_AT_ONCE 32
#define SILENT_DROPS 5 /* so many without a report: it is not nftables that drops them */
#define ENOUGH_RUNGS 3
#define ENOUGH_DROPS 8
/* Another hctrace changes the ruleset's number, too: the two must not wake each other for ever. */
#define AGAIN_NS SECOND
#define AGAIN_DOUBLINGS 6
#define CALM_NS (300 * SECOND) /* after that it is as if it was the first time */
#define REWRITTEN_NS (3 * SECOND) /* of reports about rewritten packets are enough */
/* e0d4593140b0: what nftables drops is freed in nft_do_chain(), not by nf_hook_slow() */
#define KERNEL_NFT_FREES (6 << 8 | 7)

struct space { /* a network namespace with tables of ours, or to get them */
	uint32_t netns;
	bool dirty;
};

struct rule_watch {
	const struct settings *settings;
	uint32_t netns;
	unsigned kernel;
	const struct rule_watch_means *means;
	void *ctx;
	struct kinds kinds;
	struct space spaces[RULE_MAX_WATCHED];
	size_t n_spaces;
	bool ladder, no_ladder; /* it is up; this kernel has none */
	struct { /* as last looked at */
		uint32_t netns, generation;
		uint64_t time_ns;
	} last;
	uint64_t begins_ns; /* BEGIN_NS for each watch that began, not earlier than now */
};

struct rule_watch *rule_watch_new(const struct settings *settings, uint32_t netns,
				  unsigned kernel, const struct rule_watch_means *means, void *ctx)
{
	struct rule_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->settings = settings;
	w->netns = netns;
	w->kernel = kernel;
	w->means = means;
	w->ctx = ctx;
	return w;
}

void rule_watch_free(struct rule_watch *w)
{
	if (!w)
		return;
	kinds_clear(&w->kinds);
	free(w);
}

/* ---- what happened ---- */

static struct nf_place place_of(const struct obs *o)
{
	struct probe_incident incident = {
		.seen = true,
		.reason = o->point == HCT_POINT_DROP ? o->reason : NULL,
		.function = o->point == HCT_POINT_DROP ? o->function : NULL,
		.stack_len = o->stack_len,
	};

	memcpy(incident.stack, o->stack, sizeof(incident.stack));
	return nf_place(&incident);
}

static bool is_foreign(const struct rule_watch *w, const struct obs *o,
		       const struct nf_place *place)
{
	if (o->rung.valid == HCT_RUNG_TABLE)
		return true;
	switch (place->backend) {
	case NF_BACKEND_NFT:
		return false;
	case NF_BACKEND_LEGACY:
	case NF_BACKEND_EBTABLES:
		return true;
	default:
		return w->kernel >= KERNEL_NFT_FREES && (function_is(o->function, "nf_hook_slow") ||
							 function_is(o->function, "nf_hook_slow_list"));
	}
}

static struct space *space_of(struct rule_watch *w, uint32_t netns)
{
	for (size_t i = 0; i < w->n_spaces; i++)
		if (w->spaces[i].netns == netns)
			return &w->spaces[i];
	if (w->n_spaces == RULE_MAX_WATCHED)
		return NULL;
	w->spaces[w->n_spaces] = (struct space){ .netns = netns };
	return &w->spaces[w->n_spaces++];
}

static void set_dirty(struct rule_watch *w, uint32_t netns)
{
	struct space *space = space_of(w, netns);

	if (space)
		space->dirty = true;
}

static void stop_watching(struct rule_watch *w, struct kind *kind, enum kind_state state)
{
	kind_set_state(&w->kinds, kind, state);
	if (kind->traced)
		set_dirty(w, kind->key.netns);
	kind->traced = false;
}

/* Netfilter stopped (or a REJECT of it answered) a packet. */
static void note_stopped(struct rule_watch *w, const struct obs *o)
{
	struct nf_place place = place_of(o);
	struct kind_key key;
	struct kind *kind;

	/* an ICMP error of ours cannot be told from others by its own header */
	if (!place.netfilter || !o->netns || o->packet.is_icmp_error)
		return;
	key = kind_key_of(o);
	if (o->point != HCT_POINT_DROP)
		key.reply = false; /* the request is what was rejected */
	key.bridge = place.bridge;
	snprintf(key.hook, sizeof(key.hook), "%s", place.hook);
	kind = kinds_get(&w->kinds, &key);
	if (!kind)
		return;
	kind->last_ns = o->time_ns;
	kind->last_lb_port = o->tuple.lb_port;
	if (o->point == HCT_POINT_DROP)
		kind->foreign = is_foreign(w, o, &place);
	if (strcmp(place.hook, "INGRESS") == 0)
		memcpy(kind->device, o->device, sizeof(kind->device));
	if (kind->state != KIND_WATCHED) {
		kind_set_pending(&w->kinds, kind);
		return;
	}
	if (o->point == HCT_POINT_DROP && o->time_ns > kind->since_ns + SETTLE_NS) {
		kind->drops++;
		kind->rungs += o->rung.valid != 0;
	}
	if (kind_learn_inner(&w->kinds, kind))
		set_dirty(w, key.netns);
}

static bool is_end(const struct obs *o)
{
	return strcmp(o->rule.verdict, "drop") == 0 || strcmp(o->rule.verdict, "queue") == 0;
}

/* A report has the packet's addresses of that moment: its target may be the one behind the DNAT. */
static bool is_of_kind(const struct kind *kind, const struct obs *o)
{
	struct kind_key key = kind_key_of(o);

	if (kind->state != KIND_WATCHED || !kind->traced || kind->key.netns != key.netns ||
	    kind->key.protocol != key.protocol || kind->key.reply != key.reply ||
	    memcmp(kind->key.lb, key.lb, sizeof(key.lb)) != 0)
		return false;
	if (kind->key.rewritten)
		return true;
	if (kind->key.opening != key.opening)
		return false;
	return kind->last_lb_port == o->tuple.lb_port ||
	       (kind->key.port_be == key.port_be &&
		memcmp(kind->key.target, key.target, sizeof(key.target)) == 0) ||
	       (kind->has_inner && kind->inner_port_be == key.port_be &&
		memcmp(kind->inner, key.target, sizeof(key.target)) == 0);
}

/* Of several kinds, for several hooks, the report is about the one that was stopped last. */
static void note_reported(struct rule_watch *w, const struct obs *o)
{
	struct kind *named = NULL;

	for (size_t i = 0; i < w->kinds.n_watched; i++) {
		struct kind *kind = w->kinds.watched[i];

		if (!is_of_kind(kind, o))
			continue;
		if (!kind->key.rewritten) {
			/* of a SYN-ACK sent again when the verdict was out: it helps no probe */
			if (kind->has_over && kind->over_lb_port == o->tuple.lb_port)
				continue;
			if (is_end(o) && (!named || kind->last_ns > named->last_ns))
				named = kind;
		} else if (!kind->reported_ns) {
			kind->reported_ns = o->time_ns;
		}
	}
	if (!named)
		return;
	named->reported_ns = o->time_ns;
	stop_watching(w, named, KIND_NAMED);
}

bool rule_watch_wants(const struct rule_watch *w, const struct obs *o)
{
	if (is_end(o))
		return true;
	for (size_t i = 0; i < w->kinds.n_watched; i++)
		if (w->kinds.watched[i]->key.rewritten && is_of_kind(w->kinds.watched[i], o))
			return true;
	return false;
}

void rule_watch_obs(struct rule_watch *w, const struct obs *o)
{
	switch (o->point) {
	case HCT_POINT_DROP:
	case HCT_POINT_ICMP_SENT:
	case HCT_POINT_RESET_SENT:
		note_stopped(w, o);
		break;
	case HCT_POINT_TRANSLATION:
		if (!o->reply)
			kinds_note_alias(&w->kinds, o);
		break;
	case HCT_POINT_NFT_TRACE:
		note_reported(w, o);
		break;
	default:
		break;
	}
}

/* The connection of TUPLE was diagnosed: what is reported of it from now on comes too late. */
static void note_over(struct rule_watch *w, const struct hct_tuple *tuple)
{
	if (tuple->protocol != IPPROTO_TCP)
		return;
	for (size_t i = 0; i < w->kinds.n_watched; i++) {
		struct kind *kind = w->kinds.watched[i];

		if (kind->key.protocol != IPPROTO_TCP ||
		    kind->key.port_be != tuple->target_port ||
		    memcmp(kind->key.lb, tuple->lb, sizeof(tuple->lb)) != 0 ||
		    memcmp(kind->key.target, tuple->target, sizeof(tuple->target)) != 0)
			continue;
		kind->has_over = true;
		kind->over_lb_port = tuple->lb_port;
	}
}

void rule_watch_probe(struct rule_watch *w, const struct probe *p, const struct diagnosis *d)
{
	bool reply = d->verdict == VERDICT_REPLY_REWRITTEN && p->snat.seen;
	struct obs o = { .tuple = p->tuple, .netns = p->netns, .reply = reply };
	struct kind_key key;
	struct kind *kind;

	note_over(w, &p->tuple);
	if (!reply && !(p->dnat.seen && d->outcome == OUTCOME_FAIL))
		return;
	if (!reply) /* a connection's first packet is the only one that meets rules of nat */
		o.packet.tcp_flags = HCT_TCP_SYN;
	key = kind_key_of(&o);
	key.rewritten = true;
	kind = kinds_get(&w->kinds, &key);
	if (!kind)
		return;
	kind->last_ns = p->end_ns;
	if (kind->state != KIND_WATCHED)
		kind_set_pending(&w->kinds, kind);
}

/* ---- what follows ---- */

/* It happened again: was its rule named (or not to be found) in another ruleset? */
static bool may_differ(const struct kind *kind, uint32_t generation, uint64_t now_ns)
{
	uint64_t pause = AGAIN_NS << (kind->again < AGAIN_DOUBLINGS ? kind->again : AGAIN_DOUBLINGS);

	/* of a packet, the report can come ahead of the drop: that is no other one */
	if (!kind->key.rewritten && kind->last_ns <= kind->reported_ns + SETTLE_NS)
		return false;
	if (now_ns - kind->since_ns > CALM_NS)
		return generation != kind->generation || kind->state == KIND_GIVEN_UP;
	return generation != kind->generation &&
	       (!kind->again || now_ns - kind->since_ns > pause);
}

static bool can_trace(struct rule_watch *w, const struct kind *kind)
{
	bool chains;

	return !kind->foreign && !w->means->has_chains(w->ctx, kind->key.netns, &chains) && chains;
}

static void begin(struct rule_watch *w, struct kind *kind, uint32_t generation, uint64_t now_ns)
{
	bool traced = can_trace(w, kind);
	bool laddered = !kind->key.rewritten && kind->key.netns == w->netns && !w->no_ladder;

	kind->generation = generation;
	if (!traced && !laddered) {
		kind->since_ns = now_ns;
		kind->state = KIND_GIVEN_UP;
		return;
	}
	if (!kind_set_state(&w->kinds, kind, KIND_WATCHED))
		return;
	kind->traced = traced;
	kind->since_ns = now_ns;
	kind->drops = 0;
	kind->rungs = 0;
	kind->reported_ns = 0;
	kind->has_over = false;
	kind_learn_inner(&w->kinds, kind);
	if (traced)
		set_dirty(w, kind->key.netns);
}

/* 0 where it cannot be told. */
static uint32_t generation_of(struct rule_watch *w, uint32_t netns, uint64_t now_ns)
{
	uint32_t generation;

	if (w->last.netns == netns && now_ns - w->last.time_ns < FRESH_NS)
		return w->last.generation;
	if (w->means->generation(w->ctx, netns, &generation))
		generation = 0;
	w->last.netns = netns;
	w->last.generation = generation;
	w->last.time_ns = now_ns;
	return generation;
}

/* May another watch begin?  If so, it counts. */
static bool take_turn(struct rule_watch *w, uint64_t now_ns)
{
	if (w->begins_ns < now_ns)
		w->begins_ns = now_ns;
	if (w->begins_ns - now_ns > BEGINS_AT_ONCE * BEGIN_NS)
		return false;
	w->begins_ns += BEGIN_NS;
	return true;
}

static void look_at_pending(struct rule_watch *w, uint64_t now_ns)
{
	for (size_t i = 0; i < w->kinds.n_pending; i++) {
		struct kind *kind = w->kinds.pending[i];
		bool rested = kind->state == KIND_RESTING;
		uint32_t generation;

		kind->pending = false;
		if (w->kinds.n_watched == RULE_MAX_WATCHED || kind->state == KIND_WATCHED ||
		    (kind->looked_ns && now_ns - kind->looked_ns < LOOK_NS))
			continue;
		kind->looked_ns = now_ns;
		generation = generation_of(w, kind->key.netns, now_ns);
		if ((!rested && !may_differ(kind, generation, now_ns)) || !take_turn(w, now_ns))
			continue;
		kind->again = rested || now_ns - kind->since_ns > CALM_NS ? 0 : kind->again + 1;
		begin(w, kind, generation, now_ns);
	}
	w->kinds.n_pending = 0;
}

/* Goes through the watched ones, of which any may leave. */
static void end_what_is_over(struct rule_watch *w, uint64_t now_ns)
{
	for (size_t i = w->kinds.n_watched; i-- > 0;) {
		struct kind *kind = w->kinds.watched[i];
		uint64_t last = kind->last_ns > kind->since_ns ? kind->last_ns : kind->since_ns;

		if (kind->key.rewritten) {
			if (kind->reported_ns && now_ns > kind->reported_ns + REWRITTEN_NS)
				stop_watching(w, kind, KIND_NAMED);
			else if (now_ns > kind->since_ns + FORGET_NS)
				stop_watching(w, kind, KIND_GIVEN_UP);
			continue;
		}
		if (kind->traced && kind->drops >= SILENT_DROPS) {
			kind->traced = false;
			set_dirty(w, kind->key.netns);
		}
		if (now_ns > last && now_ns - last > FORGET_NS)
			stop_watching(w, kind, KIND_RESTING);
		else if (!kind->traced && (kind->rungs >= ENOUGH_RUNGS ||
					   kind->drops >= ENOUGH_DROPS || w->no_ladder ||
					   kind->key.netns != w->netns))
			stop_watching(w, kind, KIND_GIVEN_UP);
	}
}

/* Our own change of the ruleset makes no kind differ. */
static void pass_on_generation(struct rule_watch *w, uint32_t netns, uint32_t before,
			       uint32_t after)
{
	struct kind *kind, *next;

	HASH_ITER(hh, w->kinds.all, kind, next)
		if (kind->key.netns == netns && kind->generation == before)
			kind->generation = after;
}

static void set_space(struct rule_watch *w, struct space *space)
{
	struct nft_watch watches[NFT_MAX_WATCHES];
	uint32_t before = 0, after = 0;
	size_t n = 0;
	int err;

	for (size_t i = 0; i < w->kinds.n_watched; i++)
		if (w->kinds.watched[i]->traced && w->kinds.watched[i]->key.netns == space->netns)
			n = kind_add_watches(w->kinds.watched[i], w->settings, w->netns, watches, n);
	w->means->generation(w->ctx, space->netns, &before);
	err = w->means->trace(w->ctx, space->netns, watches, n);
	w->means->generation(w->ctx, space->netns, &after);
	if (after - before == 1)
		pass_on_generation(w, space->netns, before, after);
	w->last.time_ns = 0;
	space->dirty = false;
	if (!err)
		return;
	for (size_t i = 0; i < w->kinds.n_watched; i++)
		if (w->kinds.watched[i]->key.netns == space->netns)
			w->kinds.watched[i]->traced = false;
}

static bool is_traced(const struct rule_watch *w, uint32_t netns)
{
	for (size_t i = 0; i < w->kinds.n_watched; i++)
		if (w->kinds.watched[i]->traced && w->kinds.watched[i]->key.netns == netns)
			return true;
	return false;
}

static void set_spaces(struct rule_watch *w)
{
	for (size_t i = w->n_spaces; i-- > 0;) {
		if (w->spaces[i].dirty)
			set_space(w, &w->spaces[i]);
		if (!is_traced(w, w->spaces[i].netns))
			w->spaces[i] = w->spaces[--w->n_spaces];
	}
}

static void set_ladder(struct rule_watch *w)
{
	bool wanted = false;

	for (size_t i = 0; i < w->kinds.n_watched; i++)
		wanted |= !w->kinds.watched[i]->key.rewritten &&
			  w->kinds.watched[i]->key.netns == w->netns;
	if (wanted == w->ladder || (wanted && w->no_ladder))
		return;
	if (w->means->ladder(w->ctx, wanted)) {
		w->no_ladder = true;
		return;
	}
	w->ladder = wanted;
}

bool rule_watch_at_work(const struct rule_watch *w)
{
	return w->kinds.n_pending || w->kinds.n_watched || w->n_spaces || w->ladder;
}

void rule_watch_settle(struct rule_watch *w, uint64_t now_ns)
{
	if (!rule_watch_at_work(w))
		return;
	look_at_pending(w, now_ns);
	end_what_is_over(w, now_ns);
	set_spaces(w);
	set_ladder(w);
}
