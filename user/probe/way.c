// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which device a probe of a target comes in by. */
#include "way.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bottle_addr.h"
#include "host/addresses.h"
#include "host/netlink.h"
#include "host/routes.h"
#include "render/format.h"

static bool has_family(const struct settings *s, bool v6)
{
	for (size_t i = 0; i < s->n_from; i++)
		if (address_is_ipv6(s->from[i].addr) == v6)
			return true;
	return false;
}

/* Would somebody outside reach LINK's addresses?  Those of what is inside this host come last. */
static int rank(const struct links *links, const char *device)
{
	const struct link *link = links_by_name(links, device);
	uint16_t vlan;

	if (!link || link->type == ARPHRD_LOOPBACK || !link->up)
		return 0;
	if (strcmp(link->kind, "dummy") == 0)
		return 1;
	if (strcmp(link->kind, "bridge") == 0 &&
	    link_leads_inside(link_from_outside(links, link, NULL, &vlan)))
		return 2;
	return 3;
}

/* The address that a load balancer would have been told: on the way back to it, or the first. */
static int choose_target(struct way *w, const struct settings *s, const struct links *links)
{
	struct host_addresses addresses;
	struct host_route back;
	int best = 0, err = addresses_read(&addresses);

	if (err)
		return err;
	for (size_t i = 0; i < addresses.n; i++) {
		const struct host_address *a = &addresses.a[i];
		int value = rank(links, a->device) * 2;

		if (!a->global || !value || !has_family(s, address_is_ipv6(a->addr)))
			continue;
		if (s->n_interfaces && strcmp(s->interfaces[0], a->device) != 0)
			continue;
		if (address_is_ipv6(a->addr) == address_is_ipv6(s->from[0].addr) &&
		    !routes_back(a->addr, s->from[0].addr, &back) && !back.err &&
		    strcmp(back.device, a->device) == 0)
			value++;
		if (value > best) {
			best = value;
			memcpy(w->target, a->addr, sizeof(w->target));
		}
	}
	return best ? 0 : -EADDRNOTAVAIL;
}

/* The device that has the address W->target; "": none. */
static void holder_of(const uint8_t addr[16], char device[IF_NAMESIZE])
{
	struct host_addresses addresses;

	device[0] = '\0';
	if (addresses_read(&addresses))
		return;
	for (size_t i = 0; i < addresses.n; i++)
		if (memcmp(addresses.a[i].addr, addr, 16) == 0)
			snprintf(device, IF_NAMESIZE, "%s", addresses.a[i].device);
}

/* The device by which this host would send to ADDR, "" none; and the next hop. */
static void route_to(const uint8_t from[16], const uint8_t addr[16], struct host_route *route)
{
	if (routes_back(from, addr, route) || route->err)
		memset(route, 0, sizeof(*route));
}

static const struct link *choose_device(const struct way *w, const struct settings *s,
					const struct links *links)
{
	char device[IF_NAMESIZE];
	struct host_route route;
	const struct link *link;

	if (s->n_interfaces)
		return links_by_name(links, s->interfaces[0]);
	holder_of(w->target, device);
	if (!device[0]) {
		route_to(w->from, w->target, &route);
		return links_by_name(links, route.device);
	}
	link = links_by_name(links, device);
	if (link && link->type != ARPHRD_LOOPBACK && strcmp(link->kind, "dummy") != 0)
		return link;
	/* an address that no device to the outside has: a load balancer's, often */
	route_to(w->target, w->from, &route);
	link = links_by_name(links, route.device);
	for (size_t i = 0; !link && i < links->n; i++)
		if (rank(links, links->l[i].name) == 3 && !links->l[i].master)
			link = &links->l[i];
	return link;
}

struct hardware {
	bool found;
	uint8_t mac[6];
};

static int take_neighbour(const struct nlmsghdr *h, void *ctx)
{
	struct hardware *n = ctx;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, h, sizeof(struct ndmsg)) {
		if (mnl_attr_get_type(attr) != NDA_LLADDR || mnl_attr_get_payload_len(attr) != 6)
			continue;
		memcpy(n->mac, mnl_attr_get_payload(attr), 6);
		n->found = true;
	}
	return MNL_CB_OK;
}

/* The router's hardware address, where this host happens to know it. */
static void find_gateway(struct way *w, unsigned ifindex)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ndmsg *msg = mnl_nlmsg_put_extra_header(h, sizeof(*msg));
	struct hardware n = { 0 };
	struct host_route back;
	bool v6;

	if (routes_back(w->target, w->from, &back) || back.err || !back.has_gateway ||
	    strcmp(back.device, w->device) != 0)
		return;
	v6 = address_is_ipv6(back.gateway);
	h->nlmsg_type = RTM_GETNEIGH;
	msg->ndm_family = v6 ? AF_INET6 : AF_INET;
	msg->ndm_ifindex = (int)ifindex;
	mnl_attr_put(h, NDA_DST, v6 ? 16 : 4, v6 ? back.gateway : back.gateway + 12);
	netlink_ask(NETLINK_ROUTE, h, false, take_neighbour, &n, NULL);
	w->has_gateway_mac = n.found;
	memcpy(w->gateway_mac, n.mac, sizeof(n.mac));
}

static int find_device(struct way *w, const struct settings *s, const struct links *links)
{
	const struct link *device = choose_device(w, s, links), *port;
	char target[ADDR_TEXT_LEN];

	if (!device) {
		fprintf(stderr,
			"hctrace: cannot tell by which interface a probe of %s would arrive; say "
			"so with --interface\n", format_addr(target, w->target));
		return EXIT_USAGE;
	}
	if (!device->up) {
		fprintf(stderr, "hctrace: no probe can arrive by %s: it is down; set it up first\n",
			device->name);
		return EXIT_CANNOT_TRACE;
	}
	snprintf(w->device, sizeof(w->device), "%s", device->name);
	memcpy(w->mac, device->mac, sizeof(w->mac));
	find_gateway(w, device->ifindex);
	port = link_from_outside(links, device, w->has_gateway_mac ? w->gateway_mac : NULL,
				 &w->vlan);
	snprintf(w->port, sizeof(w->port), "%s", port->name);
	w->port_ifindex = port->ifindex;
	return 0;
}

/* --interface, before anything is looked for by it. */
static int check_interface(const struct settings *s, const struct links *links)
{
	const struct link *link = s->n_interfaces ? links_by_name(links, s->interfaces[0]) : NULL;

	if (s->n_interfaces && !link)
		fprintf(stderr, "hctrace: there is no interface '%s'; 'ip link' lists them\n",
			s->interfaces[0]);
	else if (link && link->type == ARPHRD_LOOPBACK)
		fprintf(stderr, "hctrace: no probe can arrive by %s, the loopback device; name "
				"another with --interface\n", link->name);
	else
		return 0;
	return EXIT_USAGE;
}

static int find_addresses(struct way *w, const struct settings *s, const struct links *links)
{
	char target[ADDR_TEXT_LEN];
	int err = 0;

	if (s->has_target)
		memcpy(w->target, s->target, sizeof(w->target));
	else
		err = choose_target(w, s, links);
	if (err == -EADDRNOTAVAIL) {
		fprintf(stderr, "hctrace: this host has no address that a load balancer could "
				"probe; name one with --target\n");
		return EXIT_USAGE;
	}
	if (!err && !has_family(s, address_is_ipv6(w->target))) {
		fprintf(stderr,
			"hctrace: %s is IPv%d, and the load balancer probes from %s; say from "
			"where with --from\n",
			format_addr(target, w->target), address_is_ipv6(w->target) ? 6 : 4,
			s->from_text);
		return EXIT_USAGE;
	}
	if (!err)
		err = bottle_addr_choose(s, w->target, w->from, &w->lock, &w->in_use);
	if (err == -EADDRINUSE) {
		fprintf(stderr, "hctrace: another hctrace probe uses every address of %s that "
				"could be used; wait for its end\n", s->from_text);
		return EXIT_CANNOT_TRACE;
	}
	if (err == -EADDRNOTAVAIL) {
		fprintf(stderr, "hctrace: a probe of %s cannot come from %s itself; name the load "
				"balancer's address with --from\n",
			format_addr(target, w->target), target);
		return EXIT_USAGE;
	}
	if (err) {
		fprintf(stderr, "hctrace: cannot start: %s\n", strerror(-err));
		return EXIT_CANNOT_TRACE;
	}
	return 0;
}

int way_find(struct way *w, const struct settings *settings)
{
	struct links links;
	int err = links_read(&links), status;

	memset(w, 0, sizeof(*w));
	w->lock = -1;
	if (err) {
		fprintf(stderr, "hctrace: cannot list the interfaces: %s\n", strerror(-err));
		status = EXIT_CANNOT_TRACE;
	} else {
		status = check_interface(settings, &links);
	}
	if (!status)
		status = find_addresses(w, settings, &links);
	if (!status)
		status = find_device(w, settings, &links);
	links_free(&links);
	return status;
}

void way_close(struct way *w)
{
	if (w->lock >= 0)
		close(w->lock);
	w->lock = -1;
}
