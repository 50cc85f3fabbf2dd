/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a recording adds to a live run: the recording, the host's state at both
 * ends, and a message when the disk is full.
 *
 * The caller opens it, gives the engine recorder_host() in place of the host,
 * and sends each call of the stream to recorder_sink before the engine; once a
 * second, and whenever it wakes up, it calls recorder_read() and recorder_wake().
 * The host's state at the start is read while the run goes on already.
 */
#ifndef HCT_RECORDER_H
#define HCT_RECORDER_H

#include "cli/options.h"
#include "host/host.h"
#include "stream/stream.h"

struct recorder;

/* MAX_SIZE as record_writer_open().  NULL after a message on stderr. */
struct recorder *recorder_open(const char *path, const struct settings *settings,
			       uint64_t max_size,
			       int *why);
struct host *recorder_host(struct recorder *r, const struct host *real);
/* Its ctx is the recorder.  The end waits until the host's state is read. */
extern const struct stream_sink recorder_sink;
/* After the start: readable when recorder_read() has something to do; -1: never. */
int recorder_fd(const struct recorder *r);
void recorder_read(struct recorder *r);
/* The end waits no longer when FD is readable. */
void recorder_hurry_fd(struct recorder *r, int fd);
void recorder_wake(struct recorder *r, uint64_t now_ns);
uint64_t recorder_size(const struct recorder *r); /* as record_writer_size() */
/* 0, or -errno after a message when something is not in the recording.  Accepts NULL. */
int recorder_close(struct recorder *r);

#endif
