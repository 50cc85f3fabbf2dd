// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A live run: load, listen, diagnose, until interrupted or done. */
#include "run_live.h"

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

#include "enter_netns.h"
#include "host/host_live.h"
#include "host/netns.h"
#include "live_stream.h"
#include "stream/names.h"
#include "trace/link_watch.h"
#include "trace/loader.h"
#include "trace/names_live.h"
#include "trace/rule_live.h"
#include "trace/source_live.h"

#define HOUSEKEEPING_NS 1000000000ULL
#define MAX_READY 8 /* what open_loop() watches */
#define FORGET_TIMEOUTS 3 /* a flow silent for that many timeouts is over … */
#define FORGET_MIN_NS 10000000000ULL /* … but not before SYNs stop being repeated closely */

/* One live run. */
struct live {
	const struct settings *settings;
	const struct live_view *view;
	struct host host;
	bool host_open;
	struct loader *loader;
	struct names_live *names;
	struct source_live *source;
	struct live_stream stream;
	struct link_watch *links;
	struct rule_live *rules;
	int epoll, signals, timer;
	uint64_t next_second_ns; /* when the house is kept again */
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

/* ---- devices come and go ---- */

static void device_up(void *ctx, unsigned ifindex)
{
	struct live *l = ctx;

	source_live_devices_changed(l->source);
	loader_device_up(l->loader, ifindex);
	if (l->view->guest)
		l->view->guest->device_up(l->view->guest->ctx, ifindex);
}

static void device_gone(void *ctx, unsigned ifindex)
{
	struct live *l = ctx;

	source_live_devices_changed(l->source);
	loader_device_gone(l->loader, ifindex);
	if (l->view->guest)
		l->view->guest->device_gone(l->view->guest->ctx, ifindex);
}

static const struct link_watch_listener device_listener = { device_up, device_gone };

/* ---- opening ---- */

static int cannot_start(int err)
{
	fprintf(stderr, "hctrace: cannot start: %s\n", strerror(-err));
	return EXIT_CANNOT_TRACE;
}

static int open_signals(struct live *l)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signals < 0 ? -errno : 0;
}

static int watch(struct live *l, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

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
	struct btf *btf = loader_kernel_btf(l->settings);

	if (!btf)
		return -ENOTSUP;
	l->names = names_live_open(btf);
	l->loader = loader_new(l->settings, netns_self(), btf);
	btf__free(btf);
	malloc_trim(0);
	return l->names && l->loader ? 0 : -ENOMEM;
}

/* What reads the kernel, and what is made of it.  0, or an exit status after a message. */
static int open_stream(struct live *l)
{
	int err = host_live_open(&l->host);
	int status;

	l->host_open = !err;
	if (err)
		return cannot_start(err);
	status = live_stream_open(&l->stream, l->settings, &l->host, l->view->renderer, l->view->out);
	if (status)
		return status;
	if (l->stream.recorder)
		recorder_hurry_fd(l->stream.recorder, l->signals);
	err = rule_live_open(&l->rules, l->settings, l->loader, &live_stream_sink, &l->stream);
	if (err)
		return cannot_start(err);
	l->stream.rules = l->rules;
	l->stream.guest = l->view->guest;
	err = source_live_open(&l->source, l->loader, l->names, &live_stream_sink, &l->stream,
			       forget_after(l->settings));
	l->stream.source = l->source;
	return err ? cannot_start(err) : 0;
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
	err = watch(l, source_live_fd(l->source), EPOLLIN | EPOLLET);
	if (!err)
		err = watch(l, l->signals, EPOLLIN);
	if (!err)
		err = watch(l, l->timer, EPOLLIN);
	if (!err)
		err = watch(l, link_watch_fd(l->links), EPOLLIN);
	if (!err)
		err = watch(l, rule_live_fd(l->rules), EPOLLIN);
	/*
	 * Of a pipe that nobody reads any more it tells at once; what is no pipe may not be
	 * watched.  A recording goes on until there is something to print.
	 */
	if (!err && l->view->out == stdout && !l->stream.recorder)
		watch(l, STDOUT_FILENO, 0);
	if (!err && l->view->guest)
		err = watch(l, l->view->guest->fd(l->view->guest->ctx), EPOLLIN | EPOLLET);
	return err;
}

/* The host's state comes while the run goes on; where it does not, it comes at the end. */
static void watch_recorder(struct live *l)
{
	int fd = l->stream.recorder ? recorder_fd(l->stream.recorder) : -1;

	if (fd >= 0)
		watch(l, fd, EPOLLIN);
}

static void tell_start(struct live *l, uint64_t now)
{
	struct point_status changed[HCT_POINT_COUNT];
	struct stream_start start = { .time_ns = now, .wall_offset_ns = wall_offset_ns() };
	char name[64] = "";
	struct utsname kernel;

	uname(&kernel);
	start.kernel = names_intern(kernel.release);
	start.netns = netns_self();
	if (l->host.ops->netns_name(l->host.ctx, start.netns, name))
		name[0] = '\0';
	start.netns_name = name;
	if (l->settings->self && l->settings->self->host[0])
		start.host = l->settings->self->host;
	if (l->settings->self && l->settings->self->run[0])
		start.run = l->settings->self->run;
	start.points = loader_points(l->loader, &start.n_points);
	loader_changes(l->loader, changed); /* they are told with the start */
	live_stream_sink.start(&l->stream, &start);
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
	const struct live_guest *guest = l->view->guest;

	if (guest && guest->done(guest->ctx, now, engine_totals(l->stream.engine)))
		return true;
	return l->stop || now >= end || ferror(stdout) ||
	       (s->count && engine_totals(l->stream.engine)->probes >= s->count);
}

/* Everything that came before NOW, then what is due at NOW. */
static int catch_up(struct live *l, uint64_t now)
{
	int err = source_live_consume(l->source, now);

	rule_live_read(l->rules); /* of what was just consumed, nftables told before */
	rule_live_settle(l->rules, now);
	if (!err && engine_next_timer(l->stream.engine) <= now)
		live_stream_sink.tick(&l->stream, now);
	return err;
}

static void drain(int fd)
{
	char buffer[512];

	while (read(fd, buffer, sizeof(buffer)) > 0)
		continue;
}

/* Points that came or went since the last look. */
static void tell_points(struct live *l, uint64_t now)
{
	struct point_status changed[HCT_POINT_COUNT];
	size_t n = loader_changes(l->loader, changed);

	if (n)
		live_stream_sink.points(&l->stream, changed, n, now);
}

/* What is worth a look when something happened, or a second has passed. */
static void keep_house(struct live *l, uint64_t now)
{
	struct recorder *recorder = l->stream.recorder;

	loader_look(l->loader, now);
	tell_points(l, now);
	if (recorder) {
		recorder_read(recorder);
		recorder_wake(recorder, now);
	}
	if (now < l->next_second_ns)
		return;
	source_live_housekeep(l->source);
	if (l->view->second)
		l->view->second(l->stream.render_ctx, now, engine_totals(l->stream.engine),
				recorder ? recorder_size(recorder) : 0);
	l->next_second_ns = now + HOUSEKEEPING_NS;
}

/*
 * When there is something to do, even if nothing comes.  At rest there is nothing
 * each second.  While much comes, what is due waits for the next look at it:
 * thousands of probes a second are thousands of times at which one is due.
 */
static uint64_t next_time(const struct live *l, uint64_t end)
{
	uint64_t look = source_live_next(l->source);
	uint64_t due = look == UINT64_MAX ? engine_next_timer(l->stream.engine) : look;
	bool at_work = source_live_follows(l->source) || rule_live_at_work(l->rules) ||
		       l->view->second || l->stream.recorder;

	due = earlier(due, end);
	due = earlier(due, loader_next_look(l->loader));
	if (l->view->guest)
		due = earlier(due, l->view->guest->next(l->view->guest->ctx));
	return at_work ? earlier(due, l->next_second_ns) : due;
}

static int run(struct live *l, uint64_t start)
{
	uint64_t end = l->settings->duration_ns ? start + l->settings->duration_ns : UINT64_MAX;
	uint64_t now = start;
	int err = 0;

	l->next_second_ns = start + HOUSEKEEPING_NS;
	loader_look(l->loader, start);
	while (!err && !done(l, now, end)) {
		struct epoll_event ready[MAX_READY];
		int n;

		arm(l, next_time(l, end));
		n = epoll_wait(l->epoll, ready, MAX_READY, -1);
		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == l->signals) {
				drain(l->signals); /* a second one hurries the end */
				l->stop = true;
			} else if (ready[i].data.fd == l->timer) {
				drain(l->timer);
			} else if (ready[i].data.fd == link_watch_fd(l->links)) {
				link_watch_read(l->links);
			} else if (ready[i].data.fd == STDOUT_FILENO) {
				l->stop = true;
			}
		}
		now = now_ns();
		err = catch_up(l, now);
		keep_house(l, now);
	}
	return err;
}

/* ---- the end ---- */

/* All that came is told and kept.  0, or the exit status for what could not be. */
static int end_stream(struct live *l)
{
	uint64_t size;
	int status;

	live_stream_sink.end(&l->stream, now_ns());
	if (l->stream.recorder)
		recorder_wake(l->stream.recorder, UINT64_MAX);
	size = l->stream.recorder ? recorder_size(l->stream.recorder) : 0;
	status = live_stream_keep(&l->stream);
	if (l->view->done)
		l->view->done(l->stream.render_ctx, size);
	return status;
}

static void close_live(struct live *l)
{
	if (l->view->guest)
		l->view->guest->close(l->view->guest->ctx);
	live_stream_close(&l->stream);
	link_watch_close(l->links);
	source_live_close(l->source);
	rule_live_close(l->rules);
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

int run_live(const struct settings *settings, const struct live_view *view)
{
	struct live l = { .settings = settings, .view = view,
			  .epoll = -1, .signals = -1, .timer = -1 };
	int status = EXIT_CANNOT_TRACE;
	uint64_t start;
	int err, kept;

	if (enter_netns(settings) || look_at_kernel(&l))
		goto cleanup;
	err = loader_attach(l.loader); /* says what is wrong by itself */
	if (err) {
		if (err == -ENODEV && settings->n_interfaces)
			status = EXIT_USAGE;
		goto cleanup;
	}
	err = open_signals(&l);
	status = err ? cannot_start(err) : open_stream(&l);
	if (!status && view->guest)
		status = view->guest->attached(view->guest->ctx);
	if (status)
		goto cleanup;
	err = open_loop(&l);
	if (err) {
		status = cannot_start(err);
		goto cleanup;
	}
	start = now_ns();
	tell_start(&l, start);
	watch_recorder(&l);
	malloc_trim(0); /* what loading needed for a moment */
	names_live_warm(l.names);
	malloc_trim(0);
	if (view->guest)
		view->guest->start(view->guest->ctx);
	err = run(&l, start);
	kept = end_stream(&l);
	if (err)
		fprintf(stderr, "hctrace: stopped: cannot read events: %s\n", strerror(-err));
	if (err)
		status = EXIT_CANNOT_TRACE;
	else
		status = kept ? kept : view->guest ? view->guest->status(view->guest->ctx) :
				       engine_exit_status(l.stream.engine);
cleanup:
	close_live(&l);
	return status;
}
