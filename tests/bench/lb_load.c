// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * lb_load: plays thousands of nodes of a load balancer, in the network namespace
 * that it is started in, whose local addresses the nodes' must be (`ip route add
 * local PREFIX dev lo` makes them so).  Says of every probe what was seen of it.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load_probe.h"
#include "load_raw.h"

#define MIN_TICK_NS 200000 /* what is due within is sent at once */
#define AT_ONCE 256 /* probes started before those in flight are looked at */
#define OTHER_FDS 32

static const char usage[] =
	"Usage: lb_load [OPTION]... KIND,ADDR,PORT[-PORT][,timeout=MS][,from=PREFIX]...\n"
	"  -f, --from PREFIX   the nodes' addresses (100.125.0.0/16)\n"
	"  -n, --nodes N       so many of them (1000)\n"
	"  -r, --rate N        probes a second (1000)\n"
	"  -c, --count N       probes in all (1000)\n"
	"      --first N       number of the first: another run's probes have other sources\n"
	"  -p, --path PATH     what HTTP probes ask for (/health)\n"
	"  -t, --truth FILE    a line a probe\n"
	"KIND: tcp, http, udp, echo, syn\n";

struct run {
	struct load_plan plan;
	struct load_truth truth;
	struct load_probes *probes;
	struct load_raw *raw;
	FILE *truth_file;
	uint64_t next, start_ns, sent_ns;
	int epoll, timer, signals;
	bool stop;
};

static int parse_options(struct run *r, int argc, char **argv)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' }, { "nodes", required_argument, NULL, 'n' },
		{ "rate", required_argument, NULL, 'r' }, { "count", required_argument, NULL, 'c' },
		{ "first", required_argument, NULL, 'F' }, { "path", required_argument, NULL, 'p' },
		{ "truth", required_argument, NULL, 't' }, { 0 },
	};
	struct load_plan *plan = &r->plan;
	int option, err = load_prefix("100.125.0.0/16", &plan->from, &plan->from_len);

	plan->n_nodes = plan->rate = 1000;
	plan->count = 1000;
	plan->path = "/health";
	while (!err && (option = getopt_long(argc, argv, "f:n:r:c:p:t:", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			err = load_prefix(optarg, &plan->from, &plan->from_len);
			break;
		case 'n':
			plan->n_nodes = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			plan->rate = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			plan->count = strtoull(optarg, NULL, 10);
			break;
		case 'F':
			plan->first = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			plan->path = optarg;
			break;
		case 't':
			r->truth_file = fopen(optarg, "we");
			err = r->truth_file ? 0 : -errno;
			break;
		default:
			err = -EINVAL;
		}
	}
	for (int i = optind; i < argc && !err; i++)
		err = load_plan_add(plan, argv[i]);
	if (!err)
		err = load_plan_close(plan);
	return !err && !plan->rate ? -EINVAL : err;
}

/* As many as may be; root without CAP_SYS_RESOURCE cannot have more than the hard limit. */
static unsigned raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > OTHER_FDS ? (unsigned)(limit.rlim_cur - OTHER_FDS) : 0;
}

static void on_raw_sent(void *ctx, uint64_t i, bool taken)
{
	struct run *r = ctx;
	struct load_source from;
	const struct load_target *t = load_plan_probe(&r->plan, i, &from);
	uint64_t now = load_now_ns();

	load_truth_tell(&r->truth, t, &from, taken ? SEEN_SENT : SEEN_NOT_SENT, now, now);
}

static int watch(struct run *r, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static int open_run(struct run *r)
{
	uint64_t tick = 1000000000 / r->plan.rate;
	struct itimerspec every;
	sigset_t set;
	int err = load_probes_open(&r->probes, &r->plan, &r->truth, raise_descriptors());

	if (!err)
		err = load_raw_open(&r->raw, &r->plan, on_raw_sent, r);
	if (err)
		return err;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->signals < 0 || r->epoll < 0 || r->timer < 0)
		return -errno;
	if (tick < MIN_TICK_NS)
		tick = MIN_TICK_NS;
	every.it_interval = (struct timespec){ .tv_sec = (time_t)(tick / 1000000000),
					       .tv_nsec = (long)(tick % 1000000000) };
	every.it_value = every.it_interval;
	if (timerfd_settime(r->timer, 0, &every, NULL))
		return -errno;
	err = watch(r, r->timer);
	if (!err)
		err = watch(r, r->signals);
	return err ? err : watch(r, load_probes_fd(r->probes));
}

static uint64_t due(const struct run *r, uint64_t now)
{
	uint64_t n = (uint64_t)((double)(now - r->start_ns) * r->plan.rate / 1e9) + 1;

	return n < r->plan.count ? n : r->plan.count;
}

static void start_due(struct run *r)
{
	uint64_t until = due(r, load_now_ns());

	for (int n = 0; r->next < until && n < AT_ONCE; n++) {
		struct load_source from;
		uint64_t i = r->next++;

		if (load_plan_probe(&r->plan, i, &from)->kind == LOAD_SYN)
			load_raw_syn(r->raw, i);
		else
			load_probes_start(r->probes, i);
	}
	load_raw_flush(r->raw);
	if (r->next == r->plan.count && !r->sent_ns)
		r->sent_ns = load_now_ns();
}

static void loop(struct run *r)
{
	r->start_ns = load_now_ns();
	while (!r->stop && (!r->sent_ns || load_probes_in_flight(r->probes))) {
		struct epoll_event ready[3];
		uint64_t ticks;
		int n;

		start_due(r);
		/* behind its time it does not wait, but looks after those in flight */
		n = epoll_wait(r->epoll, ready, 3,
			       !r->sent_ns && r->next < due(r, load_now_ns()) ? 0 : -1);
		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == r->signals)
				r->stop = true;
			else if (ready[i].data.fd == r->timer &&
				 read(r->timer, &ticks, sizeof(ticks)) < 0 && errno != EAGAIN)
				r->stop = true;
		}
		load_probes_run(r->probes);
	}
}

int main(int argc, char **argv)
{
	struct run r = { .epoll = -1, .timer = -1, .signals = -1 };
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no load behind */
	err = parse_options(&r, argc, argv);
	if (err) {
		if (err != -EINVAL)
			fprintf(stderr, "lb_load: %s\n", strerror(-err));
		fputs(usage, stderr);
		return 2;
	}
	load_truth_start(&r.truth, r.truth_file);
	err = open_run(&r);
	if (err) {
		fprintf(stderr, "lb_load: cannot start: %s\n", strerror(-err));
		goto cleanup;
	}
	loop(&r);
	load_truth_sum(&r.truth, stdout, (r.sent_ns ? r.sent_ns : load_now_ns()) - r.start_ns);
cleanup:
	if (r.truth_file && fclose(r.truth_file)) {
		perror("lb_load: truth");
		err = -EIO;
	}
	load_raw_close(r.raw);
	load_probes_close(r.probes);
	load_plan_free(&r.plan);
	return err ? 1 : 0;
}
