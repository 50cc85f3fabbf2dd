// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The html renderer: collects during the run, and writes one page at its end. */
#include "render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

#define FIRST_WIDTH_NS UINT64_C(100000000)

static void close_html(void *ctx)
{
	struct html_state *s = ctx;

	if (!s)
		return;
	if (s->started && !s->ended)
		html_page(s);
	html_json_close(s->json);
	html_series_free(&s->series);
	html_keep_free(s->keep);
	free(s->causes.c);
	free(s->kept);
	free(s->points);
	free(s->gaps);
	free(s->files);
	free(s->start);
	free(s->end);
	free(s);
}

static void *open_html(FILE *out, const struct settings *settings)
{
	struct html_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->out = out;
	s->settings = settings;
	s->axis.width_ns = FIRST_WIDTH_NS;
	s->json = html_json_open(settings);
	s->keep = html_keep_new();
	if (!s->json || !s->keep) {
		close_html(s);
		return NULL;
	}
	return s;
}

/* Time has reached WHEN_NS: makes room on the axis of all charts. */
static void reach(struct html_state *s, uint64_t when_ns)
{
	unsigned times = html_axis_reach(&s->axis, when_ns);
	struct html_series *series, *next;

	if (when_ns > s->totals.end_ns)
		s->totals.end_ns = when_ns;
	if (!times)
		return;
	HASH_ITER(hh, s->series.by_key, series, next) {
		for (unsigned i = 0; i < times; i++) {
			html_buckets_merge(series->buckets);
			series->filled /= 2;
		}
	}
}

static void on_start(void *ctx, const struct stream_start *start)
{
	struct html_state *s = ctx;

	s->started = true;
	s->wall_offset_ns = start->wall_offset_ns;
	s->axis.start_ns = s->totals.start_ns = s->totals.end_ns = start->time_ns;
	snprintf(s->kernel, sizeof(s->kernel), "%s", start->kernel ? start->kernel : "");
	snprintf(s->netns_name, sizeof(s->netns_name), "%s",
		 start->netns_name ? start->netns_name : "");
	render_json.on.start(html_json_ctx(s->json), start);
	free(s->start);
	s->start = strdup(html_json_taken(s->json));
	free(s->points);
	s->points = html_points(start);
	s->missing = html_missing_points(start);
}

static void add_silence(struct html_state *s, const struct probe *p)
{
	struct html_silence *silence = &s->silences[s->n_silences++ % HTML_MAX_SILENCES];

	silence->service = html_service_of(p);
	silence->from_ns = p->start_ns;
	silence->to_ns = p->end_ns;
	s->totals.silences++;
}

static void count_total(struct totals *totals, enum outcome outcome)
{
	totals->probes++;
	totals->passed += outcome == OUTCOME_PASS;
	totals->failed += outcome == OUTCOME_FAIL;
	totals->unknown += outcome == OUTCOME_UNKNOWN;
}

static void on_probe(void *ctx, const struct probe *p, const struct diagnosis *d)
{
	struct html_state *s = ctx;
	struct html_series *series = NULL;
	bool change = true;
	uint32_t cause;

	reach(s, p->end_ns > p->start_ns ? p->end_ns : p->start_ns);
	cause = html_cause_count(&s->causes, p, d);
	if (d->verdict == VERDICT_NO_PROBE) {
		add_silence(s, p);
	} else {
		count_total(&s->totals, d->outcome);
		series = html_series_of(s, p);
	}
	if (series) {
		change = !series->target.probes || series->last_verdict != d->verdict;
		html_series_count(s, series, p, d);
		series->last_cause = cause;
	}
	html_keep_probe(s->keep, series ? series->id : 0, change, p, d);
}

static void on_target(void *ctx, const struct target *t)
{
	html_series_target(ctx, t);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct html_state *s = ctx;

	reach(s, time_ns);
	s->axis.lost[html_axis_index(&s->axis, time_ns)] += count;
	s->lost[point] += count;
	s->totals.lost += count;
}

static void on_recording(void *ctx, const struct recording_info *info)
{
	struct html_state *s = ctx;

	reach(s, info->end_ns);
	s->cut_off = !info->has_end;
	html_recording(s, info);
}

static void on_end(void *ctx, const struct totals *totals)
{
	struct html_state *s = ctx;

	reach(s, totals->end_ns);
	s->totals = *totals;
	render_json.on.end(html_json_ctx(s->json), totals);
	s->end = strdup(html_json_taken(s->json));
	s->ended = true;
	html_page(s);
}

const struct renderer render_html = {
	.name = "html",
	.open = open_html,
	.on = {
		.start = on_start,
		.probe = on_probe,
		.target = on_target,
		.lost = on_lost,
		.end = on_end,
	},
	.recording = on_recording,
	.close = close_html,
};
