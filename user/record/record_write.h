/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes a run as a recording.  Format: format.h.
 *
 * What is recorded is in the file a second (of the stream's time) later at the
 * latest, and readable whatever happens then.  Where the disk is full, what
 * cannot be written is counted and told in the recording once there is room.
 */
#ifndef HCT_RECORD_WRITE_H
#define HCT_RECORD_WRITE_H

#include "cli/options.h"
#include "host/host.h"
#include "stream/case_host.h"
#include "stream/stream.h"

#define RECORD_SIZE_MIN (UINT64_C(4) * 1024 * 1024)

struct record_writer;

/*
 * Starts a recording at PATH, with the options that SETTINGS amount to.
 * MAX_SIZE (bytes, at least RECORD_SIZE_MIN; 0: no limit): an eighth of it is
 * written to PATH, which then becomes PATH.1 and so on to PATH.7; a recording
 * that is there does so, too.  NULL: *ERR is -errno; -EBUSY: another process
 * writes there, -EINVAL: it is no regular file.
 */
struct record_writer *record_writer_open(const char *path, const struct settings *settings,
					 uint64_t max_size, int *err);
/*
 * Writes what is left.  Returns how many records are not in the recording,
 * because they could not be written; those that rotation drops do not count.
 * Accepts NULL.
 */
uint64_t record_writer_close(struct record_writer *w);

/*
 * Its ctx is the writer.  It comes before the engine, so that answers follow
 * the record they belong to; tick only when engine_next_timer() is due.
 */
extern const struct stream_sink record_writer_sink;
/* As case_writer_host(): asks REAL and records what it answers. */
struct host *record_writer_host(struct record_writer *w, const struct host *real);

/*
 * A section of the host's state, as it was at TIME_NS, the run's start or its
 * end; it can come at any time before the stream's end.  NAME and TEXT are
 * copied; text behind RECORD_STATE_MAX bytes is cut off, and says so.
 */
void record_writer_state(struct record_writer *w, bool at_end, uint64_t time_ns, const char *name,
			 const char *text);
/* Call it now and then, also when nothing happens: writes what is a second old at NOW_NS. */
void record_writer_flush(struct record_writer *w, uint64_t now_ns);
/*
 * A line of a case file, as it is: for what is made of one.  Then SETTINGS are
 * NULL, the options come as the first line, and start, lost and end as others.
 */
void record_writer_line(struct record_writer *w, const char *line);

/*
 * For what is made of another recording: N records of the run are missing here,
 * in front of the first: were dropped by rotation.
 */
void record_writer_missing(struct record_writer *w, uint64_t n);
/* What was answered at the last record. */
void record_writer_answer(struct record_writer *w, const struct answer *a);

/* Why the last piece could not be written: -errno; 0: it could. */
int record_writer_error(const struct record_writer *w);
uint64_t record_writer_lost(const struct record_writer *w); /* as close() would say */
/* Bytes of the recording's files, as far as this run wrote them and they are still there. */
uint64_t record_writer_size(const struct record_writer *w);

#endif
