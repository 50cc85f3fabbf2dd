// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace probe: a check from the range, through this host, with nothing leaving it. */
#include "cmd_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "enter_netns.h"
#include "host/host_live.h"
#include "host/listener_fit.h"
#include "presets.h"
#include "probe/gnutls_late.h"
#include "probe/guest.h"
#include "probe/neighbour.h"
#include "render/format.h"
#include "run_live.h"

/* Kinds of checks, by what --protocol calls them. */
static const struct {
	const char *name;
	enum client_kind kind;
	unsigned protocols; /* that its flows have */
	uint8_t listens; /* what a service of it listens with */
} kinds[] = {
	{ "tcp", CLIENT_TCP, HCT_PROTO_TCP, IPPROTO_TCP },
	{ "http", CLIENT_HTTP, HCT_PROTO_TCP, IPPROTO_TCP },
	{ "https", CLIENT_HTTPS, HCT_PROTO_TCP, IPPROTO_TCP },
	{ "udp", CLIENT_UDP, HCT_PROTO_UDP | HCT_PROTO_ICMP, IPPROTO_UDP },
	{ "icmp", CLIENT_ICMP, HCT_PROTO_ICMP, 0 },
};

static size_t kind_of(const struct settings *s)
{
	size_t i = 0;

	while (strcmp(kinds[i].name, s->check) != 0)
		i++;
	return i;
}

/* By whatever device it may come. */
static bool takes(const struct host_listener *l, const uint8_t target[16])
{
	static const struct arrival any;

	return !l->other_netns && listener_fit(l, target, &any) == LISTENER_TAKES;
}

static void add_port(struct prober_plan *plan, uint16_t port)
{
	for (size_t i = 0; i < plan->n_ports; i++)
		if (plan->ports[i] == port)
			return;
	if (port && plan->n_ports < PROBER_MAX_PORTS)
		plan->ports[plan->n_ports++] = port;
}

/* Every port on which something listens where the target's clients can reach it. */
static int find_ports(struct prober_plan *plan, uint8_t protocol)
{
	struct host host = { 0 };
	struct host_listeners all;
	int err = host_live_open(&host);

	if (!err)
		err = host.ops->listeners(host.ctx, protocol, 0, &all);
	if (host.ops)
		host_live_close(&host);
	if (err) {
		fprintf(stderr, "hctrace: who listens could not be read: %s; name a --port\n",
			strerror(-err));
		return EXIT_CANNOT_TRACE;
	}
	for (size_t i = 0; i < all.n; i++)
		if (takes(&all.l[i], plan->check.target))
			add_port(plan, all.l[i].port);
	if (plan->n_ports)
		return 0;
	fprintf(stderr, "hctrace: nothing listens on this host where a load balancer could reach "
			"it; to probe nevertheless, name a --port\n");
	return EXIT_NOTHING_ARRIVED;
}

/* What is to be sent.  HOST is room for the request's Host. */
static int make_plan(struct guest *g, const struct settings *s, char host[ENDPOINT_TEXT_LEN])
{
	size_t kind = kind_of(s);
	struct prober_plan *plan = &g->plan;
	struct client_check *check = &plan->check;

	check->kind = kinds[kind].kind;
	memcpy(check->from, g->way->from, sizeof(check->from));
	memcpy(check->target, g->way->target, sizeof(check->target));
	check->manner = client_manner(s->preset->name);
	check->path = s->path ? s->path : "/";
	check->host = s->host ? s->host : format_endpoint(host, check->target, 0);
	check->server_name = s->host;
	check->timeout_ns = s->timeout_ns;
	plan->interval_ns = s->interval_ns;
	plan->rounds = s->count ? s->count : s->duration_ns && !s->until_healthy ? 0 : 1;
	for (size_t i = 0; i < s->n_ports; i++)
		add_port(plan, s->ports[i]);
	if (check->kind == CLIENT_ICMP) {
		plan->n_ports = 1; /* one that nobody reads */
		return 0;
	}
	return plan->n_ports ? 0 : find_ports(plan, kinds[kind].listens);
}

/* The settings with which the probes are followed: S, narrowed to them. */
static void follow_only(struct settings *out, const struct settings *s, const struct guest *g,
			struct probe_from *from)
{
	char addr[ADDR_TEXT_LEN];

	*out = *s;
	memcpy(from->alone.addr, g->way->from, sizeof(from->alone.addr));
	from->alone.len = 128;
	snprintf(from->device, sizeof(from->device), "%s", bottle_device(g->bottle));
	snprintf(from->port, sizeof(from->port), "%s", g->way->port);
	out->probe_from = from;
	out->protocols = kinds[kind_of(s)].protocols;
	out->expect_http = g->plan.check.kind == CLIENT_HTTP || g->plan.check.kind == CLIENT_HTTPS;
	out->all_traffic = true; /* no request of ours is anybody else's */
	out->count = 0; /* of checks, of which one can be two probes */
	out->n_interfaces = 0; /* the answer may take any */
	out->n_ports = 0;
	if (out->interval_ns < s->timeout_ns)
		out->interval_ns = s->timeout_ns;
	for (size_t i = 0; g->plan.n_ports <= MAX_PORTS && i < g->plan.n_ports; i++)
		if (g->plan.ports[i])
			out->ports[out->n_ports++] = g->plan.ports[i];
	snprintf(out->from_text, sizeof(out->from_text), "%s, sent by hctrace itself into %s,",
		 format_addr(addr, g->way->from), g->way->port);
}

static bool cannot_speak(const struct settings *s)
{
	if (kinds[kind_of(s)].kind != CLIENT_HTTPS || gnutls_late())
		return false;
	fprintf(stderr, "hctrace: an https check needs GnuTLS 3 (libgnutls.so.30; Debian's package is "
			"libgnutls30): install it, or try --protocol tcp\n");
	return true;
}

static int open_bottle(struct guest *g)
{
	int err = bottle_open(&g->bottle, g->way->from,
			      g->way->has_gateway_mac ? g->way->gateway_mac : NULL);

	if (!err)
		return 0;
	if (err == -EPERM)
		fprintf(stderr, "hctrace: cannot make a network namespace: no permission; run it "
				"as root\n");
	else if (err == -EOPNOTSUPP)
		fprintf(stderr, "hctrace: cannot make a veth pair: this kernel has no veth "
				"devices\n");
	else
		fprintf(stderr, "hctrace: cannot make a namespace to probe from: %s\n",
			strerror(-err));
	return EXIT_CANNOT_TRACE;
}

#define ADDRESSES 8 /* tries for one that no host of the subnet has */

static int find_way(struct way *way, const struct settings *s)
{
	for (int i = 0; i < ADDRESSES; i++) {
		int status = way_find(way, s);

		if (status || !neighbour_has_address(way))
			return status;
		way_close(way);
	}
	fprintf(stderr, "hctrace: other hosts have the addresses of %s that were tried; name one "
			"that is free with --from\n", s->from_text);
	return EXIT_CANNOT_TRACE;
}

static int enter_neighbour(struct neighbour **out, const struct guest *g)
{
	int err = neighbour_open(out, g->way, bottle_mac(g->bottle));

	if (err)
		fprintf(stderr, "hctrace: cannot take %s for a neighbour: %s\n",
			g->settings->from_text, strerror(-err));
	return err ? EXIT_CANNOT_TRACE : 0;
}

int cmd_probe(const struct settings *settings)
{
	struct settings narrowed;
	struct probe_from from;
	struct way way = { .lock = -1 };
	struct guest guest = { .settings = &narrowed, .way = &way };
	struct live_guest functions = guest_functions(&guest);
	const struct live_view view = { .renderer = settings->json ? &render_json : &render_text,
					.out = stdout, .guest = &functions };
	struct neighbour *neighbour = NULL;
	char host[ENDPOINT_TEXT_LEN];
	int status = EXIT_CANNOT_TRACE;

	if (enter_netns(settings) || cannot_speak(settings))
		return status;
	neighbour_sweep();
	status = find_way(&way, settings);
	if (!status)
		status = make_plan(&guest, settings, host);
	if (!status)
		status = open_bottle(&guest);
	if (!status) {
		follow_only(&narrowed, settings, &guest, &from);
		status = enter_neighbour(&neighbour, &guest);
	}
	if (!status)
		status = run_live(&narrowed, &view);
	guest_close(&guest);
	neighbour_close(neighbour);
	way_close(&way);
	return status;
}
