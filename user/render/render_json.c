// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The JSON renderer: an object a line, flushed as it happens; null where nothing is known. */
#include "render.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/spoken.h"
#include "diagnose/answer.h"
#include "diagnose/kind.h"
#include "format.h"
#include "json_fix.h"
#include "json_recording.h"
#include "json_start.h"
#include "json_target.h"
#include "json_tls.h"
#include "json_write.h"
#include "stream/points.h"

#ifndef HCT_VERSION
#define HCT_VERSION "unknown"
#endif

#define NS_PER_US 1000

struct json_state {
	const struct settings *settings;
	int64_t wall_offset_ns;
	const char *host, *run; /* of the run, interned or as long as it; NULL: not known */
	struct json_writer writer;
};

static void *open_json(FILE *out, const struct settings *settings)
{
	struct json_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	json_init(&s->writer, out);
	s->settings = settings;
	return s;
}

/* Leaves KEY out where there is no text. */
static void put_known(struct json_writer *w, const char *key, const char *text)
{
	if (text && *text)
		json_string(w, key, text);
}

static void put_time(struct json_state *s, const char *key, uint64_t mono_ns)
{
	char iso[ISO_TEXT_LEN];

	json_string(&s->writer, key, format_iso(iso, (int64_t)mono_ns + s->wall_offset_ns));
}

/* The time from FROM to WHEN; null when it did not happen. */
static void put_us(struct json_writer *w, const char *key, uint64_t from, uint64_t when)
{
	int64_t ns = (int64_t)when - (int64_t)from;

	if (when)
		json_int(w, key, ns / NS_PER_US);
	else
		json_null(w, key);
}

static struct json_writer *begin_line(struct json_state *s, const char *type)
{
	json_open_object(&s->writer, NULL);
	json_head(&s->writer, type, s->host, s->run);
	return &s->writer;
}

static void end_line(struct json_writer *w)
{
	json_close_object(w);
	json_end_line(w);
}

static void put_addr(struct json_writer *w, const uint8_t addr[16])
{
	static const uint8_t nothing[16]; /* of no-probe: any */
	char text[ADDR_TEXT_LEN];

	json_string(w, "addr", memcmp(addr, nothing, 16) ? format_addr(text, addr) : NULL);
}

static void put_port(struct json_writer *w, uint16_t port)
{
	if (port)
		json_uint(w, "port", port);
	else
		json_null(w, "port");
}

static void put_endpoint(struct json_writer *w, const char *key, const uint8_t addr[16],
			 uint16_t port)
{
	json_open_object(w, key);
	put_addr(w, addr);
	put_port(w, port);
	json_close_object(w);
}

static void put_netns(struct json_writer *w, uint32_t inum, const char *name)
{
	json_open_object(w, "netns");
	json_uint(w, "inum", inum);
	json_string(w, "name", name);
	json_close_object(w);
}

/* ---- start ---- */

static void on_start(void *ctx, const struct stream_start *start)
{
	struct json_state *s = ctx;
	const struct settings *c = s->settings;
	struct json_writer *w = &s->writer;
	char text[PREFIX_TEXT_LEN];

	s->wall_offset_ns = start->wall_offset_ns;
	s->host = start->host;
	s->run = start->run;
	begin_line(s, "start");
	put_time(s, "time", start->time_ns);
	json_string(w, "version", HCT_VERSION);
	json_string(w, "kernel", start->kernel);
	json_open_array(w, "range");
	for (size_t i = 0; i < c->n_from; i++)
		json_string(w, NULL, format_prefix(text, &c->from[i]));
	json_close_array(w);
	put_netns(w, start->netns, start->netns_name);
	json_check(w, c);
	if (c->probe_from)
		json_bottle(w, c->probe_from);
	json_string(w, "tier", points_tier(start->points, start->n_points));
	json_points(w, start->points, start->n_points);
	end_line(w);
}

static void on_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct json_state *s = ctx;
	struct json_writer *w = begin_line(s, "points");

	put_time(s, "time", time_ns);
	json_points(w, changed, n);
	end_line(w);
}

/* ---- probe ---- */

static void put_process(struct json_writer *w, const struct probe *p)
{
	if (!p->has_process) {
		json_null(w, "process");
		return;
	}
	json_open_object(w, "process");
	json_uint(w, "pid", p->pid);
	json_string(w, "comm", p->comm);
	json_close_object(w);
}

/* The request's number on its connection; null where there is none, or no connection. */
static void put_exchange(struct json_writer *w, const struct probe *p)
{
	if (p->tuple.protocol == IPPROTO_TCP && (p->request_ns || p->http_request.valid))
		json_uint(w, "exchange", p->exchange ? p->exchange : 1);
	else
		json_null(w, "exchange");
}

/* What the check spoke, where that is neither HTTP/1 nor TLS. */
static void put_spoken(struct json_writer *w, const struct probe *p)
{
	static const char *const serving[] = { "UNKNOWN", "SERVING", "NOT_SERVING",
					       "SERVICE_UNKNOWN" };
	struct reading r;

	probe_reading(p, &r);
	json_string(w, "application", r.application);
	if (!r.grpc.seen)
		return;
	json_open_object(w, "grpc");
	json_string(w, "service", r.grpc.service);
	if (r.grpc.status >= 0)
		json_int(w, "status", r.grpc.status);
	else
		json_null(w, "status");
	json_string(w, "serving", r.grpc.serving >= 0 && r.grpc.serving < 4 ? serving[r.grpc.serving] :
									     NULL);
	json_close_object(w);
}

static bool is_nowhere(const struct where *w)
{
	return !w->layer[0] && !w->backend[0] && !w->family[0] && !w->hook[0] && !w->table[0] &&
	       !w->chain[0] && !w->policy && !w->rule && !w->handle && !w->text[0] && !w->named &&
	       !w->device[0] && !w->function[0] && !w->reason[0];
}

static void put_where(struct json_writer *w, const struct diagnosis *d)
{
	const struct where *where = &d->where;

	if (d->outcome != OUTCOME_FAIL && is_nowhere(where)) {
		json_null(w, "where");
		return;
	}
	json_open_object(w, "where");
	put_known(w, "layer", where->layer);
	put_known(w, "backend", where->backend);
	put_known(w, "family", where->family);
	put_known(w, "hook", where->hook);
	put_known(w, "table", where->table);
	put_known(w, "chain", where->chain);
	if (where->policy)
		json_bool(w, "policy", true);
	if (where->rule)
		json_uint(w, "rule", where->rule);
	if (where->handle)
		json_uint(w, "handle", where->handle);
	put_known(w, "text", where->text);
	if (where->named)
		json_string(w, "confidence", confidence_name(where->confidence));
	put_known(w, "device", where->device);
	put_known(w, "function", where->function);
	put_known(w, "reason", where->reason);
	if (d->outcome == OUTCOME_FAIL && !where->layer[0])
		json_null(w, "layer");
	json_close_object(w);
}

static void put_http(struct json_writer *w, const struct probe *p)
{
	const struct http_request *request = &p->http_request;
	const struct http_response *response = &p->http_response;

	if (strncmp(probe_protocol(p), "http", 4) != 0) {
		json_null(w, "http");
		return;
	}
	json_open_object(w, "http");
	json_string(w, "method", request->valid ? request->method : NULL);
	json_string(w, "path", request->valid ? request->path : NULL);
	json_string(w, "host", request->valid ? request->host : NULL);
	if (response->valid)
		json_int(w, "status", response->status);
	else
		json_null(w, "status");
	if (response->valid)
		put_known(w, "location", response->location);
	json_close_object(w);
}

static void put_timing(struct json_writer *w, const struct probe *p)
{
	json_open_object(w, "timing");
	put_us(w, "reply_us", p->start_ns, probe_reply_ns(p));
	put_us(w, "accept_us", p->start_ns, p->accepted_ns);
	put_us(w, "first_byte_us", p->start_ns, p->first_byte_ns);
	put_us(w, "lb_ended_us", p->start_ns, probe_lb_end_ns(p));
	put_us(w, "total_us", p->start_ns, p->end_ns);
	json_close_object(w);
}

/* The namespace that the probe was forwarded into. */
static void put_inner_netns(struct json_writer *w, const struct probe *p)
{
	json_open_object(w, "netns");
	if (p->inner_netns)
		json_uint(w, "inum", p->inner_netns);
	else
		json_null(w, "inum");
	json_string(w, "name", p->inner_name);
	json_close_object(w);
}

/* Where a NAT rule sent the request. */
static void put_forwarded(struct json_writer *w, const struct probe *p)
{
	struct hct_tuple inner = probe_inner_tuple(p);

	json_open_object(w, "forwarded");
	put_addr(w, inner.target);
	put_port(w, ntohs(inner.target_port));
	put_known(w, "device", p->dnat.device);
	if (probe_forwarded(p))
		put_inner_netns(w, p);
	json_close_object(w);
}

static void put_timeline(struct json_writer *w, const struct probe *p)
{
	json_open_array(w, "timeline");
	for (size_t i = 0; i < p->timeline_len; i++) {
		const struct timeline_entry *entry = &p->timeline[i];

		json_open_object(w, NULL);
		put_us(w, "t_us", p->start_ns, entry->time_ns);
		json_string(w, "point", point_name(entry->point));
		put_known(w, "device", entry->device);
		json_string(w, "text", entry->text);
		if (entry->inside)
			put_inner_netns(w, p);
		if (entry->repeats)
			json_uint(w, "repeats", entry->repeats);
		json_close_object(w);
	}
	json_close_array(w);
}

static void on_probe(void *ctx, const struct probe *p, const struct diagnosis *d)
{
	struct json_state *s = ctx;
	struct json_writer *w = begin_line(s, "probe");
	bool ports = p->tuple.protocol == IPPROTO_TCP || p->tuple.protocol == IPPROTO_UDP;

	put_time(s, "time", p->start_ns);
	json_uint(w, "id", p->id);
	json_string(w, "protocol", probe_protocol(p));
	put_endpoint(w, "lb", p->tuple.lb, ntohs(p->tuple.lb_port)); /* of ICMP the identifier */
	put_endpoint(w, "target", p->tuple.target, ports ? ntohs(p->tuple.target_port) : 0);
	put_netns(w, p->netns, p->netns_name);
	put_process(w, p);
	put_exchange(w, p);
	put_spoken(w, p);
	json_string(w, "classified_by", told_by_name(p->told_by));
	json_string(w, "told_by", told_by_name(p->told_by)); /* its name in 0.1 */
	if (told_by_is_users(p->told_by)) /* only with --all-traffic */
		json_bool(w, "user_request", true);
	json_string(w, "outcome", outcome_name(d->outcome));
	json_string(w, "verdict", verdict_info(d->verdict)->id);
	json_string(w, "code", d->code);
	json_string(w, "confidence", confidence_name(d->confidence));
	json_string(w, "step", verdict_info(d->verdict)->step);
	put_where(w, d);
	put_http(w, p);
	json_tls(w, p);
	put_timing(w, p);
	json_lines(w, "why", d->why);
	json_fix(w, &d->fix);
	if (d->note[0])
		json_string(w, "note", d->note);
	if (p->dnat.seen || p->inner_netns)
		put_forwarded(w, p);
	put_timeline(w, p);
	if (p->timeline_dropped)
		json_uint(w, "timeline_dropped", p->timeline_dropped);
	end_line(w);
}

/* ---- target, lost, end ---- */

static void on_target(void *ctx, const struct target *t)
{
	struct json_state *s = ctx;
	bool failed = t->last_verdict != VERDICT_HEALTHY; /* its initial value */
	bool silent = t->silent && !failed;
	const char *verdict = verdict_info(silent ? VERDICT_NO_PROBE : t->last_verdict)->id;
	struct json_writer *w = begin_line(s, "target");

	put_time(s, "time", t->last_ns);
	json_open_object(w, "lb");
	put_addr(w, t->lb);
	json_close_object(w);
	put_endpoint(w, "target", t->addr, t->port);
	json_string(w, "protocol", t->protocol);
	json_string(w, "state", target_state_name(t->state));
	if (t->state == TARGET_UNDECIDED)
		json_null(w, "since");
	else
		put_time(s, "since", t->state_since_ns);
	if (t->flips_at_ns)
		put_time(s, "flips_at", t->flips_at_ns);
	else
		json_null(w, "flips_at");
	json_bool(w, "silent", t->silent);
	json_target_learned(w, t);
	json_target_run(w, t);
	json_uint(w, "probes", t->probes);
	json_uint(w, "passed", t->passed);
	json_uint(w, "failed", t->failed);
	json_uint(w, "unknown", t->unknown);
	json_target_counts(w, t);
	json_target_latency(w, t);
	json_string(w, "verdict", failed || silent ? verdict : NULL);
	json_string(w, "code", failed ? t->last_code : NULL);
	json_lines(w, "why", silent ? t->silent_why : failed ? t->last_why : NULL);
	json_fix(w, silent ? t->silent_fix : failed ? t->last_fix : NULL);
	end_line(w);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct json_state *s = ctx;
	struct json_writer *w = begin_line(s, "lost");

	put_time(s, "time", time_ns);
	json_string(w, "point", point_name(point));
	json_uint(w, "count", count);
	end_line(w);
}

static void on_end(void *ctx, const struct totals *totals)
{
	struct json_state *s = ctx;
	struct json_writer *w = begin_line(s, "end");
	const struct diagnosis *d = totals->no_probe;

	put_time(s, "time", totals->end_ns);
	json_uint(w, "probes", totals->probes);
	json_uint(w, "passed", totals->passed);
	json_uint(w, "failed", totals->failed);
	json_uint(w, "unknown", totals->unknown);
	json_uint(w, "lost", totals->lost);
	json_uint(w, "unfinished", totals->unfinished);
	json_uint(w, "other_requests", totals->traffic);
	if (totals->unplaced)
		json_uint(w, "unplaced", totals->unplaced);
	json_seconds(w, "duration_s",
		     (totals->end_ns - totals->start_ns) / 1000000 * 1000000);
	if (d) {
		json_string(w, "verdict", verdict_info(d->verdict)->id);
		json_string(w, "outcome", outcome_name(d->outcome));
		json_string(w, "step", verdict_info(d->verdict)->step);
		json_lines(w, "why", d->why);
		json_fix(w, &d->fix);
	}
	end_line(w);
}

static void on_recording(void *ctx, const struct recording_info *info)
{
	struct json_state *s = ctx;
	struct json_writer *w = begin_line(s, "recording");

	json_recording(w, info);
	end_line(w);
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
		.points = on_points,
	},
	.recording = on_recording,
	.close = free,
};
