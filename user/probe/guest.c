// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sender in a live run. */
#include "guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "render/format.h"
#include "render/render_mended.h"
#include "trace/attach_tc.h"

#define LATE_NS 1000000000ULL /* a probe is told so long after its timeout at the latest */

/* ---- the ways ---- */

/*
 * Answers end at every device by which they could leave; requests, where another host is behind
 * it.
 */
static int open_device(const struct guest *g, const struct links *links, const struct link *link)
{
	bool keep = link->ifindex == g->way->port_ifindex || !link_leads_inside(link);

	if (link->type == ARPHRD_LOOPBACK || link->ifindex == bottle_ifindex(g->bottle) ||
	    link_is_passed(links, link))
		return 0;
	return bottle_tc_device_up(g->tc, link->ifindex, keep);
}

static int cannot_redirect(const char *device, int err)
{
	fprintf(stderr,
		"hctrace: cannot send a probe: what leaves by %s cannot be taken back there: "
		"%s%s\n",
		device, strerror(-err),
		err == -EPERM ? "; run it as root" :
		err == -EOPNOTSUPP || err == -EINVAL ? "; its tc does not take programs" : "");
	return EXIT_CANNOT_TRACE;
}

/* What stands between the wire and the points where a probe comes in and its answer turns round. */
static void find_not_met(struct guest *g, const struct links *links)
{
	static const char *const usual[] = { "noqueue", "noop", "pfifo_fast", "mq", "fq_codel",
					     "fq" };
	const struct link *link = links_find(links, g->way->port_ifindex);
	bool odd = link && link->qdisc[0];
	size_t used = 0;

	for (size_t i = 0; odd && i < sizeof(usual) / sizeof(usual[0]); i++)
		odd = strcmp(usual[i], link->qdisc) != 0;
	if (link && link->xdp_driver)
		used += (size_t)snprintf(g->not_met, sizeof(g->not_met),
					 "XDP program in the driver");
	if (link && tc_others_at_egress(link->ifindex))
		used += (size_t)snprintf(g->not_met + used, sizeof(g->not_met) - used,
					 "%sfilters at tc egress", used ? ", " : "");
	if (odd)
		snprintf(g->not_met + used, sizeof(g->not_met) - used, "%sqdisc %.15s",
			 used ? ", " : "", link->qdisc);
}

static int attached(void *ctx)
{
	struct guest *g = ctx;
	struct hct_bottle_config config = { .bottle_ifindex = bottle_ifindex(g->bottle),
					    .real_ifindex = g->way->port_ifindex,
					    .vlan = g->way->vlan };
	struct links links;
	int err, status = 0;

	memcpy(config.addr, g->way->from, sizeof(config.addr));
	memcpy(config.bottle_mac, bottle_mac(g->bottle), sizeof(config.bottle_mac));
	memcpy(config.real_mac, g->way->mac, sizeof(config.real_mac));
	err = bottle_tc_open(&g->tc, &config, g->settings->clsact);
	if (err)
		return cannot_redirect(bottle_device(g->bottle), err);
	g->prober = prober_new(g->bottle, g->tc, &g->plan);
	err = g->prober ? links_read(&links) : -ENOMEM;
	if (err) {
		fprintf(stderr, "hctrace: cannot start: %s\n", strerror(-err));
		return EXIT_CANNOT_TRACE;
	}
	for (size_t i = 0; !status && i < links.n; i++) {
		err = open_device(g, &links, &links.l[i]);
		if (err && err != -ENODEV)
			status = cannot_redirect(links.l[i].name, err);
	}
	find_not_met(g, &links);
	links_free(&links);
	return status;
}

static void device_up(void *ctx, unsigned ifindex)
{
	struct guest *g = ctx;
	const struct link *link;
	struct links links;

	if (!links_read(&links)) {
		link = links_find(&links, ifindex);
		if (link && open_device(g, &links, link)) {
			cannot_redirect(link->name, -EOPNOTSUPP);
			prober_finish(g->prober); /* there is a way out that is not ours */
		}
	}
	links_free(&links);
}

static void device_gone(void *ctx, unsigned ifindex)
{
	const struct guest *g = ctx;

	bottle_tc_device_gone(g->tc, ifindex);
}

/* ---- the run ---- */

static void start(void *ctx)
{
	struct guest *g = ctx;

	g->round_ns = client_now();
	g->next_round_ns = UINT64_MAX;
	g->kept = bottle_tc_count(g->tc, HCT_BOTTLE_KEPT);
	if (g->settings->until_healthy)
		g->before_round = snapshot_take();
	prober_start(g->prober);
}

static int64_t wall_ns(uint64_t monotonic_ns)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * 1000000000LL + wall.tv_nsec +
	       (int64_t)(monotonic_ns - client_now());
}

/* What changed since the look before the last failure: whatever mended it came after that. */
static void tell_mended(const struct guest *g)
{
	struct snapshot *now = g->failures ? snapshot_take() : NULL;
	struct changes changes;
	struct mended mended = { .failed = g->failures,
				 .failed_wall_ns = wall_ns(g->failure_ns),
				 .healthy_wall_ns = wall_ns(g->round_ns) };

	if (now && g->before_failure) {
		changes_find(g->before_failure, now, &changes);
		mended.changes = &changes;
	}
	render_mended(stdout, g->settings, &mended);
	snapshot_free(now);
}

/* A round is over, all of it told.  True: that was the last. */
static bool end_round(struct guest *g)
{
	uint64_t bad = g->failed + g->unknown;

	if (bad == g->failures && g->passed) {
		tell_mended(g);
		g->mended = true;
		return true;
	}
	snapshot_free(g->before_failure);
	g->before_failure = g->before_round;
	g->before_round = NULL;
	g->failures = bad;
	g->failure_ns = g->round_ns;
	g->next_round_ns = g->round_ns + g->plan.interval_ns;
	return false;
}

/* True: no further round. */
static bool go_on(struct guest *g, uint64_t now_ns)
{
	if (g->next_round_ns == UINT64_MAX && end_round(g))
		return true;
	if (now_ns < g->next_round_ns)
		return false;
	start(g);
	return false;
}

static int fd(void *ctx)
{
	const struct guest *g = ctx;

	return prober_fd(g->prober);
}

/* Until when a probe of those sent may still be told; UINT64_MAX while some are being sent. */
static uint64_t last_ns(const struct guest *g)
{
	uint64_t end_ns;

	return prober_is_done(g->prober, &end_ns) ? end_ns + g->settings->timeout_ns + LATE_NS :
						    UINT64_MAX;
}

static bool done(void *ctx, uint64_t now_ns, const struct totals *totals)
{
	struct guest *g = ctx;
	uint64_t last = last_ns(g), flows = prober_flows(g->prober);

	if (last == UINT64_MAX)
		return false;
	if (totals->probes + totals->unfinished < flows) {
		if (now_ns < last)
			return false;
		g->missed = true;
	}
	return !g->settings->until_healthy || g->missed || go_on(g, now_ns);
}

static uint64_t next(void *ctx)
{
	const struct guest *g = ctx;

	return g->next_round_ns < UINT64_MAX ? g->next_round_ns : last_ns(g);
}

static bool is_ours(void *ctx, const struct obs *o)
{
	const struct guest *g = ctx;
	struct hct_bottle_flow flow = { .port = o->tuple.lb_port, .protocol = o->tuple.protocol };

	/* without a tuple, or behind a NAT, it is joined to a flow later, or to none */
	if (o->no_tuple || !o->flow_id)
		return true;
	return memcmp(o->tuple.lb, g->way->from, sizeof(g->way->from)) == 0 &&
	       prober_has(g->prober, &flow);
}

static int status(void *ctx)
{
	const struct guest *g = ctx;
	int err = prober_error(g->prober);

	if (err) {
		fprintf(stderr, "hctrace: cannot send a probe: %s\n", strerror(-err));
		return EXIT_CANNOT_TRACE;
	}
	if (g->mended)
		return EXIT_ALL_HEALTHY;
	if (g->failed || g->unknown)
		return EXIT_SOME_FAILED;
	if (g->passed)
		return EXIT_ALL_HEALTHY;
	if (g->missed)
		fprintf(stderr,
			"hctrace: the probe was sent to %s, but nothing was seen to arrive "
			"there: is the interface up, and is another XDP program attached to "
			"it?\n", g->way->port);
	return EXIT_NOTHING_ARRIVED;
}

static void close_guest(void *ctx)
{
	struct guest *g = ctx;

	/* its connections end while their ways are still there */
	if (g->bottle && g->prober) {
		bottle_stop(g->bottle);
		prober_end_leftovers(g->prober);
	}
	bottle_close(g->bottle);
	bottle_tc_close(g->tc);
	g->bottle = NULL;
	g->tc = NULL;
}

struct live_guest guest_functions(struct guest *g)
{
	return (struct live_guest){ .ctx = g,
				    .attached = attached,
				    .device_up = device_up,
				    .device_gone = device_gone,
				    .start = start,
				    .fd = fd,
				    .done = done,
				    .next = next,
				    .is_ours = is_ours,
				    .judge = guest_judge,
				    .status = status,
				    .close = close_guest };
}

void guest_close(struct guest *g)
{
	close_guest(g);
	prober_free(g->prober);
	snapshot_free(g->before_failure);
	snapshot_free(g->before_round);
}
