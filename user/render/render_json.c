// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The JSON renderer: an object a line, flushed as it happens; null where nothing is known. */
#include "render.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "diagnose/answer.h"
#include "diagnose/kind.h"
#include "format.h"
#include "json_recording.h"
#include "json_target.h"
#include "stream/points.h"

#ifndef HCT_VERSION
#define HCT_VERSION "unknown"
#endif

#define NS_PER_US 1000
#define NS_PER_SEC UINT64_C(1000000000)
#define MAX_TEXT 1024

struct json_state {
	FILE *out;
	const struct settings *settings;
	int64_t wall_offset_ns;
};

static void *open_json(FILE *out, const struct settings *settings)
{
	struct json_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->out = out;
	s->settings = settings;
	return s;
}

/* null for NULL and "". */
static struct json_object *string(const char *text)
{
	char safe[MAX_TEXT];

	return text && *text ? json_object_new_string(format_safe(safe, sizeof(safe), text)) : NULL;
}

static void add(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static void add_string(struct json_object *o, const char *key, const char *text)
{
	add(o, key, string(text));
}

/* The same, with its line breaks: the cause and the fix can be of several lines. */
static void add_lines(struct json_object *o, const char *key, const char *text)
{
	char safe[MAX_TEXT];

	if (!text || !*text) {
		add(o, key, NULL);
		return;
	}
	format_safe(safe, sizeof(safe), text);
	for (size_t i = 0; safe[i]; i++)
		if (text[i] == '\n')
			safe[i] = '\n';
	add(o, key, json_object_new_string(safe));
}

/* Leaves KEY out where there is no text. */
static void add_known(struct json_object *o, const char *key, const char *text)
{
	if (text && *text)
		add_string(o, key, text);
}

static void add_count(struct json_object *o, const char *key, uint64_t n)
{
	add(o, key, json_object_new_uint64(n));
}

static void add_time(struct json_object *o, const char *key, const struct json_state *s,
		     uint64_t mono_ns)
{
	char iso[ISO_TEXT_LEN];

	add_string(o, key, format_iso(iso, (int64_t)mono_ns + s->wall_offset_ns));
}

/* The time from FROM to WHEN; null when it did not happen. */
static void add_us(struct json_object *o, const char *key, uint64_t from, uint64_t when)
{
	int64_t ns = (int64_t)when - (int64_t)from;

	add(o, key, when ? json_object_new_int64(ns / NS_PER_US) : NULL);
}

static struct json_object *new_line(const char *type)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "type", type);
	return o;
}

static void print_line(const struct json_state *s, struct json_object *o)
{
	int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

	fputs(json_object_to_json_string_ext(o, flags), s->out);
	fputc('\n', s->out);
	fflush(s->out);
	json_object_put(o);
}

static struct json_object *endpoint(const uint8_t addr[16])
{
	static const uint8_t nothing[16]; /* of no-probe: any */
	struct json_object *o = json_object_new_object();
	char text[ADDR_TEXT_LEN];

	add_string(o, "addr", memcmp(addr, nothing, 16) ? format_addr(text, addr) : NULL);
	return o;
}

static void add_port(struct json_object *o, uint16_t port)
{
	add(o, "port", port ? json_object_new_int(port) : NULL);
}

static struct json_object *netns(const struct probe *p)
{
	struct json_object *o = json_object_new_object();

	add_count(o, "inum", p->netns);
	add_string(o, "name", p->netns_name);
	return o;
}

/* ---- start ---- */

static struct json_object *check_of(const struct settings *c)
{
	struct json_object *o = json_object_new_object(), *codes = json_object_new_array();
	char text[16];

	add_string(o, "preset", c->preset ? c->preset->name : NULL);
	add(o, "interval_s", json_seconds(c->interval_ns));
	add(o, "timeout_s", json_seconds(c->timeout_ns));
	add_count(o, "retries", c->retries);
	for (size_t i = 0; i < c->n_expect; i++)
		json_object_array_add(codes, string(format_code_range(text, &c->expect[i])));
	add(o, "expect_codes", codes);
	return o;
}

static struct json_object *missing_point(const struct point_status *status)
{
	struct json_object *o = json_object_new_object(), *verdicts = json_object_new_array();
	const enum verdict_id *costs;
	size_t n;

	costs = point_costs(status->point, &n);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(verdicts, string(verdict_info(costs[i])->id));
	add_string(o, "point", point_name(status->point));
	add_string(o, "reason", status->detail);
	add(o, "verdicts", verdicts);
	return o;
}

static struct json_object *attached_point(const struct point_status *status)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "point", point_name(status->point));
	add_string(o, "detail", status->detail);
	return o;
}

static void on_start(void *ctx, const struct stream_start *start)
{
	struct json_state *s = ctx;
	const struct settings *c = s->settings;
	struct json_object *o = new_line("start"), *range = json_object_new_array();
	struct json_object *points = json_object_new_array(), *missing = json_object_new_array();
	struct json_object *ns = json_object_new_object();
	char text[PREFIX_TEXT_LEN];

	s->wall_offset_ns = start->wall_offset_ns;
	for (size_t i = 0; i < c->n_from; i++)
		json_object_array_add(range, string(format_prefix(text, &c->from[i])));
	for (size_t i = 0; i < start->n_points; i++) {
		const struct point_status *status = &start->points[i];

		if (status->attached)
			json_object_array_add(points, attached_point(status));
		else
			json_object_array_add(missing, missing_point(status));
	}
	add_count(ns, "inum", start->netns);
	add_string(ns, "name", start->netns_name);
	add_time(o, "time", s, start->time_ns);
	add_string(o, "version", HCT_VERSION);
	add_string(o, "kernel", start->kernel);
	add(o, "range", range);
	add(o, "netns", ns);
	add(o, "check", check_of(c));
	add(o, "points", points);
	add(o, "missing", missing);
	print_line(s, o);
}

/* ---- probe ---- */

static struct json_object *process_of(const struct probe *p)
{
	struct json_object *o;

	if (!p->has_process)
		return NULL;
	o = json_object_new_object();
	add_count(o, "pid", p->pid);
	add_string(o, "comm", p->comm);
	return o;
}

static struct json_object *where_of(const struct diagnosis *d)
{
	const struct where *w = &d->where;
	struct json_object *o = json_object_new_object();

	add_known(o, "layer", w->layer);
	add_known(o, "backend", w->backend);
	add_known(o, "family", w->family);
	add_known(o, "hook", w->hook);
	add_known(o, "table", w->table);
	add_known(o, "chain", w->chain);
	if (w->policy)
		add(o, "policy", json_object_new_boolean(true));
	if (w->rule)
		add_count(o, "rule", w->rule);
	if (w->handle)
		add_count(o, "handle", w->handle);
	add_known(o, "text", w->text);
	if (w->named)
		add_string(o, "confidence", confidence_name(w->confidence));
	add_known(o, "device", w->device);
	add_known(o, "function", w->function);
	add_known(o, "reason", w->reason);
	if (json_object_object_length(o) == 0 && d->outcome != OUTCOME_FAIL) {
		json_object_put(o);
		return NULL;
	}
	if (d->outcome == OUTCOME_FAIL && !w->layer[0])
		add(o, "layer", NULL);
	return o;
}

static struct json_object *http_of(const struct probe *p)
{
	const struct http_request *request = &p->http_request;
	const struct http_response *response = &p->http_response;
	struct json_object *o;

	if (strncmp(probe_protocol(p), "http", 4) != 0)
		return NULL;
	o = json_object_new_object();
	add_string(o, "method", request->valid ? request->method : NULL);
	add_string(o, "path", request->valid ? request->path : NULL);
	add_string(o, "host", request->valid ? request->host : NULL);
	add(o, "status", response->valid ? json_object_new_int(response->status) : NULL);
	if (response->valid)
		add_known(o, "location", response->location);
	return o;
}

static struct json_object *timing_of(const struct probe *p)
{
	struct json_object *o = json_object_new_object();

	add_us(o, "reply_us", p->start_ns, probe_reply_ns(p));
	add_us(o, "accept_us", p->start_ns, p->accepted_ns);
	add_us(o, "first_byte_us", p->start_ns, p->first_byte_ns);
	add_us(o, "lb_ended_us", p->start_ns, probe_lb_end_ns(p));
	add_us(o, "total_us", p->start_ns, p->end_ns);
	return o;
}

/* The namespace that the probe was forwarded into. */
static struct json_object *inner_netns(const struct probe *p)
{
	struct json_object *o = json_object_new_object();

	add(o, "inum", p->inner_netns ? json_object_new_int64(p->inner_netns) : NULL);
	add_string(o, "name", p->inner_name);
	return o;
}

/* Where a NAT rule sent the request. */
static struct json_object *forwarded(const struct probe *p)
{
	struct hct_tuple inner = probe_inner_tuple(p);
	struct json_object *o = endpoint(inner.target);

	add_port(o, ntohs(inner.target_port));
	add_known(o, "device", p->dnat.device);
	if (probe_forwarded(p))
		add(o, "netns", inner_netns(p));
	return o;
}

static struct json_object *timeline_of(const struct probe *p)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < p->timeline_len; i++) {
		const struct timeline_entry *entry = &p->timeline[i];
		struct json_object *o = json_object_new_object();

		add_us(o, "t_us", p->start_ns, entry->time_ns);
		add_string(o, "point", point_name(entry->point));
		add_known(o, "device", entry->device);
		add_string(o, "text", entry->text);
		if (entry->inside)
			add(o, "netns", inner_netns(p));
		if (entry->repeats)
			add_count(o, "repeats", entry->repeats);
		json_object_array_add(list, o);
	}
	return list;
}

static void on_probe(void *ctx, const struct probe *p, const struct diagnosis *d)
{
	struct json_state *s = ctx;
	struct json_object *o = new_line("probe");
	struct json_object *lb = endpoint(p->tuple.lb), *target = endpoint(p->tuple.target);
	bool ports = p->tuple.protocol == IPPROTO_TCP || p->tuple.protocol == IPPROTO_UDP;

	add_port(lb, ntohs(p->tuple.lb_port)); /* of ICMP the identifier */
	add_port(target, ports ? ntohs(p->tuple.target_port) : 0);
	add_time(o, "time", s, p->start_ns);
	add_count(o, "id", p->id);
	add_string(o, "protocol", probe_protocol(p));
	add(o, "lb", lb);
	add(o, "target", target);
	add(o, "netns", netns(p));
	add(o, "process", process_of(p));
	add_string(o, "told_by", told_by_name(p->told_by));
	if (told_by_is_users(p->told_by)) /* only with --all-traffic */
		add(o, "user_request", json_object_new_boolean(true));
	add_string(o, "outcome", outcome_name(d->outcome));
	add_string(o, "verdict", verdict_info(d->verdict)->id);
	add_string(o, "code", d->code);
	add_string(o, "confidence", confidence_name(d->confidence));
	add_string(o, "step", verdict_info(d->verdict)->step);
	add(o, "where", where_of(d));
	add(o, "http", http_of(p));
	add(o, "timing", timing_of(p));
	add_lines(o, "why", d->why);
	add_lines(o, "fix", d->fix);
	if (d->note[0])
		add_string(o, "note", d->note);
	if (p->dnat.seen || p->inner_netns)
		add(o, "forwarded", forwarded(p));
	add(o, "timeline", timeline_of(p));
	if (p->timeline_dropped)
		add_count(o, "timeline_dropped", p->timeline_dropped);
	print_line(s, o);
}

/* ---- target, lost, end ---- */

static void on_target(void *ctx, const struct target *t)
{
	struct json_state *s = ctx;
	bool failed = t->last_verdict != VERDICT_HEALTHY; /* its initial value */
	bool silent = t->silent && !failed;
	const char *verdict = verdict_info(silent ? VERDICT_NO_PROBE : t->last_verdict)->id;
	struct json_object *o = new_line("target"), *target = endpoint(t->addr);

	add_port(target, t->port);
	add_time(o, "time", s, t->last_ns);
	add(o, "lb", endpoint(t->lb));
	add(o, "target", target);
	add_string(o, "protocol", t->protocol);
	add_string(o, "state", target_state_name(t->state));
	if (t->state == TARGET_UNDECIDED)
		add(o, "since", NULL);
	else
		add_time(o, "since", s, t->state_since_ns);
	if (t->flips_at_ns)
		add_time(o, "flips_at", s, t->flips_at_ns);
	else
		add(o, "flips_at", NULL);
	add(o, "silent", json_object_new_boolean(t->silent));
	add(o, "learned", json_target_learned(t));
	add(o, "run", json_target_run(t));
	add_count(o, "probes", t->probes);
	add_count(o, "passed", t->passed);
	add_count(o, "failed", t->failed);
	add_count(o, "unknown", t->unknown);
	add(o, "counts", json_target_counts(t));
	add(o, "latency_us", json_target_latency(t));
	add_string(o, "verdict", failed || silent ? verdict : NULL);
	add_string(o, "code", failed ? t->last_code : NULL);
	add_lines(o, "why", silent ? t->silent_why : failed ? t->last_why : NULL);
	add_lines(o, "fix", silent ? t->silent_fix : failed ? t->last_fix : NULL);
	print_line(s, o);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct json_state *s = ctx;
	struct json_object *o = new_line("lost");

	add_time(o, "time", s, time_ns);
	add_string(o, "point", point_name(point));
	add_count(o, "count", count);
	print_line(s, o);
}

static void on_end(void *ctx, const struct totals *totals)
{
	struct json_state *s = ctx;
	struct json_object *o = new_line("end");
	const struct diagnosis *d = totals->no_probe;

	add_time(o, "time", s, totals->end_ns);
	add_count(o, "probes", totals->probes);
	add_count(o, "passed", totals->passed);
	add_count(o, "failed", totals->failed);
	add_count(o, "unknown", totals->unknown);
	add_count(o, "lost", totals->lost);
	add_count(o, "unfinished", totals->unfinished);
	add_count(o, "other_requests", totals->traffic);
	add(o, "duration_s", json_seconds((totals->end_ns - totals->start_ns) / 1000000 * 1000000));
	if (d) {
		add_string(o, "verdict", verdict_info(d->verdict)->id);
		add_string(o, "outcome", outcome_name(d->outcome));
		add_string(o, "step", verdict_info(d->verdict)->step);
		add_lines(o, "why", d->why);
		add_lines(o, "fix", d->fix);
	}
	print_line(s, o);
}

static void on_recording(void *ctx, const struct recording_info *info)
{
	print_line(ctx, json_recording(info));
}

const struct renderer render_json = {
	.name = "json",
	.open = open_json,
	.on = {
		.start = on_start,
		.probe = on_probe,
		.target = on_target,
		.lost = on_lost,
		.end = on_end,
	},
	.recording = on_recording,
	.close = free,
};
