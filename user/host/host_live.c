// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The running host's answers: each question to its reader. */
#include "host_live.h"

#include <errno.h>

#include "chains.h"
#include "devices.h"
#include "listeners.h"
#include "netns.h"
#include "process.h"
#include "routes.h"
#include "sysctl.h"
#include "wrappers.h"

static int live_listeners(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	return listeners_find(ctx, protocol, port, out);
}

static int live_listeners_in(void *ctx, uint32_t netns, uint8_t protocol, uint16_t port,
			     struct host_listeners *out)
{
	return listeners_find_in(ctx, netns, protocol, port, out);
}

static int live_route_back(void *ctx, const uint8_t target[16], const uint8_t lb[16],
			   struct host_route *out)
{
	return routes_back(target, lb, out);
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
	return listeners_owner(ctx, tuple, out);
}

static int live_netns_name(void *ctx, uint32_t netns, char out[64])
{
	return netns_name(netns, out);
}

static const struct host_ops live_ops = {
	.listeners = live_listeners,
	.listeners_in = live_listeners_in,
	.route_back = live_route_back,
	.wrappers = live_wrappers,
	.chains = live_chains,
	.sysctl = live_sysctl,
	.devices = live_devices,
	.owner = live_owner,
	.netns_name = live_netns_name,
};

int host_live_open(struct host *out)
{
	struct process_sockets *sockets = process_sockets_new();

	if (!sockets)
		return -ENOMEM;
	*out = (struct host){ .ops = &live_ops, .ctx = sockets };
	return 0;
}

void host_live_close(struct host *host)
{
	if (!host)
		return;
	process_sockets_free(host->ctx);
	*host = (struct host){ 0 };
}
