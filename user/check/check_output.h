/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `hctrace check` prints. */
#ifndef HCT_CHECK_OUTPUT_H
#define HCT_CHECK_OUTPUT_H

#include <stdio.h>

#include "check.h"

/* Each finding under the title of its step; WIDTH as struct text has it. */
struct check_text;
/* NULL: no memory. */
struct check_text *check_text_open(FILE *out, const struct settings *settings);
void check_text_report(void *ctx, const struct finding *finding);
/* The verdict in a line. */
void check_text_close(struct check_text *text, const struct check *done); /* accepts NULL */

/* One object a line; CTX is a struct check_json. */
struct check_json {
	FILE *out;
	const struct run_identity *self; /* NULL: not known */
};
void check_json_report(void *ctx, const struct finding *finding);
void check_json_end(const struct check_json *j, const struct check *done);

/* "2 fail, 1 warn": the procedure's result in words. */
void check_verdict(const struct check *done, char *out, size_t size);
/* The command that tries with S what was looked at: "hctrace probe --port 80". */
void check_probe_command(const struct settings *s, struct command *out);

#endif
