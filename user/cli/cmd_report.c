// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace report FILE...: summarizes what was recorded, in any format. */
#include "cmd_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "diagnose/engine.h"
#include "output.h"
#include "render/render.h"
#include "stream/case_read.h"

/* One report: source > renderer's obs > engine > renderer. */
struct report {
	const struct renderer *renderer;
	void *render_ctx;
	struct engine *engine;
	struct recording_info info;
};

static void to_start(void *ctx, const struct stream_start *start)
{
	struct report *r = ctx;

	r->info.start_ns = start->time_ns;
	r->info.wall_offset_ns = start->wall_offset_ns;
	r->info.has_start = true;
	engine_sink.start(r->engine, start);
}

static void to_obs(void *ctx, const struct obs *o)
{
	struct report *r = ctx;

	if (r->renderer->obs)
		r->renderer->obs(r->render_ctx, o);
	engine_sink.obs(r->engine, o);
}

static void to_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct report *r = ctx;

	engine_sink.lost(r->engine, point, count, time_ns);
}

static void to_tick(void *ctx, uint64_t now_ns)
{
	struct report *r = ctx;

	engine_sink.tick(r->engine, now_ns);
}

static void to_end(void *ctx, uint64_t now_ns)
{
	struct report *r = ctx;

	r->info.end_ns = now_ns;
	r->info.has_end = true;
	if (r->renderer->recording)
		r->renderer->recording(r->render_ctx, &r->info);
	engine_sink.end(r->engine, now_ns);
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
	struct report r = { .renderer = pick(settings), .info = { .files = files, .n_files = 1 } };
	struct case_reader *reader = NULL;
	struct output output = { NULL };
	struct settings run;
	int status, err;

	status = case_reader_open(&reader, files[0]);
	if (status)
		goto cleanup;
	/* the check as it was recorded, the output as it is asked for now */
	run = *case_reader_settings(reader);
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
	r.render_ctx = r.renderer->open(output.file, &run, case_reader_host(reader));
	if (r.render_ctx)
		r.engine = engine_new(&run, case_reader_host(reader), &r.renderer->on, r.render_ctx);
	if (!r.engine) {
		fprintf(stderr, "hctrace: %s: out of memory\n", files[0]);
		status = EXIT_CANNOT_TRACE;
		goto cleanup;
	}
	status = case_reader_run(reader, &report_sink, &r);
	if (!status)
		status = engine_exit_status(r.engine);

cleanup:
	engine_free(r.engine);
	if (r.render_ctx)
		r.renderer->close(r.render_ctx);
	err = output_close(&output, status != EXIT_USAGE && status != EXIT_CANNOT_TRACE);
	if (err) {
		fprintf(stderr, "hctrace: cannot write %s: %s\n",
			settings->output ? settings->output : "the report", strerror(-err));
		status = EXIT_CANNOT_TRACE;
	}
	case_reader_close(reader);
	return status;
}
