// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What `hctrace record` adds to a live run. */
#include "recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record_write.h"
#include "state_run.h"

struct recorder {
	const char *path;
	struct record_writer *writer;
	struct state_run *state; /* of the host, being read; NULL: none is */
	bool at_end; /* which one … */
	uint64_t time_ns; /* … and of when */
	int hurry_fd;
	int err; /* why it was last told that nothing can be written */
};

struct recorder *recorder_open(const char *path, const struct settings *settings, uint64_t max_size,
			       int *why)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (r) {
		r->path = path;
		r->hurry_fd = -1;
		r->writer = record_writer_open(path, settings, max_size, &err);
	}
	if (r && r->writer)
		return r;
	free(r);
	*why = err;
	fprintf(stderr, "hctrace: cannot record to %s: %s\n", path,
		err == -EBUSY ? "another hctrace is recording to it" :
		err == -EINVAL ? "it is no regular file" :
		err == -ELOOP ? "it is a symbolic link" : strerror(-err));
	return NULL;
}

struct host *recorder_host(struct recorder *r, const struct host *real)
{
	return record_writer_host(r->writer, real);
}

static void put_state(void *ctx, const char *name, const char *text)
{
	struct recorder *r = ctx;

	record_writer_state(r->writer, r->at_end, r->time_ns, name, text);
}

static void start_state(struct recorder *r, bool at_end, uint64_t now_ns)
{
	int err;

	r->at_end = at_end;
	r->time_ns = now_ns;
	err = state_run_start(&r->state);
	if (err)
		put_state(r, "host state", strerror(-err));
}

void recorder_read(struct recorder *r)
{
	int more = r->state ? state_run_read(r->state, put_state, r) : 0;

	if (more < 0)
		put_state(r, "host state", strerror(-more));
	if (more > 0)
		return;
	state_run_close(r->state);
	r->state = NULL;
}

/* Until the host's state is read, or the user has no patience for it. */
static void wait_state(struct recorder *r)
{
	while (r->state) {
		struct pollfd ready[] = { { .fd = state_run_fd(r->state), .events = POLLIN },
					  { .fd = r->hurry_fd, .events = POLLIN } };

		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			return;
		recorder_read(r);
		if (!r->state || !ready[1].revents)
			continue;
		put_state(r, "host state", "(the rest was not read: hctrace was told to stop)\n");
		state_run_close(r->state);
		r->state = NULL;
	}
}

int recorder_fd(const struct recorder *r)
{
	return r->state ? state_run_fd(r->state) : -1;
}

void recorder_hurry_fd(struct recorder *r, int fd)
{
	r->hurry_fd = fd;
}

uint64_t recorder_size(const struct recorder *r)
{
	return record_writer_size(r->writer);
}

/* Says once that something cannot be written, and once that it can again. */
static void tell(struct recorder *r)
{
	int err = record_writer_error(r->writer);

	if (err && !r->err)
		fprintf(stderr, "hctrace: cannot write to %s: %s; what is missing from the recording "
				"is counted, and recording goes on when it can\n", r->path, strerror(-err));
	if (!err && r->err)
		fprintf(stderr, "hctrace: recording to %s again; records that are missing: %" PRIu64
				"\n", r->path, record_writer_lost(r->writer));
	r->err = err;
}

static void on_start(void *ctx, const struct stream_start *start)
{
	struct recorder *r = ctx;

	record_writer_sink.start(r->writer, start);
	tell(r);
	start_state(r, false, start->time_ns);
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct recorder *r = ctx;

	record_writer_sink.obs(r->writer, o);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct recorder *r = ctx;

	record_writer_sink.lost(r->writer, point, count, time_ns);
}

static void on_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct recorder *r = ctx;

	record_writer_sink.points(r->writer, changed, n, time_ns);
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	struct recorder *r = ctx;

	record_writer_sink.tick(r->writer, now_ns);
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct recorder *r = ctx;

	wait_state(r);
	start_state(r, true, now_ns);
	wait_state(r);
	record_writer_sink.end(r->writer, now_ns);
}

const struct stream_sink recorder_sink = {
	.start = on_start,
	.obs = on_obs,
	.lost = on_lost,
	.tick = on_tick,
	.end = on_end,
	.points = on_points,
};

void recorder_wake(struct recorder *r, uint64_t now_ns)
{
	record_writer_flush(r->writer, now_ns);
	tell(r);
}

int recorder_close(struct recorder *r)
{
	uint64_t lost;

	if (!r)
		return 0;
	state_run_close(r->state);
	lost = record_writer_close(r->writer);
	if (lost)
		fprintf(stderr, "hctrace: %s is not complete: %" PRIu64 " records could not be written\n",
			r->path, lost);
	free(r);
	return lost ? -EIO : 0;
}
