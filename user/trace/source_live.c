// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The live source: ring buffer in, observations out; lost events are counted by point.
 *
 * While nothing happens it sleeps until the kernel side wakes it.  Once something
 * came it looks by itself every HCT_PACE_NS, and nobody pays for waking it, until
 * two looks in a row found nothing.
 */
#include "source_live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "include/hct_flow.h"
#include "include/hct_shared.h"
#include "stream/decode.h"
#include "names_live.h"

#define ENDED_NS 1000000000ULL /* an ended flow's last events come within */
#define KEPT_NS 150000000000ULL /* between two requests on a connection that is kept */
#define BATCH 512

struct source_live {
	struct loader *loader;
	const struct stream_sink *sink;
	void *sink_ctx;
	struct ring_buffer *ring;
	struct names_live *names;
	struct namer namer;
	struct hct_shared *shared; /* the kernel side's, too */
	uint64_t lost[HCT_POINT_COUNT]; /* as last told */
	uint64_t next_ns; /* the next look; UINT64_MAX: asleep */
	uint64_t forget_ns;
	bool follows;
	struct {
		struct hct_tuple keys[BATCH];
		struct hct_flow values[BATCH];
	} batch;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static const char *reason(void *ctx, uint32_t number)
{
	return names_live_reason(ctx, number);
}

static const char *symbol(void *ctx, uint64_t address)
{
	return names_live_symbol(ctx, address);
}

static const char *device(void *ctx, uint32_t ifindex)
{
	return names_live_device(ctx, ifindex);
}

static int on_event(void *ctx, void *data, size_t size)
{
	struct source_live *s = ctx;
	struct obs o;

	/* our own BPF side wrote it: what does not decode cannot come */
	if (decode_event(data, size, &s->namer, &o) == 0)
		s->sink->obs(s->sink_ctx, &o);
	return 0;
}

static int map_shared(struct source_live *s)
{
	void *at = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			loader_shared_fd(s->loader), 0);

	if (at == MAP_FAILED)
		return -errno;
	s->shared = at;
	__atomic_store_n(&s->shared->reader_sleeps, 1, __ATOMIC_SEQ_CST);
	return 0;
}

int source_live_open(struct source_live **out, struct loader *loader,
		     struct names_live *names, const struct stream_sink *sink, void *sink_ctx,
		     uint64_t forget_ns)
{
	struct source_live *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->loader = loader;
	s->sink = sink;
	s->sink_ctx = sink_ctx;
	s->forget_ns = forget_ns;
	s->names = names;
	s->next_ns = UINT64_MAX;
	s->follows = true; /* what came before the first look */
	err = map_shared(s);
	if (err)
		goto fail;
	s->namer = (struct namer){ reason, symbol, device, s->names };
	s->ring = ring_buffer__new(loader_events_fd(loader), on_event, s, NULL);
	if (!s->ring) {
		err = -errno;
		goto fail;
	}
	*out = s;
	return 0;
fail:
	source_live_close(s);
	return err;
}

void source_live_close(struct source_live *s)
{
	if (!s)
		return;
	ring_buffer__free(s->ring);
	if (s->shared)
		munmap(s->shared, sizeof(*s->shared));
	free(s);
}

int source_live_fd(const struct source_live *s)
{
	return loader_events_fd(s->loader);
}

static void tell_lost(struct source_live *s)
{
	for (uint32_t point = 0; point < HCT_POINT_COUNT; point++) {
		uint64_t total = __atomic_load_n(&s->shared->lost[point], __ATOMIC_RELAXED);

		if (total > s->lost[point]) {
			s->sink->lost(s->sink_ctx, point, total - s->lost[point], now_ns());
			s->lost[point] = total;
		}
	}
}

/*
 * After a look at NOW that found something or not (CAME).  Asleep only after one
 * more look: an event that was on its way when we went to sleep did not wake us.
 */
static void set_pace(struct source_live *s, bool came, uint64_t now)
{
	bool sleeps = s->shared->reader_sleeps;

	if (!came && now < s->next_ns)
		return; /* no look of ours was due */
	if (came || !sleeps)
		s->next_ns = now + HCT_PACE_NS;
	else
		s->next_ns = UINT64_MAX;
	if (sleeps == came)
		__atomic_store_n(&s->shared->reader_sleeps, !came, __ATOMIC_SEQ_CST);
}

int source_live_consume(struct source_live *s, uint64_t now)
{
	int n;

	__atomic_store_n(&s->shared->hurried, 0, __ATOMIC_SEQ_CST);
	n = ring_buffer__consume(s->ring);
	if (n < 0)
		return n;
	tell_lost(s);
	set_pace(s, n > 0, now);
	if (n)
		s->follows = true;
	return 0;
}

uint64_t source_live_next(const struct source_live *s)
{
	return s->next_ns;
}

bool source_live_follows(const struct source_live *s)
{
	return s->follows;
}

static bool is_over(const struct source_live *s, const struct hct_flow *flow, uint64_t now)
{
	uint64_t silent = now > flow->last_ns ? now - flow->last_ns : 0;
	bool kept = flow->exchange > 1 && !flow->unfollowed && !flow->users;

	if (flow->ended == HCT_ENDED)
		return silent > ENDED_NS;
	return silent > (kept && s->forget_ns < KEPT_NS ? KEPT_NS : s->forget_ns);
}

void source_live_housekeep(struct source_live *s)
{
	int fd = loader_flows_fd(s->loader);
	uint64_t now = now_ns();
	uint32_t position = 0; /* opaque: where a hash map's batch look-up goes on */
	bool first = true;
	int err = 0;

	tell_lost(s); /* a full map has no event to wake us with */
	s->follows = false;
	while (!err) {
		uint32_t n = BATCH;

		err = bpf_map_lookup_batch(fd, first ? NULL : &position, &position, s->batch.keys,
					   s->batch.values, &n, NULL);
		if (err && err != -ENOENT) /* ENOENT: that was the last batch */
			break;
		first = false;
		for (uint32_t i = 0; i < n; i++)
			if (is_over(s, &s->batch.values[i], now))
				bpf_map_delete_elem(fd, &s->batch.keys[i]);
			else
				s->follows = true;
	}
}

void source_live_follow(struct source_live *s, const struct hct_tuple *tuple, bool follow)
{
	int fd = loader_kept_fd(s->loader);
	uint32_t one = 1;

	if (follow)
		bpf_map_update_elem(fd, tuple, &one, BPF_ANY);
	else
		bpf_map_delete_elem(fd, tuple);
}

void source_live_devices_changed(struct source_live *s)
{
	names_live_forget_devices(s->names);
}
