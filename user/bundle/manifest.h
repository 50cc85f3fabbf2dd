/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* MANIFEST.txt of a bundle: what is in it, and what is not. */
#ifndef HCT_MANIFEST_H
#define HCT_MANIFEST_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/options.h"
#include "diagnose/engine.h"
#include "record/recording_info.h"

/* What is known of the recording in a bundle. */
struct manifest {
	const struct settings *settings; /* of the run */
	const struct recording_info *info;
	char kernel[128];
	uint64_t missing_points;
	uint64_t lost; /* events */
	bool redacted;
};

void manifest_start(FILE *out, const struct manifest *m);
/* A line for a file of the bundle. */
void manifest_file(FILE *out, const char *name, const char *what);
void manifest_end(FILE *out, const struct manifest *m);

#endif
