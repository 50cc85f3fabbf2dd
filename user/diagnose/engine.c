// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The engine: observations in, diagnosed probes out. */
#include "engine.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "silence.h"
#include "ask.h"
#include "baseline.h"
#include "connections.h"
#include "coverage.h"
#include "flows.h"
#include "habits.h"
#include "host/host_cache.h"
#include "kind.h"
#include "libwrap_join.h"
#include "no_probe.h"
#include "over.h"
#include "rule_join.h"
#include "rules.h"
#include "services.h"

/* What belongs to an end (a reset's fate, a refusal's drop) comes within this time of it. */
#define GRACE_NS UINT64_C(20000000)
/*
 * After a whole answer the load balancer's end comes within this time, if it comes:
 * else the connection is kept.  While no check is known, a little longer than a
 * burst's requests are apart, for it is by them that a user's first one is told.
 */
#define KEPT_NS UINT64_C(70000000)
#define KEPT_UNKNOWN_NS UINT64_C(450000000)
/*
 * What comes this late after the timeout still counts, for it says more than
 * silence: the load balancer's own end; and, where the answer is waiting for
 * its gateway, the kernel's giving up on that (three solicitations, 3.07 s).
 */
#define DEADLINE_SLACK_NS UINT64_C(30000000)
#define GATEWAY_SLACK_NS UINT64_C(80000000)
#define LATE_NS UINT64_C(1000000000) /* events are delivered by then */
#define MAX_OPEN 131072 /* as many as bpf/ follows: MAX_FLOWS */
#define MAX_FINISHED 262144

struct engine {
	const struct settings *settings;
	const struct host *host;
	const struct engine_listener *on;
	void *ctx;
	struct host_cache *cache;
	struct flows flows;
	struct targets *targets;
	struct services *services;
	struct habits *habits;
	struct connections *connections;
	struct proofs *proofs;
	struct baseline baseline;
	struct totals totals;
	uint64_t now_ns;
	int64_t wall_offset_ns; /* to the time of day */
	uint64_t probe_id;
	struct coverage coverage;
	unsigned kernel;
	uint32_t netns; /* that is watched … */
	char netns_name[64]; /* … and its name */
	uint64_t last_lost_ns[HCT_POINT_COUNT];
	uint64_t overflow[HCT_POINT_COUNT]; /* observations that found no room, not told yet */
	struct host_devices devices; /* when the run began */
	struct upstreams upstreams;
};

struct engine *engine_new(const struct settings *settings, const struct host *host,
			  const struct engine_listener *listener, void *listener_ctx)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->settings = settings;
	e->on = listener;
	e->ctx = listener_ctx;
	e->cache = host_cache_new(host);
	e->targets = targets_new(settings);
	e->services = services_new(settings);
	e->habits = habits_new(settings->interval_ns);
	e->connections = connections_new();
	e->proofs = proofs_new();
	if (!e->cache || !e->targets || !e->services || !e->habits || !e->connections ||
	    !e->proofs) {
		engine_free(e);
		return NULL;
	}
	e->host = host_cache_host(e->cache);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	flows_clear(&e->flows);
	proofs_free(e->proofs);
	connections_free(e->connections);
	habits_free(e->habits);
	services_free(e->services);
	targets_free(e->targets);
	host_cache_free(e->cache);
	free(e);
}

static void set_time(struct engine *e, uint64_t now_ns)
{
	if (now_ns > e->now_ns)
		e->now_ns = now_ns;
	host_cache_now(e->cache, e->now_ns);
}

static void report_target(void *ctx, struct target *target)
{
	struct engine *e = ctx;

	target_latency(target);
	if (e->on->target)
		e->on->target(e->ctx, target);
}

/* --- deciding ----------------------------------------------------------- */

/*
 * The names are asked for here, not where they are printed: a recording has
 * the answers to what was asked when it was made, whatever prints it later.
 */
static void name_netns(const struct engine *e, uint32_t netns, char name[64])
{
	if (netns == e->netns)
		strcpy(name, e->netns_name);
	else if (!netns || ask_netns_name(e->host, netns, name))
		name[0] = '\0';
}

static uint32_t lost_since(const struct engine *e, uint64_t start_ns)
{
	uint32_t points = 0;

	for (int i = 0; i < HCT_POINT_COUNT; i++)
		/* a rule's report is never missed: without one, the rule is found otherwise */
		if (i != HCT_POINT_NFT_TRACE && e->last_lost_ns[i] &&
		    e->last_lost_ns[i] >= start_ns)
			points |= UINT32_C(1) << i;
	return points;
}

/* As many as were asked for? */
static bool is_full(const struct engine *e)
{
	return e->settings->count && e->totals.probes >= e->settings->count;
}

/* N requests of users came, P's among them. */
static void count_others(struct engine *e, const struct probe *p, uint64_t n)
{
	e->totals.traffic += n;
	services_asked(e->services, p, n);
}

/*
 * The connection goes on: the kernel side follows its further requests where this
 * one is surely a check's, and stops to where it turns out to be none.
 */
static void say_whether_to_follow(struct engine *e, const struct probe *p, const struct kind *kind)
{
	bool known = kind->told_by == TOLD_BY_PERIOD || kind->told_by == TOLD_BY_CHECK ||
		     kind->told_by == TOLD_BY_PATH;

	if (p->tuple.protocol != IPPROTO_TCP || !p->exchange || p->lb_fin_ns || p->lb_rst_ns ||
	    p->host_fin_ns || p->host_rst_ns)
		return;
	if (!kind->traffic)
		connections_keep(e->connections, p);
	if (!e->on->follow)
		return;
	if (!kind->traffic && known)
		e->on->follow(e->ctx, p, true);
	else if (kind->traffic && p->exchange > 2)
		e->on->follow(e->ctx, p, false);
}

/* Tells checks from users' requests, which are only counted unless they are asked for. */
static bool is_of_interest(struct engine *e, struct probe *p)
{
	struct habit_view view;
	struct kind kind;

	habits_look(e->habits, p, &view);
	kind = kind_of(e->settings, p, &view);
	p->told_by = kind.told_by;
	habits_note(e->habits, p, kind.never_check ? NULL : &view, kind.traffic);
	say_whether_to_follow(e, p, &kind);
	if (!kind.traffic || (e->settings->all_traffic && kind.told_by != TOLD_BY_PATH))
		return true;
	count_others(e, p, 1);
	return false;
}

static void count(struct engine *e, const struct probe *p, const struct diagnosis *d)
{
	struct target *target;
	bool changed;

	e->totals.probes++;
	switch (d->outcome) {
	case OUTCOME_PASS:
		e->totals.passed++;
		break;
	case OUTCOME_FAIL:
		e->totals.failed++;
		break;
	case OUTCOME_UNKNOWN:
		e->totals.unknown++;
		break;
	}
	target = targets_count(e->targets, p, d, &changed);
	if (!target)
		e->totals.unplaced++;
	else
		services_learn(e->services, services_find(e->services, &p->tuple),
			       target->interval_ns);
	if (e->on->probe)
		e->on->probe(e->ctx, p, d);
	if (target && changed)
		report_target(e, target);
}

static void decide(struct engine *e, struct probe *p, bool cut_short)
{
	struct service *service = services_find(e->services, &p->tuple);
	struct case_facts given = { .probe = p, .settings = e->settings, .host = e->host };
	struct diagnosis d;

	given.lost = lost_since(e, p->start_ns);
	p->lossy = given.lost != 0;
	given.lost |= coverage_changed(&e->coverage, p->start_ns);
	given.unattached = coverage_missing(&e->coverage);
	given.attached = e->coverage.attached;
	given.kernel = e->kernel;
	given.proofs = e->proofs;
	given.upstreams = &e->upstreams;
	given.now_ns = e->now_ns;
	given.cut_short = cut_short;
	given.http_target = service && service->http;
	given.served = service ? &service->served : NULL;
	given.wall_offset_ns = e->wall_offset_ns;
	if (!is_of_interest(e, p))
		return;
	name_netns(e, p->netns, p->netns_name);
	name_netns(e, p->inner_netns, p->inner_name);
	services_probed(e->services, service, p);
	host_cache_event(e->cache, p->start_ns);
	diagnose(&given, &d);
	if (e->on->judge)
		e->on->judge(e->ctx, p, &d);
	services_find_process(service, e->host, e->now_ns, p);
	if (service)
		served_note(&service->served, e->host, e->now_ns, p, &d);
	if (cut_short && d.outcome == OUTCOME_UNKNOWN)
		e->totals.unfinished++;
	else
		count(e, p, &d);
}

/* FLOW's probe ended at END_NS: decides about it, and keeps only its id. */
static void finish(struct engine *e, struct flow *flow, uint64_t end_ns, bool cut_short)
{
	struct probe *p = flows_take(&e->flows, flow);

	if (p) {
		p->end_ns = end_ns > p->start_ns ? end_ns : p->start_ns;
		if (p->last_seq + 1 > p->events + p->first_seq && p->last_seq)
			p->missing = p->last_seq + 1 - p->first_seq - p->events;
		if (!is_full(e))
			decide(e, p, cut_short);
		services_over(e->services, &p->tuple, flow->start_ns);
	}
	if (e->flows.finished.n >= MAX_FINISHED)
		flows_remove(&e->flows, e->flows.finished.head);
	/* until no event of it could begin a probe: begins() */
	flow_move(flow, &e->flows.finished, e->now_ns + e->settings->timeout_ns + LATE_NS);
}

/* --- following ---------------------------------------------------------- */

/*
 * A flow begins with its first event; when that was lost, with any that is recent
 * enough.  A later exchange begins with its request: all else can be a straggler.
 */
static bool begins(const struct engine *e, const struct obs *o)
{
	if (o->exchange > 1)
		return obs_begins_exchange(o);
	return o->flow_seq == 0 || o->time_ns < o->flow_id + e->settings->timeout_ns;
}

static struct flow *begin(struct engine *e, const struct flow_key *key, const struct obs *o)
{
	struct flow *flow = NULL;
	struct probe *p;

	if (e->flows.open.n + e->flows.answered.n + e->flows.ending.n < MAX_OPEN)
		flow = flows_add(&e->flows, key);
	if (!flow) {
		e->overflow[o->point]++;
		return NULL;
	}
	p = flows_wake(&e->flows, flow);
	probe_start(p, ++e->probe_id, o);
	if (o->flow_seq > 0 && o->flow_id < o->time_ns && !p->midway)
		p->start_ns = o->flow_id; /* the time of its first packet */
	flow->start_ns = p->start_ns;
	if (o->exchange > 1)
		connections_recall(e->connections, p);
	services_saw(e->services, &o->tuple, p->start_ns, true);
	flow_move(flow, &e->flows.open, p->start_ns + e->settings->timeout_ns + DEADLINE_SLACK_NS);
	return flow;
}

static uint64_t timeout_of(const struct engine *e, const struct probe *p)
{
	return p->start_ns + e->settings->timeout_ns + DEADLINE_SLACK_NS;
}

/* How long to wait for the end of the connection on which P was answered. */
static uint64_t kept_after(const struct engine *e, const struct probe *p)
{
	struct habit_view view;

	if (e->settings->path)
		return KEPT_NS;
	habits_look(e->habits, p, &view);
	return view.check_known ? KEPT_NS : KEPT_UNKNOWN_NS;
}

static void follow(struct engine *e, struct flow *flow, const struct probe *p, const struct obs *o)
{
	if (flow->queue != &e->flows.open && flow->queue != &e->flows.answered)
		return;
	/* a user's request by its headers, which nobody asked for: the kernel side tells no more */
	if (p->http_request.forwarded && !e->settings->all_traffic) {
		finish(e, flow, o->time_ns, false);
		return;
	}
	if (probe_is_over(p, e->settings->expect_http)) {
		flow->end_ns = o->time_ns;
		flow_move(flow, &e->flows.ending, o->time_ns + GRACE_NS);
	} else if (e->settings->probe_from || !probe_is_answered(p)) {
		if (flow->queue == &e->flows.answered) /* there was more to it */
			flow_move(flow, &e->flows.open, timeout_of(e, p));
	} else if (flow->queue == &e->flows.open) {
		uint64_t due = o->time_ns + kept_after(e, p), timeout = timeout_of(e, p);

		flow->end_ns = o->time_ns;
		flow_move(flow, &e->flows.answered, due < timeout ? due : timeout);
	}
}

/*
 * O is a request on a connection that is kept: the one before it has had its answer.
 * True when it comes at once.
 */
static bool end_previous(struct engine *e, const struct obs *o)
{
	struct flow_key key = exchange_key(o->flow_id, &o->tuple, o->exchange - 1);
	struct flow *flow = flows_find(&e->flows, &key);
	struct probe *p;

	if (!flow)
		return false;
	p = flow_is_live(flow) ? flows_wake(&e->flows, flow) : NULL;
	if (p && flow->queue != &e->flows.ending) {
		probe_goes_on(p, o);
		if (flow->queue == &e->flows.open)
			flow->end_ns = o->time_ns;
		flow_move(flow, &e->flows.ending, o->time_ns + GRACE_NS);
	}
	return o->time_ns - flow->start_ns < CHECK_SHORTEST_NS;
}

static void count_skipped(struct engine *e, const struct obs *o)
{
	struct probe none = { .tuple = o->tuple, .start_ns = o->time_ns };

	if (!o->skipped)
		return;
	services_saw(e->services, &o->tuple, o->time_ns, false);
	count_others(e, &none, o->skipped);
}

/* The flow that an observation without one belongs to; NULL: not known. */
static struct flow *join(struct engine *e, const struct obs *o)
{
	switch (o->point) {
	case HCT_POINT_LIBWRAP:
		return libwrap_flow(&e->flows, o);
	case HCT_POINT_NFT_TRACE:
		return rule_flow(&e->flows, o);
	default:
		return NULL;
	}
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct engine *e = ctx;
	struct flow_key key = exchange_key(o->flow_id, &o->tuple, o->exchange);
	struct flow *flow;
	struct probe *p;
	bool burst = false;

	set_time(e, o->time_ns);
	count_skipped(e, o);
	if (o->point == HCT_POINT_UPSTREAM)
		upstreams_add(&e->upstreams, o);
	if (o->no_tuple || o->flow_id == 0) {
		flow = join(e, o);
		p = flow ? flows_wake(&e->flows, flow) : NULL;
		if (p)
			probe_observe(p, o);
		return;
	}
	flow = flows_find(&e->flows, &key);
	if (flow && !flow_is_live(flow))
		return;
	if (!flow && o->exchange > 1 && !o->reply && o->packet.payload_len)
		burst = end_previous(e, o);
	if (!flow && begins(e, o))
		flow = begin(e, &key, o);
	else if (flow && (p = flows_wake(&e->flows, flow)))
		probe_observe(p, o);
	p = flow ? flows_wake(&e->flows, flow) : NULL;
	if (!p)
		return;
	p->burst |= burst;
	baseline_take(&e->baseline, e->proofs, e->host, e->kernel, p, o);
	follow(e, flow, p, o);
}

/* --- time --------------------------------------------------------------- */

uint64_t engine_next_timer(const struct engine *e)
{
	uint64_t next = services_next(e->services);

	const struct flow_queue *queues[] = { &e->flows.open, &e->flows.answered, &e->flows.ending };

	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		if (queues[i]->head && queues[i]->head->due_ns < next)
			next = queues[i]->head->due_ns;
	return next;
}

/* The deadline of an open flow has come: true when it is given more time. */
static bool extend(struct engine *e, struct flow *flow)
{
	const struct probe *p = flow_is_live(flow) ? flows_wake(&e->flows, flow) : NULL;
	uint64_t last_ns = p ? p->start_ns + e->settings->timeout_ns + GATEWAY_SLACK_NS : 0;

	if (flow->due_ns >= last_ns || !probe_waits_for_gateway(p))
		return false;
	flow_move(flow, &e->flows.open, last_ns);
	return true;
}

static uint64_t deadline_of(const struct engine *e, const struct flow *flow)
{
	return flow_is_live(flow) ? flow_head(flow)->start_ns + e->settings->timeout_ns
				  : flow->due_ns;
}

/* The one that is due first; each may be NULL. */
static struct flow *sooner(struct flow *a, struct flow *b)
{
	return !a || (b && b->due_ns < a->due_ns) ? b : a;
}

static void finish_due(struct engine *e, uint64_t now_ns)
{
	for (;;) {
		struct flow *open = e->flows.open.head, *ending = sooner(e->flows.ending.head,
									 e->flows.answered.head);

		if (ending && ending->due_ns <= now_ns && (!open || ending->due_ns <= open->due_ns))
			finish(e, ending, ending->end_ns, false);
		else if (!open || open->due_ns > now_ns)
			return;
		else if (!extend(e, open))
			finish(e, open, deadline_of(e, open), false);
	}
}

static void report_silence(struct engine *e, const struct service *service, uint64_t now_ns)
{
	struct silence silence = {
		.settings = e->settings,
		.host = e->host,
		.service = service,
		.devices_before = &e->devices,
		.now_ns = now_ns,
		.own_xdp = e->settings->xdp,
		.lossy = lost_since(e, service->last_ns) != 0,
		.asked = services_asked_for(e->services),
	};
	struct probe *p = calloc(1, sizeof(*p));
	struct diagnosis d;

	if (!p)
		return;
	p->id = ++e->probe_id;
	p->tuple = service->tuple;
	p->start_ns = service->last_ns;
	p->last_ns = service->last_ns;
	p->end_ns = now_ns;
	p->lossy = silence.lossy;
	diagnose_silence(&silence, &d);
	e->totals.silences++;
	targets_silence(e->targets, p, &d);
	if (e->on->probe)
		e->on->probe(e->ctx, p, &d);
	free(p);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t n, uint64_t time_ns)
{
	struct engine *e = ctx;

	if (point >= HCT_POINT_COUNT)
		return;
	set_time(e, time_ns);
	e->last_lost_ns[point] = time_ns;
	e->totals.lost += n;
	if (e->on->lost)
		e->on->lost(e->ctx, point, n, time_ns);
}

static void on_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct engine *e = ctx;

	set_time(e, time_ns);
	coverage_change(&e->coverage, changed, n, time_ns);
	if (e->on->points)
		e->on->points(e->ctx, changed, n, time_ns);
}

static void report_overflow(struct engine *e, uint64_t now_ns)
{
	e->overflow[HCT_POINT_TC_INGRESS] += e->flows.unkept;
	e->flows.unkept = 0;
	for (int i = 0; i < HCT_POINT_COUNT; i++) {
		if (!e->overflow[i])
			continue;
		on_lost(e, i, e->overflow[i], now_ns);
		e->overflow[i] = 0;
	}
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	struct engine *e = ctx;
	const struct service *service;
	struct flow *flow;

	set_time(e, now_ns);
	report_overflow(e, now_ns);
	finish_due(e, now_ns);
	while ((flow = e->flows.finished.head) && flow->due_ns <= now_ns)
		flows_remove(&e->flows, flow);
	while (!is_full(e) && (service = services_silent(e->services, now_ns)))
		report_silence(e, service, now_ns);
}

/* --- the run ------------------------------------------------------------ */

static void on_start(void *ctx, const struct stream_start *start)
{
	struct engine *e = ctx;
	unsigned major, minor;

	set_time(e, start->time_ns);
	e->totals.start_ns = start->time_ns;
	coverage_take(&e->coverage, start->points, start->n_points);
	if (start->kernel && sscanf(start->kernel, "%3u.%3u", &major, &minor) == 2 && minor < 256)
		e->kernel = major << 8 | minor;
	e->wall_offset_ns = start->wall_offset_ns;
	e->netns = start->netns;
	snprintf(e->netns_name, sizeof(e->netns_name), "%s",
		 start->netns_name ? start->netns_name : "");
	services_start(e->services, start->time_ns);
	if (ask_devices(e->host, &e->devices))
		memset(&e->devices, 0, sizeof(e->devices));
	if (e->on->start)
		e->on->start(e->ctx, start);
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct engine *e = ctx;
	const struct no_probe run = { e->settings, e->host, &e->devices,
				      services_asked_for(e->services) };
	struct diagnosis d;
	struct flow *flow;

	on_tick(e, now_ns);
	while ((flow = sooner(e->flows.ending.head, e->flows.answered.head)))
		finish(e, flow, flow->end_ns, false);
	while ((flow = e->flows.open.head))
		finish(e, flow, now_ns, true);
	targets_each(e->targets, report_target, e);
	e->totals.end_ns = now_ns;
	if (no_probe_holds(&e->totals) && !e->settings->probe_from) {
		no_probe_diagnose(&run, &e->totals, &d);
		e->totals.no_probe = &d;
	}
	if (e->on->end)
		e->on->end(e->ctx, &e->totals);
	e->totals.no_probe = NULL;
}

const struct stream_sink engine_sink = {
	.start = on_start,
	.obs = on_obs,
	.lost = on_lost,
	.tick = on_tick,
	.end = on_end,
	.points = on_points,
};

const struct totals *engine_totals(const struct engine *e)
{
	return &e->totals;
}

int engine_exit_status(const struct engine *e)
{
	if (!e->totals.probes)
		return EXIT_NOTHING_ARRIVED;
	return e->totals.failed || e->totals.silences ? EXIT_SOME_FAILED : EXIT_ALL_HEALTHY;
}
