/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Takes the records of a run, one after the other, and sends the stream that
 * they are.  Case files and recordings both consist of such records; what they
 * say is told in case_read.h.
 *
 * What was asked at a record stands behind it, so each is sent when the next
 * one comes, or at line_reader_flush().
 */
#ifndef HCT_LINE_READ_H
#define HCT_LINE_READ_H

#include "cli/options.h"
#include "case_host.h"
#include "host/host.h"
#include "stream.h"

struct line_reader;

struct line_reader *line_reader_new(void); /* NULL: no memory */
void line_reader_free(struct line_reader *r); /* accepts NULL */
/* Where the stream goes from now on; borrowed.  Before it nothing may become due. */
void line_reader_to(struct line_reader *r, const struct stream_sink *sink, void *ctx);

/*
 * The words of "options …"; at most once, before all others.  Without it the
 * settings are those of a run without options.
 */
int line_reader_options(struct line_reader *r, char *words);
/* Any other record; it is cut up on the way. */
int line_reader_take(struct line_reader *r, char *line);
/*
 * Starts an observation that the caller fills in, with room for its payload;
 * NULL: see line_reader_problem().
 */
struct obs *line_reader_obs(struct line_reader *r, uint8_t **payload);
/* The observation is none after all. */
void line_reader_drop(struct line_reader *r);
/* Starts a tick at NOW_NS. */
int line_reader_tick(struct line_reader *r, uint64_t now_ns);
/* Sends the last record. */
int line_reader_flush(struct line_reader *r);
/* What comes next does not belong to what came before: the record at hand is sent without more answers. */
void line_reader_break(struct line_reader *r);
/* All of the above: 0, or -EINVAL and this says why, as a clause about the record. */
const char *line_reader_problem(const struct line_reader *r);

/* They live as long as the reader. */
const struct settings *line_reader_settings(const struct line_reader *r);
const struct host *line_reader_host(const struct line_reader *r);
/* While the sink is called: what was answered at that record, *N of them. */
const struct answer *line_reader_answers(const struct line_reader *r, size_t *n);
bool line_reader_start_waits(const struct line_reader *r); /* it came, and is not sent yet */
const struct stream_start *line_reader_start(const struct line_reader *r); /* NULL: none came yet */
/* The start that was taken last is sent as one at NOW_NS, where nothing is left of what came before. */
void line_reader_start_late(struct line_reader *r, uint64_t now_ns);
bool line_reader_ended(const struct line_reader *r); /* an "end" was taken */

#endif
