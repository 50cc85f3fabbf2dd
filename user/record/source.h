/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a report can be made of: a recording, or a case file. */
#ifndef HCT_RECORD_SOURCE_H
#define HCT_RECORD_SOURCE_H

#include "record_read.h"

struct source;

/*
 * Opens the files at PATHS (NULL-terminated, borrowed).  0, or an exit status
 * after a message on stderr.
 */
int source_open(struct source **out, const char *const *paths);
void source_close(struct source *s); /* accepts NULL */

/* As those of record_read.h. */
const struct settings *source_settings(const struct source *s);
const struct host *source_host(const struct source *s);
/* While the sink is called: what was answered at that record, *N of them. */
const struct answer *source_answers(const struct source *s, size_t *n);
int source_run(struct source *s, const struct stream_sink *sink, void *ctx,
	       bool (*progress)(void *ctx, uint64_t done, uint64_t bytes));
/* Complete when the sink's end() is called. */
const struct recording_info *source_info(const struct source *s);

#endif
