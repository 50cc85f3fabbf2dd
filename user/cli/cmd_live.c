// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace live: load, listen, diagnose, print, until interrupted or done. */
#include "cmd_live.h"

#include <bpf/btf.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "diagnose/engine.h"
#include "enter_netns.h"
#include "host/host_live.h"
#include "host/netns.h"
#include "render/render.h"
#include "stream/case_write.h"
#include "stream/names.h"
#include "trace/link_watch.h"
#include "trace/loader.h"
#include "trace/names_live.h"
#include "trace/rule_live.h"
#include "trace/source_live.h"

#define HOUSEKEEPING_NS 1000000000ULL
#define FORGET_TIMEOUTS 3 /* a flow silent for that many timeouts is over … */
#define FORGET_MIN_NS 10000000000ULL /* … but not before SYNs stop being repeated closely */

/* One live run. */
struct live {
	const struct settings *settings;
	struct host host;
	bool host_open;
	struct host *engine_host; /* the host, or the case writer's view of it */
	struct loader *loader;
	struct names_live *names;
	struct source_live *source;
	struct engine *engine;
	struct link_watch *links;
	struct rule_live *rules;
	struct case_writer *writer; /* NULL without --save */
	const struct renderer *renderer;
	void *render_ctx;
	int epoll, signals, timer;
	bool stop;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static int64_t wall_offset_ns(void)
{
	struct timespec wall, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (wall.tv_sec - mono.tv_sec) * 1000000000LL + (wall.tv_nsec - mono.tv_nsec);
}

/* ---- the stream goes to the engine and, with --save, to the case file first ---- */

static void to_start(void *ctx, const struct stream_start *start)
{
	struct live *l = ctx;

	if (l->writer)
		case_writer_sink.start(l->writer, start);
	engine_sink.start(l->engine, start);
}

static void to_obs(void *ctx, const struct obs *o)
{
	struct live *l = ctx;

	if (l->writer)
		case_writer_sink.obs(l->writer, o);
	engine_sink.obs(l->engine, o);
	rule_live_obs(l->rules, o);
}

static void to_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct live *l = ctx;

	if (l->writer)
		case_writer_sink.lost(l->writer, point, count, time_ns);
	engine_sink.lost(l->engine, point, count, time_ns);
}

static void to_tick(struct live *l, uint64_t now)
{
	if (l->writer)
		case_writer_sink.tick(l->writer, now);
	engine_sink.tick(l->engine, now);
}

static void to_end(struct live *l, uint64_t now)
{
	if (l->writer)
		case_writer_sink.end(l->writer, now);
	engine_sink.end(l->engine, now);
}

static const struct stream_sink live_sink = { .start = to_start, .obs = to_obs, .lost = to_lost };

/* ---- what the engine tells goes to the renderer; a diagnosis may ask for a rule, too ---- */

static void tell_started(void *ctx, const struct stream_start *start)
{
	const struct live *l = ctx;

	if (l->renderer->on.start)
		l->renderer->on.start(l->render_ctx, start);
}

static void tell_probe(void *ctx, const struct probe *p, const struct diagnosis *d)
{
	const struct live *l = ctx;

	rule_live_probe(l->rules, p, d);
	if (l->renderer->on.probe)
		l->renderer->on.probe(l->render_ctx, p, d);
}

static void tell_target(void *ctx, const struct target *t)
{
	const struct live *l = ctx;

	if (l->renderer->on.target)
		l->renderer->on.target(l->render_ctx, t);
}

static void tell_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	const struct live *l = ctx;

	if (l->renderer->on.lost)
		l->renderer->on.lost(l->render_ctx, point, count, time_ns);
}

static void tell_end(void *ctx, const struct totals *totals)
{
	const struct live *l = ctx;

	if (l->renderer->on.end)
		l->renderer->on.end(l->render_ctx, totals);
}

static const struct engine_listener engine_listener = { tell_started, tell_probe, tell_target,
							tell_lost, tell_end };

static void device_up(void *ctx, unsigned ifindex)
{
	struct live *l = ctx;

	source_live_devices_changed(l->source);
	loader_device_up(l->loader, ifindex);
}

static void device_gone(void *ctx, unsigned ifindex)
{
	struct live *l = ctx;

	source_live_devices_changed(l->source);
	loader_device_gone(l->loader, ifindex);
}

static const struct link_watch_listener device_listener = { device_up, device_gone };

/* ---- opening ---- */

static int open_signals(struct live *l)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed pipe ends the run by ferror(stdout) */
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signals < 0 ? -errno : 0;
}

static int watch(struct live *l, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static uint64_t forget_after(const struct settings *s)
{
	uint64_t ns = s->timeout_ns * FORGET_TIMEOUTS;

	return ns > FORGET_MIN_NS ? ns : FORGET_MIN_NS;
}

/* What must be known of the kernel; its types are large, so they go before anything is loaded. */
static int look_at_kernel(struct live *l)
{
	struct btf *btf = loader_kernel_btf();

	if (!btf)
		return -ENOTSUP;
	l->names = names_live_open(btf);
	l->loader = loader_new(l->settings, netns_self(), btf);
	btf__free(btf);
	malloc_trim(0);
	return l->names && l->loader ? 0 : -ENOMEM;
}

static int open_pipeline(struct live *l)
{
	int err = host_live_open(&l->host);

	if (err)
		return err;
	l->host_open = true;
	l->engine_host = &l->host;
	if (l->settings->save) {
		l->writer = case_writer_open(l->settings->save, l->settings);
		if (!l->writer) {
			err = -errno;
			fprintf(stderr, "hctrace: cannot write %s: %s\n", l->settings->save,
				strerror(-err));
			return err;
		}
		l->engine_host = case_writer_host(l->writer, &l->host);
	}
	l->renderer = l->settings->json ? &render_json : &render_text;
	l->render_ctx = l->renderer->open(stdout, l->settings);
	if (!l->render_ctx)
		return -ENOMEM;
	l->engine = engine_new(l->settings, l->engine_host, &engine_listener, l);
	if (!l->engine)
		return -ENOMEM;
	err = rule_live_open(&l->rules, l->settings, l->loader, &live_sink, l);
	if (err)
		return err;
	return source_live_open(&l->source, l->loader, l->names, &live_sink, l,
				forget_after(l->settings));
}

static int open_loop(struct live *l)
{
	int err = link_watch_open(&l->links, &device_listener, l);

	if (err)
		return err;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->epoll < 0 || l->timer < 0)
		return -errno;
	err = watch(l, source_live_fd(l->source));
	if (!err)
		err = watch(l, l->signals);
	if (!err)
		err = watch(l, l->timer);
	if (!err)
		err = watch(l, link_watch_fd(l->links));
	if (!err)
		err = watch(l, rule_live_fd(l->rules));
	return err;
}

static void tell_start(struct live *l, uint64_t now)
{
	struct stream_start start = { .time_ns = now, .wall_offset_ns = wall_offset_ns() };
	char name[64] = "";
	struct utsname kernel;

	uname(&kernel);
	start.kernel = names_intern(kernel.release);
	start.netns = netns_self();
	if (l->host.ops->netns_name(l->host.ctx, start.netns, name))
		name[0] = '\0';
	start.netns_name = name;
	start.points = loader_points(l->loader, &start.n_points);
	to_start(l, &start);
}

/* ---- the loop ---- */

static void arm(struct live *l, uint64_t at)
{
	struct itimerspec when = { .it_value = { (time_t)(at / 1000000000ULL),
						 (long)(at % 1000000000ULL) } };

	timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool done(const struct live *l, uint64_t now, uint64_t end)
{
	const struct settings *s = l->settings;

	return l->stop || now >= end || ferror(stdout) ||
	       (s->count && engine_totals(l->engine)->probes >= s->count);
}

/* Everything that came before NOW, then what is due at NOW. */
static int catch_up(struct live *l, uint64_t now)
{
	int err = source_live_consume(l->source);

	rule_live_read(l->rules); /* of what was just consumed, nftables told before */
	rule_live_settle(l->rules, now);
	if (!err && engine_next_timer(l->engine) <= now)
		to_tick(l, now);
	return err;
}

static void drain(int fd)
{
	char buffer[512];

	while (read(fd, buffer, sizeof(buffer)) > 0)
		continue;
}

static int run(struct live *l, uint64_t start)
{
	uint64_t end = l->settings->duration_ns ? start + l->settings->duration_ns : UINT64_MAX;
	uint64_t housekeeping = start + HOUSEKEEPING_NS;
	uint64_t now = start;
	int err = 0;

	while (!err && !done(l, now, end)) {
		struct epoll_event ready[5];
		int n;

		arm(l, earlier(earlier(engine_next_timer(l->engine), housekeeping), end));
		n = epoll_wait(l->epoll, ready, 5, -1);
		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == l->signals)
				l->stop = true;
			else if (ready[i].data.fd == l->timer)
				drain(l->timer);
			else if (ready[i].data.fd == link_watch_fd(l->links))
				link_watch_read(l->links);
		}
		now = now_ns();
		err = catch_up(l, now);
		if (now >= housekeeping) {
			source_live_housekeep(l->source);
			housekeeping = now + HOUSEKEEPING_NS;
		}
	}
	return err;
}

static void close_live(struct live *l)
{
	int err;

	if (l->renderer && l->render_ctx)
		l->renderer->close(l->render_ctx);
	link_watch_close(l->links);
	source_live_close(l->source);
	rule_live_close(l->rules);
	engine_free(l->engine);
	err = case_writer_close(l->writer);
	if (err)
		fprintf(stderr, "hctrace: %s is not complete: %s\n", l->settings->save, strerror(-err));
	if (l->host_open)
		host_live_close(&l->host);
	loader_close(l->loader);
	names_live_close(l->names);
	for (size_t i = 0; i < 3; i++) {
		int fd = (int[]){ l->epoll, l->signals, l->timer }[i];

		if (fd >= 0)
			close(fd);
	}
}

int cmd_live(const struct settings *settings)
{
	struct live l = { .settings = settings, .epoll = -1, .signals = -1, .timer = -1 };
	int status = EXIT_CANNOT_TRACE;
	uint64_t start;
	int err;

	if (enter_netns(settings) || look_at_kernel(&l))
		goto cleanup;
	err = loader_attach(l.loader); /* says what is wrong by itself */
	if (err) {
		if (err == -ENODEV && settings->n_interfaces)
			status = EXIT_USAGE;
		goto cleanup;
	}
	err = open_signals(&l);
	if (!err)
		err = open_pipeline(&l);
	if (!err)
		err = open_loop(&l);
	if (err) {
		fprintf(stderr, "hctrace: cannot start: %s\n", strerror(-err));
		goto cleanup;
	}
	start = now_ns();
	tell_start(&l, start);
	malloc_trim(0); /* what loading needed for a moment */
	names_live_warm(l.names);
	malloc_trim(0);
	err = run(&l, start);
	to_end(&l, now_ns());
	if (err)
		fprintf(stderr, "hctrace: stopped: cannot read events: %s\n", strerror(-err));
	else
		status = engine_exit_status(l.engine);
cleanup:
	close_live(&l);
	return status;
}
