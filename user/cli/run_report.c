// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One report of a recording, in any format. */
#include "run_report.h"

#include "diagnose/engine.h"
#include "progress.h"

/* One report: source > renderer's obs > engine > renderer. */
struct report {
	const struct renderer *renderer;
	void *render_ctx;
	struct engine_listener on; /* the renderer's, but for lost() */
	struct source *source;
	struct engine *engine;
	struct progress progress;
	FILE *out;
};

static void to_start(void *ctx, const struct stream_start *start)
{
	struct report *r = ctx;

	engine_sink.start(r->engine, start);
}

static void to_obs(void *ctx, const struct obs *o)
{
	struct report *r = ctx;

	if (r->renderer->obs)
		r->renderer->obs(r->render_ctx, o);
	engine_sink.obs(r->engine, o);
}

/*
 * A gap in the recording comes as nothing lost at every point, which the
 * engine goes by; the renderer is told of it as a gap.
 */
static void to_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct report *r = ctx;

	r->on.lost = count ? r->renderer->on.lost : NULL;
	engine_sink.lost(r->engine, point, count, time_ns);
	r->on.lost = r->renderer->on.lost;
}

static void to_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct report *r = ctx;

	engine_sink.points(r->engine, changed, n, time_ns);
}

static void to_tick(void *ctx, uint64_t now_ns)
{
	struct report *r = ctx;

	engine_sink.tick(r->engine, now_ns);
}

static void to_end(void *ctx, uint64_t now_ns)
{
	struct report *r = ctx;
	struct recording_info info = *source_info(r->source);

	progress_end(&r->progress);
	info.end_ns = now_ns;
	if (r->renderer->recording)
		r->renderer->recording(r->render_ctx, &info);
	engine_sink.end(r->engine, now_ns);
}

/* Of a report that cannot be written no more is read. */
static bool on_progress(void *ctx, uint64_t done, uint64_t bytes)
{
	struct report *r = ctx;

	progress_show(&r->progress, done, bytes);
	return !ferror(r->out);
}

static const struct stream_sink report_sink = {
	.start = to_start,
	.obs = to_obs,
	.lost = to_lost,
	.tick = to_tick,
	.end = to_end,
	.points = to_points,
};

int run_report(const struct report_job *job)
{
	struct report r = { .renderer = job->renderer, .source = job->source, .out = job->out };
	int status = EXIT_CANNOT_TRACE;

	r.on = r.renderer->on;
	r.render_ctx = r.renderer->open(job->out, job->settings);
	if (r.render_ctx)
		r.engine = engine_new(job->settings, source_host(r.source), &r.on, r.render_ctx);
	if (!r.engine) {
		fprintf(stderr, "hctrace: out of memory\n");
		goto cleanup;
	}
	progress_start(&r.progress, job->show_progress);
	status = source_run(r.source, &report_sink, &r, on_progress);
	if (!status)
		status = engine_exit_status(r.engine);

cleanup:
	progress_end(&r.progress);
	engine_free(r.engine);
	if (r.render_ctx)
		r.renderer->close(r.render_ctx);
	return status;
}
