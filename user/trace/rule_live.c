// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The live side of rule_watch: namespaces, sockets and the ladder. */
#include "rule_live.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "host/netns.h"
#include "nft_trace.h"
#include "rule_watch.h"

#define MAX_SPACES 16
#define MAX_OTHERS 1024

struct space {
	struct nft_trace *trace;
	bool by_function; /* neither: free */
	uint32_t netns;
};

struct rule_live {
	const struct settings *settings;
	struct loader *loader;
	const struct stream_sink *sink;
	void *sink_ctx;
	uint32_t netns;
	int epoll;
	struct rule_watch *watch; /* NULL: idle */
	struct space spaces[MAX_SPACES];
	struct space *reading; /* whose reports are being delivered */
	struct netns_ref there; /* a process in the namespace that was visited last */
	bool refused; /* and said so */
	bool no_tables; /* hctrace must not, or cannot, make tables of nftables */
	bool no_functions;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* ---- other namespaces ---- */

static int find_process(uint32_t netns, struct netns_ref *out)
{
	struct netns_ref *others = calloc(MAX_OTHERS, sizeof(*others));
	int err = -ESRCH;
	size_t n;

	if (!others)
		return -ENOMEM;
	n = netns_others(others, MAX_OTHERS);
	for (size_t i = 0; i < n; i++)
		if (others[i].netns == netns) {
			*out = others[i];
			err = 0;
		}
	free(others);
	return err;
}

struct call {
	int (*fn)(void *ctx);
	void *ctx;
	bool done;
};

static int do_call(void *ctx)
{
	struct call *call = ctx;

	call->done = true;
	return call->fn(call->ctx);
}

/* Calls FN in namespace NETNS. */
static int in_netns(struct rule_live *l, uint32_t netns, int (*fn)(void *ctx), void *ctx)
{
	struct call call = { fn, ctx };
	int err;

	if (netns == l->netns)
		return fn(ctx);
	if (l->there.netns == netns) {
		err = netns_visit(&l->there, do_call, &call);
		if (call.done)
			return err;
	}
	err = find_process(netns, &l->there);
	return err ? err : netns_visit(&l->there, fn, ctx);
}

/* ---- the means of rule_watch ---- */

static int generation_here(void *ctx)
{
	return nft_trace_generation(ctx);
}

static int generation(void *ctx, uint32_t netns, uint32_t *out)
{
	return in_netns(ctx, netns, generation_here, out);
}

static int chains_here(void *ctx)
{
	return nft_trace_has_chains(ctx);
}

static int has_chains(void *ctx, uint32_t netns, bool *out)
{
	return in_netns(ctx, netns, chains_here, out);
}

struct order {
	struct rule_live *live;
	struct space *space;
	const struct nft_watch *watches;
	size_t n;
};

static int trace_here(void *ctx)
{
	struct order *order = ctx;
	struct nft_trace **trace = &order->space->trace;
	struct epoll_event event = { .events = EPOLLIN };
	int err;

	if (!*trace) {
		err = nft_trace_open(trace);
		if (err)
			return err;
		if (epoll_ctl(order->live->epoll, EPOLL_CTL_ADD, nft_trace_fd(*trace), &event)) {
			err = -errno;
			goto fail;
		}
	}
	err = nft_trace_set(*trace, order->watches, order->n);
	if (!err)
		return 0;
fail:
	nft_trace_close(*trace);
	*trace = NULL;
	return err;
}

static struct space *find_space(struct rule_live *l, uint32_t netns)
{
	struct space *free_one = NULL;

	for (size_t i = 0; i < MAX_SPACES; i++) {
		bool used = l->spaces[i].trace || l->spaces[i].by_function;

		if (used && l->spaces[i].netns == netns)
			return &l->spaces[i];
		if (!used)
			free_one = &l->spaces[i];
	}
	if (free_one)
		free_one->netns = netns;
	return free_one;
}

/* The kernel is as it should be, and still it does not want: worth a word, once. */
static void say_refused(struct rule_live *l, int err)
{
	if (l->refused || err == -ESRCH)
		return;
	l->refused = true;
	fprintf(stderr, "hctrace: nftables cannot be asked which rule it was: %s; rules are told by "
			"their counters and texts alone\n", strerror(-err));
}

/* The function tells of all packets of flows, in all namespaces at once. */
static void end_functions(struct rule_live *l, struct space *space)
{
	bool any = false;

	space->by_function = false;
	for (size_t i = 0; i < MAX_SPACES; i++)
		any |= l->spaces[i].by_function;
	if (!any)
		loader_nft_rules(l->loader, false);
}

/* Of the two ways it is the one that leaves the ruleset alone. */
static bool trace_by_function(struct rule_live *l, struct space *space)
{
	if (l->no_functions)
		return false;
	if (!space->by_function && loader_nft_rules(l->loader, true)) {
		l->no_functions = true;
		return false;
	}
	space->by_function = true;
	return true;
}

static int trace(void *ctx, uint32_t netns, const struct nft_watch *watches, size_t n)
{
	struct rule_live *l = ctx;
	struct order order = { l, find_space(l, netns), watches, n };
	int err;

	if (!order.space)
		return -ENOSPC;
	if (n == 0) { /* leaving the namespace needs no way in; its socket would keep it alive */
		nft_trace_close(order.space->trace);
		order.space->trace = NULL;
		if (order.space->by_function)
			end_functions(l, order.space);
		return 0;
	}
	if (trace_by_function(l, order.space))
		return 0;
	if (l->no_tables)
		return -ENOTSUP;
	err = in_netns(l, netns, trace_here, &order);
	if (err) {
		nft_trace_close(order.space->trace);
		order.space->trace = NULL;
		say_refused(l, err);
	}
	return err;
}

static int ladder(void *ctx, bool on)
{
	struct rule_live *l = ctx;

	return loader_netfilter(l->loader, on);
}

static const struct rule_watch_means means = { generation, has_chains, trace, ladder };

/* On a kernel that cannot have tables like ours, nothing of nftables is to be traced. */
static int has_none(void *ctx, uint32_t netns, bool *out)
{
	*out = false;
	return 0;
}

static const struct rule_watch_means means_ladder_only = { generation, has_none, trace, ladder };

/* ---- opening ---- */

int rule_live_open(struct rule_live **out, const struct settings *settings, struct loader *loader,
		   const struct stream_sink *sink, void *sink_ctx)
{
	struct rule_live *l = calloc(1, sizeof(*l));
	struct utsname kernel;
	int err;

	if (!l)
		return -ENOMEM;
	l->settings = settings;
	l->loader = loader;
	l->sink = sink;
	l->sink_ctx = sink_ctx;
	l->netns = netns_self();
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = l->epoll < 0 ? -errno : 0;
	uname(&kernel);
	l->no_tables = nft_trace_lacks(settings->passive, kernel.release);
	l->no_functions = !loader_has_nft_rules(loader);
	if (!err && (!settings->passive || !l->no_functions)) {
		l->watch = rule_watch_new(settings, l->netns, kernel_number(kernel.release),
					  l->no_tables && l->no_functions ?
					  &means_ladder_only : &means, l);
		err = l->watch ? 0 : -ENOMEM;
	}
	if (err) {
		rule_live_close(l);
		return err;
	}
	*out = l;
	return 0;
}

void rule_live_close(struct rule_live *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < MAX_SPACES; i++)
		nft_trace_close(l->spaces[i].trace);
	rule_watch_free(l->watch);
	if (l->epoll >= 0)
		close(l->epoll);
	free(l);
}

int rule_live_fd(const struct rule_live *l)
{
	return l->epoll;
}

/* ---- reading ---- */

static void report(void *ctx, struct obs *o, uint32_t ifindex)
{
	struct rule_live *l = ctx;

	o->time_ns = now_ns(); /* a report has none of its own */
	o->netns = l->reading->netns;
	if (ifindex && o->netns == l->netns)
		if_indextoname(ifindex, o->device);
	if (rule_watch_wants(l->watch, o))
		l->sink->obs(l->sink_ctx, o);
}

static void lost(void *ctx, uint64_t count)
{
	struct rule_live *l = ctx;

	l->sink->lost(l->sink_ctx, HCT_POINT_NFT_TRACE, count, now_ns());
}

void rule_live_read(struct rule_live *l)
{
	const struct nft_trace_reader reader = { .from = l->settings->from,
						 .n_from = l->settings->n_from,
						 .report = report,
						 .lost = lost,
						 .ctx = l };

	for (size_t i = 0; i < MAX_SPACES; i++) {
		l->reading = &l->spaces[i];
		if (l->reading->trace)
			nft_trace_read(l->reading->trace, &reader);
	}
}

bool rule_live_wants(const struct rule_live *l, const struct obs *o)
{
	return !l->watch || rule_watch_wants(l->watch, o);
}

void rule_live_obs(struct rule_live *l, const struct obs *o)
{
	if (l->watch)
		rule_watch_obs(l->watch, o);
}

void rule_live_probe(struct rule_live *l, const struct probe *p, const struct diagnosis *d)
{
	if (l->watch)
		rule_watch_probe(l->watch, p, d);
}

void rule_live_settle(struct rule_live *l, uint64_t now)
{
	if (l->watch)
		rule_watch_settle(l->watch, now);
}

bool rule_live_at_work(const struct rule_live *l)
{
	return l->watch && rule_watch_at_work(l->watch);
}
