// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where the stream of a live run goes: it is kept, diagnosed, and what came of it is told. */
#include "live_stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

/* ---- what the engine tells goes to the renderer; a diagnosis may ask for a rule, too ---- */

static void tell_start(void *ctx, const struct stream_start *start)
{
	const struct live_stream *s = ctx;

	if (s->renderer->on.start)
		s->renderer->on.start(s->render_ctx, start);
}

static void tell_probe(void *ctx, const struct probe *p, const struct diagnosis *d)
{
	const struct live_stream *s = ctx;

	rule_live_probe(s->rules, p, d);
	if (s->renderer->on.probe)
		s->renderer->on.probe(s->render_ctx, p, d);
}

static void judge(void *ctx, const struct probe *p, struct diagnosis *d)
{
	const struct live_stream *s = ctx;

	if (s->guest)
		s->guest->judge(s->guest->ctx, p, d);
}

static void follow(void *ctx, const struct probe *p, bool wanted)
{
	const struct live_stream *s = ctx;

	if (s->source)
		source_live_follow(s->source, &p->tuple, wanted);
}

static void tell_target(void *ctx, const struct target *t)
{
	const struct live_stream *s = ctx;

	if (s->renderer->on.target)
		s->renderer->on.target(s->render_ctx, t);
}

static void tell_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	const struct live_stream *s = ctx;

	if (s->renderer->on.lost)
		s->renderer->on.lost(s->render_ctx, point, count, time_ns);
}

static void tell_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	const struct live_stream *s = ctx;

	if (s->renderer->on.points)
		s->renderer->on.points(s->render_ctx, changed, n, time_ns);
}

static void tell_end(void *ctx, const struct totals *totals)
{
	const struct live_stream *s = ctx;

	if (s->renderer->on.end)
		s->renderer->on.end(s->render_ctx, totals);
}

static const struct engine_listener told = { tell_start, tell_probe, tell_target, tell_lost,
					     tell_end, judge, tell_points, follow };

/* ---- the stream: it is kept before the engine sees it, so that answers follow what was asked for ---- */

static void on_start(void *ctx, const struct stream_start *start)
{
	struct live_stream *s = ctx;

	if (s->recorder)
		recorder_sink.start(s->recorder, start);
	if (s->writer)
		case_writer_sink.start(s->writer, start);
	engine_sink.start(s->engine, start);
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct live_stream *s = ctx;

	if (s->guest && !s->guest->is_ours(s->guest->ctx, o))
		return;
	if (o->point == HCT_POINT_NFT_TRACE && !rule_live_wants(s->rules, o))
		return;
	if (s->recorder)
		recorder_sink.obs(s->recorder, o);
	if (s->writer)
		case_writer_sink.obs(s->writer, o);
	engine_sink.obs(s->engine, o);
	rule_live_obs(s->rules, o);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct live_stream *s = ctx;

	if (s->recorder)
		recorder_sink.lost(s->recorder, point, count, time_ns);
	if (s->writer)
		case_writer_sink.lost(s->writer, point, count, time_ns);
	engine_sink.lost(s->engine, point, count, time_ns);
}

static void on_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct live_stream *s = ctx;

	if (s->recorder)
		recorder_sink.points(s->recorder, changed, n, time_ns);
	if (s->writer)
		case_writer_sink.points(s->writer, changed, n, time_ns);
	engine_sink.points(s->engine, changed, n, time_ns);
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	struct live_stream *s = ctx;

	if (s->recorder)
		recorder_sink.tick(s->recorder, now_ns);
	if (s->writer)
		case_writer_sink.tick(s->writer, now_ns);
	engine_sink.tick(s->engine, now_ns);
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct live_stream *s = ctx;

	if (s->recorder)
		recorder_sink.end(s->recorder, now_ns);
	if (s->writer)
		case_writer_sink.end(s->writer, now_ns);
	engine_sink.end(s->engine, now_ns);
}

const struct stream_sink live_stream_sink = { on_start, on_obs, on_lost, on_tick, on_end,
					       on_points };

/* ---- opening and closing ---- */

static int no_memory(void)
{
	fprintf(stderr, "hctrace: cannot start: %s\n", strerror(ENOMEM));
	return EXIT_CANNOT_TRACE;
}

/* The path can be one of a recording, but nothing can be written there. */
static bool no_room(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EFBIG || err == -EIO;
}

int live_stream_open(struct live_stream *s, const struct settings *settings,
		     const struct host *host, const struct renderer *renderer, FILE *out)
{
	s->settings = settings;
	if (settings->output) {
		int err = 0;

		s->recorder = recorder_open(settings->output, settings, settings->max_size, &err);
		if (!s->recorder)
			return no_room(err) ? EXIT_OUTPUT : EXIT_USAGE;
		host = recorder_host(s->recorder, host);
	}
	if (settings->save) {
		s->writer = case_writer_open(settings->save, settings);
		if (!s->writer) {
			return output_failed(settings->save, -errno);
		}
		host = case_writer_host(s->writer, host);
	}
	s->renderer = renderer;
	s->render_ctx = renderer->open(out, settings);
	if (!s->render_ctx)
		return no_memory();
	s->engine = engine_new(settings, host, &told, s);
	return s->engine ? 0 : no_memory();
}

int live_stream_keep(struct live_stream *s)
{
	int err = case_writer_close(s->writer);
	int recorder_err = recorder_close(s->recorder); /* says so by itself */

	if (err)
		fprintf(stderr, "hctrace: %s is not complete: %s\n", s->settings->save,
			strerror(-err));
	s->writer = NULL;
	s->recorder = NULL;
	return err || recorder_err ? EXIT_OUTPUT : 0;
}

void live_stream_close(struct live_stream *s)
{
	if (s->render_ctx)
		s->renderer->close(s->render_ctx);
	engine_free(s->engine);
	live_stream_keep(s);
}
