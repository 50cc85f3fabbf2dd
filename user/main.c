// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace: why did the load balancer's health check fail? */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/finish_output.h"

#include "cli/cmd_bundle.h"
#include "cli/cmd_check.h"
#include "cli/cmd_explain.h"
#include "cli/cmd_live.h"
#include "cli/cmd_probe.h"
#include "cli/cmd_record.h"
#include "cli/cmd_replay.h"
#include "cli/cmd_report.h"
#include "stream/names.h"
#include "cli/options.h"

static const struct {
	const char *name;
	int (*run)(const struct settings *settings);
} commands[] = {
	{ "live", cmd_live },
	{ "record", cmd_record },
	{ "probe", cmd_probe },
	{ "check", cmd_check },
	{ "explain", cmd_explain },
	{ "replay", cmd_replay },
	{ "report", cmd_report },
	{ "bundle", cmd_bundle },
};

/* The status that the command ends with, unless what it printed was not delivered. */
static int end(int status)
{
	int err = finish_output(stdout);

	if (!err)
		return status;
	fprintf(stderr, "hctrace: cannot write to standard output: %s\n", strerror(-err));
	return EXIT_OUTPUT;
}

int main(int argc, char **argv)
{
	struct run_identity self;
	struct settings settings;
	int status;

	keep_standard_descriptors();
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error like a full disk … */
	signal(SIGXFSZ, SIG_IGN); /* … and so is a limit of file sizes */
	status = options_parse(&settings, argc, argv);
	if (status >= 0)
		return end(status);
	run_identity_make(&self);
	settings.self = &self;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, settings.command) == 0)
			status = commands[i].run(&settings);
	names_free();
	return end(status);
}
