// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The running host's answers: each question to its reader. */
#include "host_live.h"

#include <errno.h>
#include <stdlib.h>

#include "firewall/chains.h"
#include "address_netns.h"
#include "condition.h"
#include "devices.h"
#include "forward_route.h"
#include "gateway.h"
#include "listeners.h"
#include "netns.h"
#include "process.h"
#include "routes.h"
#include "firewall/rule_reading.h"
#include "socket_unit.h"
#include "sysctl.h"
#include "wrappers.h"

struct live {
	struct process_sockets *sockets;
	struct rule_reading *rules;
	struct throttled throttled;
};

static int live_listeners(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	struct live *l = ctx;

	return listeners_find(l->sockets, protocol, port, out);
}

static int live_listeners_in(void *ctx, uint32_t netns, uint8_t protocol, uint16_t port,
			     struct host_listeners *out)
{
	struct live *l = ctx;

	return listeners_find_in(l->sockets, netns, protocol, port, out);
}

static int live_route_back(void *ctx, const uint8_t target[16], const uint8_t lb[16],
			   struct host_route *out)
{
	return routes_back(target, lb, out);
}

static int live_gateway(void *ctx, const uint8_t target[16], const uint8_t lb[16],
			const char *device, struct host_gateway *out)
{
	return gateway_find(target, lb, device, out);
}

static int live_forward_route(void *ctx, const uint8_t lb[16], const uint8_t target[16],
			      const char *device, uint32_t mark, struct host_forward_route *out)
{
	return forward_route_find(lb, target, device, mark, out);
}

static int live_wrappers(void *ctx, uint32_t pid, const char *daemon, const uint8_t client[16],
			 struct host_wrappers *out)
{
	return wrappers_read(pid, daemon, client, out);
}

static int live_chains(void *ctx, bool ipv6, const char *hook, struct host_chains *out)
{
	return chains_read(ipv6, hook, out);
}

static int live_rules(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	struct live *l = ctx;

	return rule_reading_rules(l->rules, packet, out);
}

static int live_rule(void *ctx, uint32_t netns, const char *family, const char *table,
		     const char *chain, uint64_t handle, struct host_rule *out)
{
	struct live *l = ctx;

	return rule_reading_rule(l->rules, netns, family, table, chain, handle, out);
}

static int live_sysctl(void *ctx, const char *name, int64_t *out)
{
	return sysctl_read(name, out);
}

static int live_devices(void *ctx, struct host_devices *out)
{
	return devices_read(out);
}

static int live_owner(void *ctx, const struct hct_tuple *tuple, struct host_process *out)
{
	struct live *l = ctx;

	return listeners_owner(l->sockets, tuple, out);
}

static int live_netns_name(void *ctx, uint32_t netns, char out[64])
{
	return netns_name(netns, out);
}

static int live_condition(void *ctx, uint32_t pid, struct host_condition *out)
{
	struct live *l = ctx;

	return condition_read(&l->throttled, pid, out);
}

static int live_address_netns(void *ctx, const uint8_t addr[16], uint32_t *out)
{
	return address_netns_find(addr, out);
}

static int live_socket_unit(void *ctx, uint16_t port, char out[64])
{
	return socket_unit_find(port, out);
}

static const struct host_ops live_ops = {
	.listeners = live_listeners,
	.listeners_in = live_listeners_in,
	.route_back = live_route_back,
	.gateway = live_gateway,
	.forward_route = live_forward_route,
	.wrappers = live_wrappers,
	.chains = live_chains,
	.rules = live_rules,
	.rule = live_rule,
	.sysctl = live_sysctl,
	.devices = live_devices,
	.owner = live_owner,
	.netns_name = live_netns_name,
	.condition = live_condition,
	.address_netns = live_address_netns,
	.socket_unit = live_socket_unit,
};

static void free_live(struct live *l)
{
	if (!l)
		return;
	process_sockets_free(l->sockets);
	rule_reading_free(l->rules);
	free(l);
}

int host_live_open(struct host *out)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->sockets = process_sockets_new();
	l->rules = rule_reading_new();
	if (!l->sockets || !l->rules) {
		free_live(l);
		return -ENOMEM;
	}
	*out = (struct host){ .ops = &live_ops, .ctx = l };
	return 0;
}

void host_live_close(struct host *host)
{
	if (!host)
		return;
	free_live(host->ctx);
	*host = (struct host){ 0 };
}
