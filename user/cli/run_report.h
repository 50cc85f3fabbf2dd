/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One report of a recording: source > renderer's obs > engine > renderer. */
#ifndef HCT_RUN_REPORT_H
#define HCT_RUN_REPORT_H

#include <stdio.h>

#include "options.h"
#include "record/source.h"
#include "render/render.h"

struct report_job {
	const struct settings *settings; /* the recording's, with the output's as asked for */
	struct source *source; /* not run yet */
	const struct renderer *renderer;
	FILE *out;
	bool show_progress;
};

/* An exit status; where it is EXIT_USAGE or EXIT_CANNOT_TRACE, after a message on stderr. */
int run_report(const struct report_job *job);

#endif
