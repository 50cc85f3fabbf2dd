// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace replay FILE: runs again what `live --save FILE` wrote. */
#include "cmd_replay.h"

#include <stdio.h>

#include "stream/case_read.h"
#include "diagnose/engine.h"
#include "render/render.h"

int cmd_replay(const struct settings *settings)
{
	const struct renderer *renderer = settings->json ? &render_json : &render_text;
	struct case_reader *reader = NULL;
	struct engine *engine = NULL;
	void *render_ctx = NULL;
	struct settings run;
	int status;

	status = case_reader_open(&reader, settings->args[0]);
	if (status)
		goto cleanup;
	/* the check as it was recorded, the output as it is asked for now */
	run = *case_reader_settings(reader);
	run.command = settings->command;
	run.json = settings->json;
	run.color = settings->color;
	run.verbose = settings->verbose;
	render_ctx = renderer->open(stdout, &run);
	if (render_ctx)
		engine = engine_new(&run, case_reader_host(reader), &renderer->on, render_ctx);
	if (!engine) {
		fprintf(stderr, "hctrace: %s: out of memory\n", settings->args[0]);
		status = EXIT_CANNOT_TRACE;
		goto cleanup;
	}
	status = case_reader_run(reader, &engine_sink, engine);
	if (!status)
		status = engine_exit_status(engine);

cleanup:
	engine_free(engine);
	if (render_ctx)
		renderer->close(render_ctx);
	case_reader_close(reader);
	return status;
}
