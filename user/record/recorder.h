/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `hctrace record` adds to a live run: the recording, the host's state at
 * both ends, and a message when the disk is full.
 *
 * The caller opens it, gives the engine and the renderer recorder_host() in
 * place of the host, and sends each call of the stream to recorder_sink before
 * the engine; once a second, and whenever it wakes up, it calls recorder_wake().
 */
#ifndef HCT_RECORDER_H
#define HCT_RECORDER_H

#include "cli/options.h"
#include "host/host.h"
#include "stream/stream.h"

struct recorder;

/* MAX_SIZE as record_writer_open().  NULL after a message on stderr. */
struct recorder *recorder_open(const char *path, const struct settings *settings,
			       uint64_t max_size);
struct host *recorder_host(struct recorder *r, const struct host *real);
/* Its ctx is the recorder.  The host's state is read at start and at end. */
extern const struct stream_sink recorder_sink;
void recorder_wake(struct recorder *r, uint64_t now_ns);
/* 0, or -errno after a message when something is not in the recording.  Accepts NULL. */
int recorder_close(struct recorder *r);

#endif
