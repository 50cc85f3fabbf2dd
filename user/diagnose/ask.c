// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Questions to a host that may be absent or answer only some. */
#include "ask.h"

#include <errno.h>
#include <string.h>

int ask_listeners(const struct host *h, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->listeners)
		return -ENODATA;
	return h->ops->listeners(h->ctx, protocol, port, out);
}

int ask_listeners_in(const struct host *h, uint32_t netns, uint8_t protocol, uint16_t port,
		     struct host_listeners *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->listeners_in)
		return -ENODATA;
	return h->ops->listeners_in(h->ctx, netns, protocol, port, out);
}

int ask_route_back(const struct host *h, const uint8_t target[16], const uint8_t lb[16],
		   struct host_route *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->route_back)
		return -ENODATA;
	return h->ops->route_back(h->ctx, target, lb, out);
}

int ask_gateway(const struct host *h, const uint8_t target[16], const uint8_t lb[16],
		const char *device, struct host_gateway *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->gateway)
		return -ENODATA;
	return h->ops->gateway(h->ctx, target, lb, device, out);
}

int ask_forward_route(const struct host *h, const uint8_t lb[16], const uint8_t target[16],
		      const char *device, uint32_t mark, struct host_forward_route *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->forward_route)
		return -ENODATA;
	return h->ops->forward_route(h->ctx, lb, target, device, mark, out);
}

int ask_wrappers(const struct host *h, uint32_t pid, const char *daemon, const uint8_t client[16],
		 struct host_wrappers *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->wrappers)
		return -ENODATA;
	return h->ops->wrappers(h->ctx, pid, daemon, client, out);
}

int ask_chains(const struct host *h, bool ipv6, const char *hook, struct host_chains *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->chains)
		return -ENODATA;
	return h->ops->chains(h->ctx, ipv6, hook, out);
}

int ask_rules(const struct host *h, const struct host_packet *packet, struct host_rules *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->rules)
		return -ENODATA;
	return h->ops->rules(h->ctx, packet, out);
}

int ask_rule(const struct host *h, uint32_t netns, const char *family, const char *table,
	     const char *chain, uint64_t handle, struct host_rule *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->rule)
		return -ENODATA;
	return h->ops->rule(h->ctx, netns, family, table, chain, handle, out);
}

int ask_sysctl(const struct host *h, const char *name, int64_t *out)
{
	*out = 0;
	if (!h || !h->ops || !h->ops->sysctl)
		return -ENODATA;
	return h->ops->sysctl(h->ctx, name, out);
}

int ask_devices(const struct host *h, struct host_devices *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->devices)
		return -ENODATA;
	return h->ops->devices(h->ctx, out);
}

int ask_owner(const struct host *h, const struct hct_tuple *tuple, struct host_process *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->owner)
		return -ENODATA;
	return h->ops->owner(h->ctx, tuple, out);
}

int ask_netns_name(const struct host *h, uint32_t netns, char out[64])
{
	out[0] = '\0';
	if (!h || !h->ops || !h->ops->netns_name)
		return -ENODATA;
	return h->ops->netns_name(h->ctx, netns, out);
}

int ask_condition(const struct host *h, uint32_t pid, struct host_condition *out)
{
	memset(out, 0, sizeof(*out));
	if (!h || !h->ops || !h->ops->condition)
		return -ENODATA;
	return h->ops->condition(h->ctx, pid, out);
}

int ask_address_netns(const struct host *h, const uint8_t addr[16], uint32_t *out)
{
	*out = 0;
	if (!h || !h->ops || !h->ops->address_netns)
		return -ENODATA;
	return h->ops->address_netns(h->ctx, addr, out);
}

int ask_socket_unit(const struct host *h, uint16_t port, char out[64])
{
	out[0] = '\0';
	if (!h || !h->ops || !h->ops->socket_unit)
		return -ENODATA;
	return h->ops->socket_unit(h->ctx, port, out);
}
