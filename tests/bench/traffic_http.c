// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * traffic_http: requests from many addresses of one namespace, as a load
 * balancer's nodes route them.  See usage().
 *
 * A fixed amount of work.  At full speed each connection asks as soon as it was
 * answered; with a rate, request N is due N/rate after the start, and its
 * latency counts from then, however late it left (no coordinated omission).
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define MAX_CONNECTIONS 4096
#define SILENCE 3.0 /* seconds; nothing came for that long: the rest is lost */

struct connection {
	int fd; /* -1: closed */
	bool connecting, waiting; /* for an answer … */
	bool begun; /* … of which some came */
	unsigned asked; /* requests on this connection */
	double due; /* of the request under way */
};

static struct {
	const char *from; /* namespace */
	uint32_t source; /* the first of n_sources; 0: what the kernel takes */
	unsigned n_sources;
	struct sockaddr_in target;
	unsigned connections, per_connection;
	unsigned long count; /* requests */
	double rate; /* requests a second; 0: as fast as it goes */
	const char *path, *header;
} task = { .connections = 32, .per_connection = 1, .count = 10000, .path = "/", .header = "" };

static struct {
	int epoll;
	double start;
	unsigned long opened, begun, done, failed;
	double *latency;
	char request[2][1024]; /* the last one of a connection closes it */
	size_t length[2];
} run;

static void usage(void)
{
	fprintf(stderr, "usage: traffic_http [options] FROM TARGET PORT\n"
			"  --source A/N      from the N addresses that begin with A\n"
			"  --connections N   at a time\n"
			"  --per-connection N  requests; the last one asks to close\n"
			"  --count N         requests in all\n"
			"  --rate N          requests a second; default: as fast as it goes\n"
			"  --path PATH, --header LINE\n");
	exit(2);
}

static void set_source(char *text)
{
	char *slash = strchr(text, '/');

	if (slash)
		*slash = '\0';
	task.source = ntohl(traffic_ipv4(text));
	task.n_sources = slash ? (unsigned)traffic_number(slash + 1) : 1;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "source", 1, NULL, 'a' },
		{ "connections", 1, NULL, 'c' }, { "per-connection", 1, NULL, 'p' },
		{ "count", 1, NULL, 'n' }, { "rate", 1, NULL, 'r' },
		{ "path", 1, NULL, 'P' }, { "header", 1, NULL, 'H' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'a': set_source(optarg); break;
		case 'c': task.connections = (unsigned)traffic_number(optarg); break;
		case 'p': task.per_connection = (unsigned)traffic_number(optarg); break;
		case 'n': task.count = traffic_number(optarg); break;
		case 'r': task.rate = (double)traffic_number(optarg); break;
		case 'P': task.path = optarg; break;
		case 'H': task.header = optarg; break;
		default: usage();
		}
	}
	if (argc - optind != 3 || !task.connections || task.connections > MAX_CONNECTIONS ||
	    !task.per_connection || !task.count)
		usage();
	task.from = argv[optind];
	task.target.sin_family = AF_INET;
	task.target.sin_addr.s_addr = traffic_ipv4(argv[optind + 1]);
	task.target.sin_port = htons((uint16_t)traffic_number(argv[optind + 2]));
}

static void compose(void)
{
	for (int last = 0; last < 2; last++)
		run.length[last] = (size_t)snprintf(run.request[last], sizeof(run.request[0]),
						    "GET %s HTTP/1.1\r\nHost: 192.168.0.10\r\n"
						    "User-Agent: bench\r\n%s%s%s\r\n", task.path,
						    task.header, *task.header ? "\r\n" : "",
						    last ? "Connection: close\r\n" : "");
}

/* ---- a connection ---- */

static void start_connection(struct connection *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		traffic_die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (task.source) {
		struct sockaddr_in own = { .sin_family = AF_INET };

		own.sin_addr.s_addr = htonl(task.source + (uint32_t)(run.opened % task.n_sources));
		setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		if (bind(c->fd, (struct sockaddr *)&own, sizeof(own)))
			traffic_die("bind");
	}
	run.opened++;
	c->asked = 0;
	c->connecting = true;
	if (connect(c->fd, (struct sockaddr *)&task.target, sizeof(task.target)) &&
	    errno != EINPROGRESS)
		traffic_die("connect");
	if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, c->fd, &event))
		traffic_die("epoll_ctl");
}

static void end_connection(struct connection *c)
{
	close(c->fd);
	c->fd = -1;
	c->waiting = false;
	c->connecting = false;
}

static void ask(struct connection *c)
{
	bool last = ++c->asked == task.per_connection;

	c->begun = false;
	if (write(c->fd, run.request[last], run.length[last]) == (ssize_t)run.length[last])
		return;
	run.failed++;
	run.done++;
	end_connection(c);
}

/* The next request begins, on C, which has none under way. */
static void begin(struct connection *c)
{
	double now = traffic_now();

	c->due = task.rate > 0 ? run.start + (double)run.begun / task.rate : now;
	run.begun++;
	c->waiting = true;
	if (c->fd < 0)
		start_connection(c);
	else
		ask(c);
}

static bool is_due(void)
{
	return run.begun < task.count &&
	       (task.rate <= 0 || run.start + (double)run.begun / task.rate <= traffic_now());
}

static void answered(struct connection *c)
{
	run.latency[run.done - run.failed] = traffic_now() - c->due;
	run.done++;
	c->waiting = false;
	if (c->asked == task.per_connection)
		end_connection(c);
	if (is_due())
		begin(c);
}

/* Answers are short: one read has one whole, or (of the last one) its end is the connection's. */
static void on_event(struct connection *c, uint32_t events)
{
	char answer[2048];
	bool failed = false;
	ssize_t n;

	if (c->fd < 0)
		return;
	if (c->connecting && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
		c->connecting = false;
		if (events & EPOLLERR)
			failed = true;
		else if (c->waiting)
			ask(c);
	}
	while (!failed && c->fd >= 0 && (n = read(c->fd, answer, sizeof(answer))) != 0) {
		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return;
			failed = true;
		} else if (c->waiting && c->asked < task.per_connection) {
			answered(c);
			return;
		} else {
			c->begun = true;
		}
	}
	if (c->fd < 0)
		return;
	if (!failed && c->waiting && c->begun) {
		answered(c); /* after the last answer came the end */
		return;
	}
	if (c->waiting) {
		run.failed++;
		run.done++;
	}
	end_connection(c);
	if (is_due())
		begin(c);
}

/* ---- all of them ---- */

/* Seconds until the next request is due; so long as none is, until silence means loss. */
static double until_due(void)
{
	double left;

	if (task.rate <= 0 || run.begun >= task.count)
		return SILENCE;
	left = run.start + (double)run.begun / task.rate - traffic_now();
	return left < 0 ? 0 : left;
}

static void work(struct connection *all)
{
	struct epoll_event ready[64];
	struct timespec wait;
	unsigned next = 0;
	double seconds;
	int n;

	while (run.done < task.count) {
		/* those that rest, in turn, take what is due */
		for (unsigned looked = 0; looked < task.connections && is_due(); looked++) {
			struct connection *c = &all[next++ % task.connections];

			if (!c->waiting)
				begin(c);
		}
		seconds = until_due();
		wait.tv_sec = (time_t)seconds;
		wait.tv_nsec = (long)((seconds - (double)wait.tv_sec) * 1e9);
		n = epoll_pwait2(run.epoll, ready, 64, &wait, NULL);
		if (n == 0 && seconds >= SILENCE) {
			run.failed += task.count - run.done;
			return;
		}
		for (int i = 0; i < n; i++)
			on_event(ready[i].data.ptr, ready[i].events);
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile_us(unsigned long n, double share)
{
	return n ? run.latency[(unsigned long)((double)(n - 1) * share)] * 1e6 : 0;
}

int main(int argc, char **argv)
{
	struct connection *all;
	unsigned long answers;
	double seconds;

	parse(argc, argv);
	compose();
	traffic_enter(task.from);
	traffic_pin(0);
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	run.latency = calloc(task.count, sizeof(*run.latency));
	all = calloc(task.connections, sizeof(*all));
	if (!all || !run.latency)
		traffic_die("memory");
	for (unsigned i = 0; i < task.connections; i++)
		all[i].fd = -1;
	run.start = traffic_now();
	work(all);
	seconds = traffic_now() - run.start;
	answers = run.done - run.failed;
	qsort(run.latency, answers, sizeof(*run.latency), ascending);
	printf("{\"requests\": %lu, \"connections\": %lu, \"failed\": %lu, \"seconds\": %.6f, "
	       "\"p50_us\": %.1f, \"p99_us\": %.1f}\n", answers, run.opened, run.failed, seconds,
	       percentile_us(answers, 0.5), percentile_us(answers, 0.99));
	return 0;
}
