/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes recordings in a folder of their own, and reads them. */
#ifndef HCT_RECORD_FIXTURE_H
#define HCT_RECORD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/format.h"
#include "record/record_read.h"
#include "record/record_write.h"
#include "record/segment.h"
#include "stream/names.h"

#define SEC UINT64_C(1000000000)
#define START (100 * SEC)

/* What came out of a recording. */
struct seen {
	unsigned starts, ticks, ends, gaps_told;
	uint64_t obs, lost, hash;
	uint64_t start_ns, end_ns;
	struct obs last;
};

static char folder[64], path[128];

static inline void mix(struct seen *s, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		s->hash = (s->hash ^ bytes[i]) * UINT64_C(1099511628211);
}

static inline void on_start(void *ctx, const struct stream_start *start)
{
	struct seen *s = ctx;

	s->starts++;
	s->start_ns = start->time_ns;
}

static inline void on_obs(void *ctx, const struct obs *o)
{
	struct seen *s = ctx;

	s->obs++;
	s->last = *o;
	mix(s, &o->time_ns, sizeof(o->time_ns));
	mix(s, &o->flow_id, sizeof(o->flow_id));
	mix(s, &o->tuple, sizeof(o->tuple));
	mix(s, &o->packet, sizeof(o->packet));
	mix(s, o->payload, o->payload_len);
}

static inline void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct seen *s = ctx;

	s->lost += count;
	s->gaps_told += !count;
}

static inline void on_tick(void *ctx, uint64_t now_ns)
{
	struct seen *s = ctx;

	s->ticks++;
}

static inline void on_end(void *ctx, uint64_t now_ns)
{
	struct seen *s = ctx;

	s->ends++;
	s->end_ns = now_ns;
}

static const struct stream_sink sink = { on_start, on_obs, on_lost, on_tick, on_end };

/* Reads PATHS and returns the status; *KEEP (KEEP may be NULL): the reader, to be closed. */
static inline int read_paths(const char *const *paths, size_t n, struct seen *seen,
			     struct record_reader **keep)
{
	struct record_reader *r;
	int status = record_reader_open(&r, paths, n);

	memset(seen, 0, sizeof(*seen));
	if (!status)
		status = record_reader_run(r, &sink, seen, NULL);
	if (keep)
		*keep = status ? NULL : r;
	if (!keep || status)
		record_reader_close(r);
	return status;
}

static inline int read_one(const char *file, struct seen *seen, struct record_reader **keep)
{
	return read_paths(&file, 1, seen, keep);
}

/* Observation I of a run: as different from the others as real ones are. */
static inline struct obs make(unsigned i)
{
	static uint8_t payload[128];
	struct obs o = { .time_ns = START + i * 1000000ull, .point = HCT_POINT_TC_INGRESS };
	uint32_t flow = i / 8;

	o.flow_id = START + flow * 8000000ull;
	o.flow_seq = i % 8;
	memset(o.tuple.lb, 1, 16);
	memset(o.tuple.target, 2, 16);
	o.tuple.lb_port = htons((uint16_t)(1024 + flow * 7919));
	o.tuple.target_port = htons(80);
	o.tuple.protocol = IPPROTO_TCP;
	o.reply = i % 2;
	o.netns = 4026531840u;
	strcpy(o.device, "eth0");
	o.packet.seq = flow * 2654435761u + i;
	o.packet.ack = o.reply ? flow * 2654435761u + 1 : 0;
	o.packet.tcp_flags = HCT_TCP_ACK;
	if (i % 8 == 3) {
		o.point = HCT_POINT_DROP;
		o.reason = names_intern("NETFILTER_DROP");
		o.stack[0] = names_intern("nf_hook_slow");
		o.stack[1] = names_intern("ip_local_deliver");
		o.stack_len = 2;
	}
	if (i % 4 == 1) {
		uint64_t random = i;

		for (size_t n = 0; n < sizeof(payload); n++) {
			random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			payload[n] = (uint8_t)(random >> 56);
		}
		o.payload = payload;
		o.payload_len = sizeof(payload);
		o.has_process = true;
		o.pid = 4711;
		strcpy(o.comm, "nginx");
	}
	return o;
}

static inline struct settings *options(void)
{
	static struct settings s;
	char *argv[] = { "hctrace", "--port", "80", NULL };

	assert_int_equal(options_parse(&s, 3, argv), -1);
	return &s;
}

static inline struct record_writer *start_run(uint64_t max_size)
{
	struct stream_start start = { .kernel = "6.1.0", .time_ns = START, .netns_name = "" };
	struct record_writer *w;
	int err = 0;

	w = record_writer_open(path, options(), max_size, &err);
	assert_non_null(w);
	record_writer_state(w, false, START, "routes", "default via 192.168.0.1 dev eth0\n");
	record_writer_sink.start(w, &start);
	return w;
}

/* Records observations FROM to TO; returns the hash over them. */
static inline uint64_t record(struct record_writer *w, unsigned from, unsigned to)
{
	struct seen seen = { 0 };

	for (unsigned i = from; i < to; i++) {
		struct obs o = make(i);

		on_obs(&seen, &o);
		record_writer_sink.obs(w, &o);
		if (i % 8 == 7)
			record_writer_sink.tick(w, o.time_ns + 1);
	}
	return seen.hash;
}

static inline void make_recording(unsigned n)
{
	struct record_writer *w = start_run(0);

	record(w, 0, n);
	record_writer_sink.lost(w, HCT_POINT_DROP, 3, START + 5000 * SEC);
	record_writer_sink.end(w, START + 5000 * SEC);
	assert_int_equal(record_writer_close(w), 0);
}

/* The file at NAME as a whole; free() it. */
static inline uint8_t *slurp(const char *name, size_t *len)
{
	FILE *in = fopen(name, "re");
	struct stat st;
	uint8_t *data;

	assert_non_null(in);
	assert_int_equal(fstat(fileno(in), &st), 0);
	*len = (size_t)st.st_size;
	data = malloc(*len + 1);
	assert_int_equal(fread(data, 1, *len, in), *len);
	fclose(in);
	return data;
}

static inline void spill(const char *name, const void *data, size_t len)
{
	FILE *out = fopen(name, "we");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, len, out), len);
	fclose(out);
}

/* Sends what is said on stderr, which these tests provoke, nowhere. */
static inline int hush(void)
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	fflush(stderr);
	dup2(null, STDERR_FILENO);
	close(null);
	return saved;
}

static inline void unhush(int saved)
{
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static inline void remove_segments(void)
{
	for (unsigned i = 0; i < RECORD_SEGMENTS + 1; i++) {
		char *name = segment_path(path, i);

		unlink(name);
		free(name);
	}
}

static inline int set_up(void **state)
{
	strcpy(folder, "/tmp/hctrace-record-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/run.hct", folder);
	return 0;
}

static inline int clear(void **state)
{
	remove_segments();
	return 0;
}

static inline int tear_down(void **state)
{
	remove_segments();
	names_free();
	return rmdir(folder);
}

#endif
