/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes a run's stream, and the host's answers, as a case file that replay
 * runs again.  Format: case_read.h.
 */
#ifndef HCT_CASE_WRITE_H
#define HCT_CASE_WRITE_H

#include <stdio.h>

#include "host/host.h"
#include "cli/options.h"
#include "stream.h"

struct case_writer;

/* Starts PATH anew, with the options that SETTINGS amount to.  NULL: see errno. */
struct case_writer *case_writer_open(const char *path, const struct settings *settings);
/* The same on OUT, which close() closes. */
struct case_writer *case_writer_on(FILE *out, const struct settings *settings);
/* 0, or -errno when not all of it could be written.  Accepts NULL. */
int case_writer_close(struct case_writer *w);

/*
 * Its ctx is the writer.  It comes before the engine, so that answers follow
 * the record they belong to; tick only when engine_next_timer() is due.
 */
extern const struct stream_sink case_writer_sink;

/*
 * A host that asks REAL (borrowed; may be NULL) and writes what it answers.
 * The engine and the renderer are given it in REAL's place.
 */
struct host *case_writer_host(struct case_writer *w, const struct host *real);

#endif
