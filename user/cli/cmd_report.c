// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace report FILE...: summarizes what was recorded, in any format. */
#include "cmd_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "diagnose/engine.h"
#include "output.h"
#include "progress.h"
#include "record/source.h"
#include "render/render.h"

/* One report: source > renderer's obs > engine > renderer. */
struct report {
	const struct renderer *renderer;
	void *render_ctx;
	struct engine_listener on; /* the renderer's, but for lost() */
	struct source *source;
	struct engine *engine;
	struct progress progress;
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

static void on_progress(void *ctx, uint64_t done, uint64_t bytes)
{
	struct report *r = ctx;

	progress_show(&r->progress, done, bytes);
}

static const struct stream_sink report_sink = {
	.start = to_start,
	.obs = to_obs,
	.lost = to_lost,
	.tick = to_tick,
	.end = to_end,
};

static const struct renderer *pick(const struct settings *settings)
{
	if (settings->format)
		return renderer_find(settings->format);
	return settings->json ? &render_json : renderers[0];
}

/* Would R's bytes go to a terminal? */
static bool suits_no_terminal(const struct renderer *r, const struct output *output)
{
	if (!r->binary || !isatty(fileno(output->file)))
		return false;
	fprintf(stderr, "hctrace: %s is nothing for a terminal; name a file for it: -o FILE.%s\n",
		r->name, r->name);
	return true;
}

int cmd_report(const struct settings *settings)
{
	const char *const *files = (const char *const *)settings->args;
	struct report r = { .renderer = pick(settings) };
	struct output output = { NULL };
	struct settings run;
	int status, err;

	r.on = r.renderer->on;
	status = source_open(&r.source, files);
	if (status)
		goto cleanup;
	/* the check as it was recorded, the output as it is asked for now */
	run = *source_settings(r.source);
	run.command = settings->command;
	run.json = settings->json;
	run.color = settings->color;
	run.verbose = settings->verbose;
	err = output_open(&output, settings->output);
	if (err) {
		fprintf(stderr, "hctrace: cannot write %s: %s\n", settings->output, strerror(-err));
		status = EXIT_USAGE;
		goto cleanup;
	}
	if (suits_no_terminal(r.renderer, &output)) {
		status = EXIT_USAGE;
		goto cleanup;
	}
	r.render_ctx = r.renderer->open(output.file, &run);
	if (r.render_ctx)
		r.engine = engine_new(&run, source_host(r.source), &r.on, r.render_ctx);
	if (!r.engine) {
		fprintf(stderr, "hctrace: %s: out of memory\n", files[0]);
		status = EXIT_CANNOT_TRACE;
		goto cleanup;
	}
	/* what is printed to the same terminal shows how far it is */
	progress_start(&r.progress, !isatty(fileno(output.file)));
	status = source_run(r.source, &report_sink, &r, on_progress);
	if (!status)
		status = engine_exit_status(r.engine);

cleanup:
	progress_end(&r.progress);
	engine_free(r.engine);
	if (r.render_ctx)
		r.renderer->close(r.render_ctx);
	err = output_close(&output, status != EXIT_USAGE && status != EXIT_CANNOT_TRACE);
	if (err) {
		fprintf(stderr, "hctrace: cannot write %s: %s\n",
			settings->output ? settings->output : "the report", strerror(-err));
		status = EXIT_CANNOT_TRACE;
	}
	source_close(r.source);
	return status;
}
