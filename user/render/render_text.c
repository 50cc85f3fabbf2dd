// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text renderer: a header, a line as each probe ends, what changes meanwhile, a summary. */
#include "render.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/presets.h"
#include "base/finish_output.h"
#include "format.h"
#include "stream/points.h"
#include "text_state.h"

#include <arpa/inet.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#ifndef HCT_VERSION
#define HCT_VERSION "unknown"
#endif

struct heard {
	struct heard_key {
		uint8_t lb[16], addr[16];
		uint16_t port;
		char transport[6];
	} key;
	size_t at; /* in text_state.targets */
	UT_hash_handle hh;
};

#define ENDPOINTS_WIDTH 36 /* room for most IPv4 pairs, so that columns seldom move */

static void *open_text(FILE *out, const struct settings *settings)
{
	struct text_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	text_init(&s->t, out, settings->color);
	s->settings = settings;
	s->endpoints_width = ENDPOINTS_WIDTH;
	return s;
}

static void close_text(void *ctx)
{
	struct text_state *s = ctx;
	struct heard *heard, *next;

	if (!s)
		return;
	text_forget_told(s);
	HASH_ITER(hh, s->heard, heard, next) {
		HASH_DEL(s->heard, heard);
		free(heard);
	}
	free(s->targets);
	free(s);
}

/* "hctrace 0.1.0 on Linux 6.1.0-13-amd64, 2026-11-22 14:03:00 UTC, network namespace web" */
static void print_identity(struct text_state *s, const struct stream_start *start)
{
	time_t now = (time_t)(((int64_t)start->time_ns + start->wall_offset_ns) / 1000000000);
	char date[64] = "", safe[64];
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S %Z", &tm);
	text_print(&s->t, STYLE_STRONG, "hctrace %s", HCT_VERSION);
	if (start->kernel)
		fprintf(s->t.out, " on Linux %s", format_safe(safe, sizeof(safe), start->kernel));
	fprintf(s->t.out, ", %s", date);
	if (start->netns_name && start->netns_name[0])
		fprintf(s->t.out, ", network namespace %s",
			format_safe(safe, sizeof(safe), start->netns_name));
	fputc('\n', s->t.out);
}

static void print_check(struct text_state *s)
{
	const struct settings *c = s->settings;
	char interval[SPAN_TEXT_LEN], timeout[SPAN_TEXT_LEN], manner[PRESET_MANNER_LEN];

	fprintf(s->t.out, "Health checks from %s", c->from_text);
	for (size_t i = 0; i < c->n_ports; i++)
		fprintf(s->t.out, "%s%u", i ? ", " : " to port ", c->ports[i]);
	fprintf(s->t.out, " (%s: every %s, timeout %s, %u failure%s in a row)\n",
		c->preset ? c->preset->name : "check", format_setting(interval, c->interval_ns),
		format_setting(timeout, c->timeout_ns), c->retries, c->retries == 1 ? "" : "s");
	if (c->verbose && c->preset && c->preset_given) {
		preset_manner(manner, c->preset);
		fprintf(s->t.out, "%s judges %s.\n", c->preset->name, manner);
	}
}

/* What a missing point costs; points that cost nothing are worth a line with -v only. */
static void print_missing(struct text_state *s, const struct point_status *status)
{
	enum verdict_id costs[VERDICT_COUNT];
	char safe[256];
	size_t n;

	n = verdicts_needing(status->point, costs);
	if (!n && !s->settings->verbose)
		return;
	text_print(&s->t, n ? STYLE_WARN : STYLE_DIM, "not attached: %s",
		   point_name(status->point));
	if (status->detail && status->detail[0])
		fprintf(s->t.out, " (%s)", format_safe(safe, sizeof(safe), status->detail));
	for (size_t i = 0; i < n; i++)
		fprintf(s->t.out, "%s%s", i ? ", " : "; costs ", verdict_info(costs[i])->id);
	fputc('\n', s->t.out);
}

static void print_points(struct text_state *s, const struct stream_start *start)
{
	size_t attached = 0, missing = 0;

	for (size_t i = 0; i < start->n_points; i++) {
		if (start->points[i].attached)
			attached++;
		else if (point_is_needed(start->points[i].point))
			missing++;
	}
	if (missing)
		fprintf(s->t.out, "%zu of %zu points attached", attached, attached + missing);
	else
		fprintf(s->t.out, "All %zu points attached", attached);
	fputs(strcmp(s->settings->command, "live") == 0 ? "; Ctrl-C ends.\n" : ".\n", s->t.out);
	for (size_t i = 0; i < start->n_points; i++)
		if (!start->points[i].attached)
			print_missing(s, &start->points[i]);
}

static void on_start(void *ctx, const struct stream_start *start)
{
	struct text_state *s = ctx;

	s->wall_offset_ns = start->wall_offset_ns;
	print_identity(s, start);
	print_check(s);
	print_points(s, start);
	fputc('\n', s->t.out);
	flush_output(s->t.out);
}

/* Keeps which expected ports nothing came for: of these there is no target to be told of. */
static void note_missed(struct text_state *s, const struct probe *p, const struct diagnosis *d)
{
	static const uint8_t nothing[16];
	uint16_t port = ntohs(p->tuple.target_port);
	struct missed *m;
	size_t n = 0;

	for (size_t i = 0; i < s->n_missed; i++)
		if (s->missed[i].port && s->missed[i].port != port)
			s->missed[n++] = s->missed[i];
	s->n_missed = n;
	if (d->verdict != VERDICT_NO_PROBE || n == MAX_PORTS ||
	    memcmp(p->tuple.target, nothing, sizeof(nothing)) != 0)
		return;
	m = &s->missed[s->n_missed++];
	m->port = port;
	m->protocol = p->tuple.protocol;
	snprintf(m->why, sizeof(m->why), "%s", d->why);
	m->fix = d->fix;
}

static void on_probe(void *ctx, const struct probe *p, const struct diagnosis *d)
{
	struct text_state *s = ctx;

	note_missed(s, p, d);
	text_probe(s, p, d);
	flush_output(s->t.out);
}

/* The place of TARGET among those kept; a new one behind them where it is not.  NULL: no memory. */
static struct heard *find_heard(struct text_state *s, const struct target *target)
{
	struct heard *heard;
	struct heard_key key;

	memset(&key, 0, sizeof(key));
	memcpy(key.lb, target->lb, sizeof(key.lb));
	memcpy(key.addr, target->addr, sizeof(key.addr));
	key.port = target->port;
	snprintf(key.transport, sizeof(key.transport), "%s", text_transport(target));
	HASH_FIND(hh, s->heard, &key, sizeof(key), heard);
	if (heard)
		return heard;
	heard = calloc(1, sizeof(*heard));
	if (!heard)
		return NULL;
	heard->key = key;
	heard->at = s->n_targets;
	HASH_ADD(hh, s->heard, key, sizeof(key), heard);
	if (heard->hh.tbl)
		return heard;
	free(heard);
	return NULL;
}

static bool make_room(struct text_state *s)
{
	size_t room = s->targets_room ? s->targets_room * 2 : 16;
	struct target *more;

	if (s->n_targets < s->targets_room)
		return true;
	more = realloc(s->targets, room * sizeof(*more));
	if (!more)
		return false;
	s->targets = more;
	s->targets_room = room;
	return true;
}

/* Keeps a copy of TARGET for the summary; returns its state up to now. */
static enum target_state remember(struct text_state *s, const struct target *target)
{
	struct heard *heard = make_room(s) ? find_heard(s, target) : NULL;
	enum target_state before = TARGET_UNDECIDED;

	if (!heard)
		return before;
	if (heard->at < s->n_targets)
		before = s->targets[heard->at].state;
	else
		s->n_targets++;
	s->targets[heard->at] = *target;
	return before;
}

/*
 * Tells that the load balancer should now show a target otherwise.  That one
 * is healthy from the start is no news.
 */
static void on_target(void *ctx, const struct target *t)
{
	struct text_state *s = ctx;
	char clock[CLOCK_TEXT_LEN], lb[ADDR_TEXT_LEN], target[ENDPOINT_TEXT_LEN];
	enum target_state before = remember(s, t);
	bool down = t->state == TARGET_UNHEALTHY;

	/* by checks of our own no load balancer decides */
	if (s->settings->probe_from || t->state == before || t->state == TARGET_UNDECIDED)
		return;
	if (before == TARGET_UNDECIDED && !down && !s->settings->verbose)
		return;
	fprintf(s->t.out, "%s  ",
		format_clock(clock, (int64_t)t->state_since_ns + s->wall_offset_ns));
	text_print(&s->t, down ? STYLE_BAD : STYLE_GOOD, down ? "DOWN" : "UP  ");
	format_addr(lb, t->lb);
	format_endpoint(target, t->addr, t->port);
	fprintf(s->t.out, "  %s should now show %s as %s (%u %s%s in a row)", lb, target,
		target_state_name(t->state), t->run, down ? "failure" : "success",
		t->run == 1 ? "" : down ? "s" : "es");
	if (down && t->last_code)
		fprintf(s->t.out, ": %s", t->last_code);
	fputc('\n', s->t.out);
	flush_output(s->t.out);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct text_state *s = ctx;
	char clock[CLOCK_TEXT_LEN];

	fprintf(s->t.out, "%s  ", format_clock(clock, (int64_t)time_ns + s->wall_offset_ns));
	text_print(&s->t, STYLE_WARN, "!!!!");
	fprintf(s->t.out, "  %" PRIu64 " event%s lost at %s", count, count == 1 ? "" : "s",
		point_name(point));
	fprintf(s->t.out, ": verdicts that could depend on %s become unknown\n",
		count == 1 ? "it" : "them");
	flush_output(s->t.out);
}

static void put_unable(struct text_state *s, enum hct_point point)
{
	enum verdict_id costs[VERDICT_COUNT];
	size_t n = verdicts_needing(point, costs);

	for (size_t i = 0; i < n; i++)
		fprintf(s->t.out, "%s%s", i ? ", " : "; it cannot tell ", verdict_info(costs[i])->id);
}

static void on_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct text_state *s = ctx;
	char clock[CLOCK_TEXT_LEN], detail[256];

	for (size_t i = 0; i < n; i++) {
		fprintf(s->t.out, "%s  ", format_clock(clock, (int64_t)time_ns + s->wall_offset_ns));
		text_print(&s->t, changed[i].attached ? STYLE_GOOD : STYLE_WARN, "!!!!");
		fprintf(s->t.out, "  %s %s", point_name(changed[i].point),
			changed[i].attached ? "is observed" : "is not observed any more");
		if (changed[i].detail)
			fprintf(s->t.out, ": %s",
				format_safe(detail, sizeof(detail), changed[i].detail));
		if (!changed[i].attached)
			put_unable(s, changed[i].point);
		putc('\n', s->t.out);
	}
	flush_output(s->t.out);
}

static void on_end(void *ctx, const struct totals *totals)
{
	struct text_state *s = ctx;

	/* of a single check of our own all is said */
	if (!s->settings->probe_from || totals->probes > 1)
		text_summary(s, totals);
	flush_output(s->t.out);
}

static void on_recording(void *ctx, const struct recording_info *info)
{
	text_recording(ctx, info);
}

const struct renderer render_text = {
	.name = "text",
	.open = open_text,
	.on = {
		.start = on_start,
		.probe = on_probe,
		.target = on_target,
		.lost = on_lost,
		.end = on_end,
		.points = on_points,
	},
	.recording = on_recording,
	.close = close_text,
};
