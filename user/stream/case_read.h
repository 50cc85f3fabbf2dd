/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a case file: a run's stream and the host's answers, as text.
 *
 * A record a line; its words are separated by spaces, most are key=value, and
 * bytes other than printable ASCII, space and '%' are %XX.  Empty lines and
 * lines that start with '#' are skipped.
 *
 *	hctrace-case 1				always the first line
 *	options --timeout 3s --port 80		as on the command line; may be missing
 *	point tc-ingress attached detail=…	or "missing"; none: all are there
 *	start t=1000 wall-offset=… netns=… netns-name=… kernel=…
 *	run host=… id=…				may be missing
 *	obs t=0.5 flow=… seq=0 point=tc-ingress proto=tcp lb=… target=… …
 *	answer …				case_host.h; what was asked at the record before
 *	lost t=1.0 point=drop count=3
 *	points t=1.2 tc-ingress=missing detail=…	changed since; "attached": it came
 *	tick t=3.54
 *	end t=4
 *
 * Times are seconds; that of `start` is CLOCK_MONOTONIC, the others count from
 * it.  A flow's id is the time of its first packet in nanoseconds, its events
 * count from seq=0.  Timers fire at `tick` and `end` only.
 */
#ifndef HCT_CASE_READ_H
#define HCT_CASE_READ_H

#include "case_host.h"
#include "host/host.h"
#include "cli/options.h"
#include "stream.h"

struct case_reader;

/*
 * Opens PATH and reads as far as its options.  0, or an exit status after a
 * message on stderr that names file and line.
 */
int case_reader_open(struct case_reader **out, const char *path);
void case_reader_close(struct case_reader *r); /* accepts NULL */

/* Of the run that was recorded; live as long as the reader. */
const struct settings *case_reader_settings(const struct case_reader *r);
const struct host *case_reader_host(const struct case_reader *r);

/* As line_reader_answers(). */
const struct answer *case_reader_answers(const struct case_reader *r, size_t *n);

/* Sends the stream to SINK: 0, or an exit status after a message that names file and line. */
int case_reader_run(struct case_reader *r, const struct stream_sink *sink, void *ctx);

#endif
