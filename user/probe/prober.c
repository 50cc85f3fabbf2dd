// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The prober: runs in the bottle's thread, is asked by the run's. */
#include "prober.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "leftover.h"

#define SECOND_NS UINT64_C(1000000000)
#define KEPT 1024 /* flows that are remembered: far more than are judged late */

struct kept {
	struct client_seen seen;
	bool ended;
};

struct prober {
	struct bottle *bottle;
	struct bottle_tc *tc;
	struct prober_plan plan;
	int fd;
	/* Below LOCK. */
	pthread_mutex_t lock;
	pthread_cond_t ended; /* on CLOCK_MONOTONIC */
	struct kept kept[KEPT];
	uint64_t flows;
	bool finish, done;
	uint64_t end_ns;
	int err;
};

static bool same_flow(const struct hct_bottle_flow *a, const struct hct_bottle_flow *b)
{
	return a->port == b->port && a->protocol == b->protocol;
}

/* The newest one of FLOW, as ports come again. */
static struct kept *find(struct prober *p, const struct hct_bottle_flow *flow)
{
	uint64_t oldest = p->flows > KEPT ? p->flows - KEPT : 0;

	for (uint64_t i = p->flows; i > oldest; i--)
		if (same_flow(&p->kept[(i - 1) % KEPT].seen.flow, flow))
			return &p->kept[(i - 1) % KEPT];
	return NULL;
}

static void wake_run(struct prober *p)
{
	uint64_t one = 1;
	ssize_t ignored = write(p->fd, &one, sizeof(one)); /* full: it is awake */

	(void)ignored;
}

/* ---- in the bottle's thread ---- */

static int on_begin(void *ctx, const struct hct_bottle_flow *flow)
{
	struct prober *p = ctx;
	struct kept *kept, old;
	bool forget;
	int err;

	pthread_mutex_lock(&p->lock);
	kept = &p->kept[p->flows % KEPT];
	forget = p->flows >= KEPT;
	old = *kept;
	p->flows++;
	*kept = (struct kept){ .seen.flow = *flow };
	forget = forget && !find(p, &old.seen.flow);
	pthread_mutex_unlock(&p->lock);
	if (forget)
		bottle_tc_remove(p->tc, &old.seen.flow);
	err = bottle_tc_add(p->tc, flow);
	return err;
}

static void on_end(void *ctx, const struct client_seen *seen)
{
	struct prober *p = ctx;
	struct kept *kept;

	pthread_mutex_lock(&p->lock);
	kept = find(p, &seen->flow);
	if (kept)
		*kept = (struct kept){ *seen, true };
	pthread_cond_broadcast(&p->ended);
	pthread_mutex_unlock(&p->lock);
	wake_run(p);
}

static bool is_to_finish(struct prober *p)
{
	bool finish;

	pthread_mutex_lock(&p->lock);
	finish = p->finish;
	pthread_mutex_unlock(&p->lock);
	return finish;
}

/* The check of one port. */
struct one_port {
	const struct client *client;
	struct client_check check;
	pthread_t thread;
	bool has_thread;
	int err;
};

static void *run_port(void *ctx)
{
	struct one_port *one = ctx;

	client_run(one->client, &one->check, &one->err);
	return NULL;
}

/* All ports at once: a load balancer's checks do not wait for each other, either. */
static bool run_round(struct prober *p, const struct client *client, int *err)
{
	struct one_port ports[PROBER_MAX_PORTS];

	for (size_t i = 0; i < p->plan.n_ports; i++) {
		ports[i] = (struct one_port){ .client = client, .check = p->plan.check };
		ports[i].check.port = p->plan.ports[i];
		/* a thread is in the namespace of the one that made it */
		ports[i].has_thread = p->plan.n_ports > 1 &&
				      !pthread_create(&ports[i].thread, NULL, run_port, &ports[i]);
		if (!ports[i].has_thread)
			run_port(&ports[i]);
	}
	for (size_t i = 0; i < p->plan.n_ports; i++) {
		if (ports[i].has_thread)
			pthread_join(ports[i].thread, NULL);
		if (ports[i].err)
			*err = ports[i].err;
	}
	return !*err;
}

static void run_all(void *ctx)
{
	struct prober *p = ctx;
	const struct client client = { bottle_stop_fd(p->bottle), on_begin, on_end, p };
	uint64_t next = client_now();
	int err = 0;

	for (uint64_t i = 0; !p->plan.rounds || i < p->plan.rounds; i++) {
		if (is_to_finish(p) || (i && client_wait(&client, -1, 0, next) == -ECANCELED))
			break;
		if (is_to_finish(p) || !run_round(p, &client, &err))
			break;
		next += p->plan.interval_ns;
		if (next < client_now())
			next = client_now();
	}
	pthread_mutex_lock(&p->lock);
	p->done = true;
	p->end_ns = client_now();
	p->err = err == -ECANCELED ? 0 : err;
	pthread_mutex_unlock(&p->lock);
	wake_run(p);
}

/* ---- in the run's thread ---- */

static void init_ended(pthread_cond_t *ended)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(ended, &attr);
	pthread_condattr_destroy(&attr);
}

struct prober *prober_new(struct bottle *bottle, struct bottle_tc *tc,
			  const struct prober_plan *plan)
{
	struct prober *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->fd < 0) {
		free(p);
		return NULL;
	}
	p->bottle = bottle;
	p->tc = tc;
	p->plan = *plan;
	pthread_mutex_init(&p->lock, NULL);
	init_ended(&p->ended);
	return p;
}

void prober_start(struct prober *p)
{
	pthread_mutex_lock(&p->lock);
	p->done = false;
	pthread_mutex_unlock(&p->lock);
	bottle_start(p->bottle, run_all, p);
}

void prober_finish(struct prober *p)
{
	pthread_mutex_lock(&p->lock);
	p->finish = true;
	pthread_mutex_unlock(&p->lock);
}

void prober_end_leftovers(struct prober *p)
{
	for (size_t i = 0; i < KEPT && i < p->flows; i++) {
		const struct client_seen *seen = &p->kept[i].seen;

		if (seen->flow.protocol == IPPROTO_TCP && p->kept[i].ended)
			leftover_end(p->plan.check.from, seen->flow.port, p->plan.check.target,
				     seen->port);
	}
}

void prober_free(struct prober *p)
{
	if (!p)
		return;
	close(p->fd);
	pthread_cond_destroy(&p->ended);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int prober_fd(const struct prober *p)
{
	return p->fd;
}

uint64_t prober_flows(struct prober *p)
{
	uint64_t flows;

	pthread_mutex_lock(&p->lock);
	flows = p->flows;
	pthread_mutex_unlock(&p->lock);
	return flows;
}

bool prober_is_done(struct prober *p, uint64_t *end_ns)
{
	bool done;

	pthread_mutex_lock(&p->lock);
	done = p->done;
	*end_ns = p->end_ns;
	pthread_mutex_unlock(&p->lock);
	return done;
}

int prober_error(struct prober *p)
{
	int err;

	pthread_mutex_lock(&p->lock);
	err = p->err;
	pthread_mutex_unlock(&p->lock);
	return err;
}

bool prober_seen(struct prober *p, const struct hct_bottle_flow *flow, uint64_t patience_ns,
		 struct client_seen *out)
{
	uint64_t until_ns = client_now() + patience_ns;
	const struct timespec until = { .tv_sec = (time_t)(until_ns / SECOND_NS),
					.tv_nsec = (long)(until_ns % SECOND_NS) };
	const struct kept *kept;
	bool ended;

	pthread_mutex_lock(&p->lock);
	/* its place may have been taken by another flow meanwhile */
	while ((kept = find(p, flow)) && !kept->ended)
		if (pthread_cond_timedwait(&p->ended, &p->lock, &until))
			break;
	ended = kept && kept->ended;
	if (ended)
		*out = kept->seen;
	pthread_mutex_unlock(&p->lock);
	return ended;
}

bool prober_has(struct prober *p, const struct hct_bottle_flow *flow)
{
	bool has;

	pthread_mutex_lock(&p->lock);
	has = find(p, flow);
	pthread_mutex_unlock(&p->lock);
	return has;
}
