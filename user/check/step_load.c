// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 6: does the service keep up? */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "check.h"

#define WARN_PERCENT 80

static void check_queue(struct check *c, const struct host_listener *l)
{
	struct finding out = check_finding(c, CHECK_OK);
	const char *name = l->comm[0] ? l->comm : "a process";

	/* sk_acceptq_is_full() (6.1): one more than the limit fits */
	if (l->backlog > l->backlog_max)
		out.result = CHECK_FAIL;
	else if ((uint64_t)l->backlog * 100 > (uint64_t)l->backlog_max * WARN_PERCENT)
		out.result = CHECK_WARN;
	CHECK_PUT(out.what, "The accept queue of %s, port %u, holds %u of at most %u connections.",
		  name, l->port, l->backlog, l->backlog_max);
	check_show_sockets(&out, IPPROTO_TCP, l->port, false);
	if (out.result == CHECK_FAIL)
		CHECK_PUT(out.why, "It is full: the kernel drops new connections, checks among "
				   "them, "
				   "until the process accepts some.");
	if (out.result != CHECK_OK)
		CHECK_ADVISE(&out,
			     "Find out why %s does not accept (stuck, or too few workers) and "
			     "restart it; against short peaks, give it a longer backlog in its "
			     "configuration, and raise net.core.somaxconn to that.",
			     name);
	check_say(c, &out);
}

static bool is_fuller(const struct host_listener *a, const struct host_listener *b)
{
	return (uint64_t)a->backlog * b->backlog_max > (uint64_t)b->backlog * a->backlog_max;
}

/* Workers that listen each for themselves (SO_REUSEPORT) can be more than are asked for. */
static void tell_more_queues(struct check *c, uint16_t port)
{
	struct finding out = check_finding(c, CHECK_NOTE);

	CHECK_PUT(out.what, "Port %u has more sockets than the %d whose accept queues were looked at.",
		  port, HOST_MAX_LISTENERS);
	check_show_sockets(&out, IPPROTO_TCP, port, false);
	check_say(c, &out);
}

static void check_queues(struct check *c)
{
	const struct host *host = c->facts->host;
	struct check_ports ports;

	check_ports_or_say(c, &ports);
	for (size_t i = 0; i < ports.n; i++) {
		const struct host_listener *fullest = NULL;
		struct host_listeners all;
		int err;

		if (ports.p[i].protocol != IPPROTO_TCP)
			continue;
		err = host->ops->listeners(host->ctx, IPPROTO_TCP, ports.p[i].port, &all);
		if (err) {
			check_unread(c, err, "The accept queue of port %u", ports.p[i].port);
			continue;
		}
		/* A port can have a queue for each address: the fullest tells. */
		for (size_t j = 0; j < all.n; j++)
			if (all.l[j].port == ports.p[i].port && !all.l[j].other_netns &&
			    !check_is_loopback(all.l[j].addr) &&
			    (!fullest || is_fuller(&all.l[j], fullest)))
				fullest = &all.l[j];
		if (fullest) {
			check_queue(c, fullest);
			check_process(c, fullest);
		}
		if (all.n == HOST_MAX_LISTENERS && all.l[all.n - 1].port == ports.p[i].port)
			tell_more_queues(c, ports.p[i].port);
	}
}

static void check_limit(struct check *c)
{
	struct finding out = check_finding(c, CHECK_OK);
	int64_t limit;

	if (!check_sysctl(c, "net.core.somaxconn", &limit))
		return;
	if (limit < 128)
		out.result = CHECK_WARN;
	CHECK_PUT(out.what, "Accept queues are limited to %" PRId64 " connections (somaxconn).",
		  limit);
	CHECK_SHOW(&out, "sysctl net.core.somaxconn");
	if (out.result == CHECK_WARN)
		CHECK_FIX(&out, "sysctl -w net.core.somaxconn=4096");
	check_say(c, &out);
}

void check_load(struct check *c)
{
	const struct check_facts *f = c->facts;
	struct finding out = check_finding(c, CHECK_OK);

	check_queues(c);
	check_limit(c);
	if (f->load_err || f->cpus <= 0) {
		check_unread(c, f->load_err ? f->load_err : -ENOENT, "The load of the CPUs");
		return;
	}
	CHECK_PUT(out.what, "The load average is %.2f, on %ld CPU%s.", f->load, f->cpus,
		  f->cpus == 1 ? "" : "s");
	CHECK_SHOW(&out, "uptime; nproc");
	if (f->load > 2.0 * (double)f->cpus) {
		out.result = CHECK_WARN;
		CHECK_PUT(out.why, "Processes wait for a CPU: answers to checks can come too "
				   "late.");
		CHECK_ADVISE(&out, "Find what uses the CPUs (top), or give the host more of them.");
	}
	check_say(c, &out);
}
