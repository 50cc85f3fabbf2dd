// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace report FILE...: summarizes what was recorded, in any format. */
#include "cmd_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "run_report.h"

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
	struct report_job job = { .renderer = pick(settings) };
	struct output output = { NULL };
	struct settings run;
	bool to_stdout;
	int status, err;

	status = source_open(&job.source, files);
	if (status)
		goto cleanup;
	/* the check as it was recorded, the output as it is asked for now */
	run = *source_settings(job.source);
	run.command = settings->command;
	run.json = settings->json;
	run.color = settings->color;
	run.verbose = settings->verbose;
	err = output_open(&output, settings->output);
	if (err) {
		status = output_failed(settings->output, err);
		goto cleanup;
	}
	if (suits_no_terminal(job.renderer, &output)) {
		status = EXIT_USAGE;
		goto cleanup;
	}
	job.settings = &run;
	job.out = output.file;
	/* what is printed to the same terminal shows how far it is */
	job.show_progress = !isatty(fileno(output.file));
	status = run_report(&job);

cleanup:
	to_stdout = !output.path;
	err = output_close(&output, status != EXIT_USAGE && status != EXIT_CANNOT_TRACE);
	if (err && !to_stdout) /* of stdout main() says so */
		status = output_failed(settings->output, err);
	source_close(job.source);
	return status;
}
