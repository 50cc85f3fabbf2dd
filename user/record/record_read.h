/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a recording: all segments of a run, in order.  Format: format.h.
 *
 * A recording is not trusted: whatever it holds gives an error or a partial
 * stream.  What is missing is told by its gaps, and to the sink as events lost
 * at every point (count 0), so that no verdict is given that could be wrong.
 */
#ifndef HCT_RECORD_READ_H
#define HCT_RECORD_READ_H

#include "cli/options.h"
#include "host/host.h"
#include "recording_info.h"
#include "stream/case_host.h"
#include "stream/stream.h"

struct record_reader;

/* Is PATH a recording, by its first bytes? */
bool record_is(const char *path);
/*
 * Opens the N files at PATHS (borrowed) and the older segments beside them, and
 * reads as far as the options.  0, or an exit status after a message on stderr.
 */
int record_reader_open(struct record_reader **out, const char *const *paths, size_t n);
void record_reader_close(struct record_reader *r); /* accepts NULL */

/* Of the run that was recorded; live as long as the reader. */
const struct settings *record_reader_settings(const struct record_reader *r);
const struct host *record_reader_host(const struct record_reader *r);

/* As line_reader_answers(). */
const struct answer *record_reader_answers(const struct record_reader *r, size_t *n);

/*
 * Sends the stream to SINK, with an end where the recording has none: 0, or an
 * exit status after a message.  PROGRESS may be NULL; it is called for each piece.
 */
int record_reader_run(struct record_reader *r, const struct stream_sink *sink, void *ctx,
		      bool (*progress)(void *ctx, uint64_t done, uint64_t bytes));
/* Complete when the sink's end() is called. */
const struct recording_info *record_reader_info(const struct record_reader *r);

#endif
