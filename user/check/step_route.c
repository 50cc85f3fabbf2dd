// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 5: do answers find their way back, by the interface that the checks come in by? */
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "render/format.h"

static const char *route_error(int err)
{
	switch (-err) {
	case EHOSTUNREACH:
		return "an 'unreachable' route covers it";
	case EACCES:
		return "a 'prohibit' route covers it";
	case EINVAL:
		return "a 'blackhole' route covers it";
	default:
		return "no routing table has one";
	}
}

static bool refuses(const struct listed_route *r, const uint8_t addr[16])
{
	struct prefix p = { .len = r->len };

	memcpy(p.addr, r->dst, 16);
	return r->refuses && address_is_ipv6(r->dst) == address_is_ipv6(addr) &&
	       prefix_contains(&p, addr);
}

/*
 * Whether a route to the load balancer's network in the main table would be
 * taken: no rule and no table that is asked before refuses it.
 */
static bool main_table_counts(const struct check_facts *f, const struct prefix *from, bool special)
{
	uint8_t first[16], last[16];
	bool in_main = false;

	prefix_sample(from, false, first);
	prefix_sample(from, true, last);
	for (size_t i = 0; i < f->routes.n; i++) {
		const struct listed_route *r = &f->routes.r[i];

		if (!refuses(r, first) && !refuses(r, last))
			continue;
		if (r->table != RT_TABLE_MAIN || r->len > from->len)
			return false;
		in_main = true;
	}
	return !special || in_main;
}

/* A route to the load balancer's network, through the gateway that the device has already. */
static void put_route(const struct check_facts *f, const struct prefix *from, const char *device,
		      bool special, struct finding *out)
{
	bool v6 = prefix_is_ipv6(from);
	const struct listed_route *gateway = route_list_gateway(&f->routes, device, v6);
	char range[PREFIX_TEXT_LEN], hop[ADDR_TEXT_LEN];

	if (special && !main_table_counts(f, from, special)) {
		CHECK_ADVISE(out, "Delete the route or the rule that refuses it, or put a more "
				  "specific route ahead of it.");
		return;
	}
	if (!gateway) {
		CHECK_ADVISE(out, "Add a route to %s by %s, through the router of that interface's "
				  "subnet: this host has no route through it yet that would name "
				  "it.", format_prefix(range, from), device);
		return;
	}
	CHECK_FIX(out, v6 ? "ip -6 route replace %s via %s dev %s" : "ip route replace %s via %s dev %s",
		  format_prefix(range, from), format_addr(hop, gateway->gateway), device);
}

static void tell_no_route(struct check *c, const struct prefix *from, const char *lb,
			  const struct host_address *own, int err)
{
	struct finding out = check_finding(c, CHECK_FAIL);
	bool v6 = prefix_is_ipv6(from), special = err == -EHOSTUNREACH || err == -EACCES ||
						   err == -EINVAL;
	char range[PREFIX_TEXT_LEN];

	CHECK_PUT(out.what, "There is no route back to %s (%s): %s.", format_prefix(range, from),
		  lb, route_error(err));
	CHECK_PUT(out.why, "Checks arrive, and this host cannot answer them.");
	CHECK_SHOW(&out, v6 ? "ip -6 route get %s" : "ip route get %s", lb);
	if (special)
		CHECK_SHOW(&out, v6 ? "; ip -6 rule; ip -6 route show table all" :
				      "; ip rule; ip route show table all");
	put_route(c->facts, from, own->device, special, &out);
	check_say(c, &out);
}

/* rp_filter of DEVICE as it counts: the greater of all and its own (IN_DEV_RPFILTER). */
static int64_t rp_filter(struct check *c, const char *device)
{
	char name[96] = "net.ipv4.conf.";
	int64_t all = 0, own = 0;
	size_t at = strlen(name);

	/* sysctl(8) writes the dots of a device's name as slashes. */
	for (const char *d = device; *d; d++)
		name[at++] = *d == '.' ? '/' : *d;
	name[at] = '\0';
	CHECK_PUT(name, ".rp_filter");
	check_sysctl(c, "net.ipv4.conf.all.rp_filter", &all);
	check_sysctl(c, name, &own);
	return all > own ? all : own;
}

/* A routing table that holds no route through a gateway: the first from 100 on. */
static uint32_t free_table(const struct route_list *list)
{
	uint32_t table = 100;

	for (size_t i = 0; i < list->n; i++)
		if (list->r[i].table == table) {
			table++;
			i = (size_t)-1; /* look at all of them again */
		}
	return table;
}

/*
 * Answers of A's device leave by it again: a table for them, and a rule for each
 * of its addresses.  Nothing else changes its way, and strict reverse-path
 * filtering is content, too, as it asks for the same way.
 */
void check_put_own_table(const struct check_facts *f, const struct prefix *from,
			 const struct host_address *a, const char *other, struct finding *out)
{
	bool v6 = prefix_is_ipv6(from);
	const struct listed_route *gateway = route_list_gateway(&f->routes, a->device, v6);
	char range[PREFIX_TEXT_LEN], text[ADDR_TEXT_LEN];
	uint32_t table = free_table(&f->routes);

	if (!gateway) {
		CHECK_ADVISE(out, "Have answers leave by %s: a routing table of its own with a route "
				  "to %s through the router of that interface's subnet, and a rule "
				  "for its addresses.  Loose filtering (rp_filter 2) alone helps only "
				  "where the network lets answers come by %s.", a->device,
			     format_prefix(range, from), other);
		return;
	}
	CHECK_FIX(out, v6 ? "ip -6 route add %s via %s dev %s table %u" :
			    "ip route add %s via %s dev %s table %u",
		  format_prefix(range, from), format_addr(text, gateway->gateway), a->device, table);
	for (size_t i = 0; i < f->addresses.n; i++) {
		const struct host_address *b = &f->addresses.a[i];

		if (b->global && !strcmp(a->device, b->device) && address_is_ipv6(b->addr) == v6)
			CHECK_FIX(out, v6 ? " && ip -6 rule add from %s table %u" :
					    " && ip rule add from %s table %u",
				  format_addr(text, b->addr), table);
	}
}

/* sysctl(8) takes slashes, and then leaves dots in the device's name alone. */
static void show_rp_filter(struct finding *out, const char *device)
{
	char name[64];

	snprintf(name, sizeof(name), "net/ipv4/conf/%s/rp_filter", device);
	CHECK_SHOW(out, "sysctl net/ipv4/conf/all/rp_filter %s; ", name);
}

static void tell_other_device(struct check *c, const struct prefix *from, const char *lb,
			      const char *own, const struct host_address *a,
			      const struct host_route *route)
{
	bool v6 = prefix_is_ipv6(from);
	bool strict = !v6 && rp_filter(c, a->device) == 1;
	struct finding out = check_finding(c, strict ? CHECK_FAIL : CHECK_WARN);
	char range[PREFIX_TEXT_LEN];

	format_prefix(range, from);
	if (strict) {
		CHECK_PUT(out.what,
			  "Strict reverse-path filtering on %s drops checks of %s: the route "
			  "back to %s leads out of %s.",
			  a->device, own, range, route->device);
		CHECK_PUT(out.why, "The greater value of all and %s counts; 1 is strict.",
			  a->device);
		show_rp_filter(&out, a->device);
	} else {
		CHECK_PUT(out.what, "Answers of %s (%s) to %s leave by %s, not by %s.", own,
			  a->device, range, route->device, a->device);
		CHECK_PUT(out.why, "Where the load balancer checks %s, the network may drop them.",
			  own);
	}
	CHECK_SHOW(&out, v6 ? "ip -6 route get %s from %s" : "ip route get %s from %s", lb, own);
	check_put_own_table(c->facts, from, a, route->device, &out);
	check_say(c, &out);
}

/* Whether the next hop can be reached, as far as the kernel has tried. */
static void tell_route(struct check *c, const struct prefix *from, const char *lb,
		       const struct host_route *route)
{
	bool failed = !strcmp(route->neighbour, "FAILED");
	bool trying = !strcmp(route->neighbour, "INCOMPLETE");
	struct finding out = check_finding(c, failed ? CHECK_FAIL : trying ? CHECK_WARN : CHECK_OK);
	char range[PREFIX_TEXT_LEN], hop[ADDR_TEXT_LEN];
	bool v6 = prefix_is_ipv6(from);

	format_prefix(range, from);
	snprintf(hop, sizeof(hop), "%s", lb);
	if (route->has_gateway)
		format_addr(hop, route->gateway);
	if (failed || trying) {
		CHECK_PUT(out.what,
			  "The way back to %s leads to %s on %s, which does not answer %s.", range,
			  hop, route->device, v6 ? "neighbour discovery" : "ARP");
		CHECK_PUT(out.why, "Its neighbour state is %s: answers to checks never leave.",
			  route->neighbour);
		CHECK_SHOW(&out, v6 ? "ip -6 neigh show to %s" : "ip neigh show to %s", hop);
		if (check_put_own_rule(c->facts, route->has_gateway ? route->gateway : NULL,
				       from, route->device, &out))
			; /* the router is not to blame */
		else if (route->has_gateway)
			CHECK_ADVISE(&out, "Bring that router back, or correct the gateway of the "
					   "route to %s.", range);
		else
			CHECK_ADVISE(&out, "Correct the route to %s: the load balancer is not on the "
					   "subnet of %s, but behind a router.", range, route->device);
	} else {
		CHECK_PUT(out.what, "The way back to %s: %s", range, route->text);
		CHECK_SHOW(&out, v6 ? "ip -6 route get %s" : "ip route get %s", lb);
	}
	check_say(c, &out);
}

/* What a network of containers or virtual machines is called; no load balancer checks it. */
static bool is_internal(const char *device)
{
	static const char *const names[] = { "docker", "br-", "virbr", "cni", "lxc", "lxdbr",
					     "podman", "dummy", "kube-", "veth", "cali",
					     "flannel", "tun", "tap", "wg", "ipvs" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(device, names[i], strlen(names[i])))
			return true;
	return false;
}

bool check_comes_by(const struct check_facts *f, const char *device)
{
	return check_device_wanted(f, device) &&
	       (f->settings->n_interfaces || !is_internal(device));
}

/* The route back from one address of this host. */
static void check_from_address(struct check *c, const struct prefix *from,
			       const struct host_address *a, bool *told, bool *none)
{
	const struct host *host = c->facts->host;
	char lb[ADDR_TEXT_LEN], own[ADDR_TEXT_LEN];
	struct host_route route;
	uint8_t sample[16];
	int err;

	for (size_t last = 0; last < 2; last++) {
		prefix_sample(from, last, sample);
		format_addr(lb, sample);
		format_addr(own, a->addr);
		err = host->ops->route_back(host->ctx, a->addr, sample, &route);
		if (err && !*none)
			check_unread(c, err, "The route back to %s from %s", lb, own);
		*none |= err != 0;
		if (err)
			return;
		if (route.err) {
			if (!*none)
				tell_no_route(c, from, lb, a, route.err);
			*none = true;
			return;
		}
		if (!route.device[0] || !strcmp(route.device, "lo"))
			continue; /* an address of this host: told as such */
		if (strcmp(route.device, a->device)) {
			tell_other_device(c, from, lb, own, a, &route);
			return;
		}
		if (!*told) {
			tell_route(c, from, lb, &route);
			*told = true;
		}
	}
}

/* On a subnet that the load balancer probes from this host has an address, too; not one alone. */
static bool conflicts(const struct prefix *from, const struct host_address *a)
{
	return prefix_contains(from, a->addr) && (a->len == 128 || !strcmp(a->device, "lo"));
}

bool check_device_is_internal(const struct check_facts *facts, const char *device)
{
	return !facts->settings->n_interfaces && is_internal(device);
}

static void check_network(struct check *c, const struct prefix *from)
{
	const struct host_addresses *all = &c->facts->addresses;
	bool told = false, none = false, any = false;
	struct finding out = check_finding(c, CHECK_FAIL);
	char range[PREFIX_TEXT_LEN];

	for (size_t i = 0; i < all->n; i++) {
		const struct host_address *a = &all->a[i];
		bool again = false;

		if (!a->global || !check_device_wanted(c->facts, a->device) ||
		    check_device_is_internal(c->facts, a->device) ||
		    address_is_ipv6(a->addr) != prefix_is_ipv6(from) || conflicts(from, a))
			continue;
		for (size_t j = 0; j < i; j++) /* more addresses of the device have the same way */
			again |= all->a[j].global && !strcmp(all->a[j].device, a->device) &&
				 address_is_ipv6(all->a[j].addr) == address_is_ipv6(a->addr) &&
				 !conflicts(from, &all->a[j]);
		any = true;
		if (!again)
			check_from_address(c, from, a, &told, &none);
	}
	if (any)
		return;
	CHECK_PUT(out.what, "This host has no %s address that %s could check.",
		  prefix_is_ipv6(from) ? "IPv6" : "IPv4", format_prefix(range, from));
	CHECK_SHOW(&out, prefix_is_ipv6(from) ? "ip -6 addr show" : "ip addr show");
	/* A preset has networks of both families; a host need not. */
	if (c->facts->settings->n_from > 1)
		out.result = CHECK_NOTE;
	else
		CHECK_ADVISE(&out, "Give the interface its address, or check with another network "
				   "(--from).");
	check_say(c, &out);
}

/* A source that is this host's own is dropped as a forgery (a martian). */
static void check_conflicts(struct check *c, const struct prefix *from)
{
	const struct host_addresses *all = &c->facts->addresses;

	for (size_t i = 0; i < all->n; i++) {
		const struct host_address *a = &all->a[i];
		struct finding out = check_finding(c, CHECK_FAIL);
		char own[ADDR_TEXT_LEN], range[PREFIX_TEXT_LEN];
		bool v6 = address_is_ipv6(a->addr);

		if (!conflicts(from, a))
			continue;
		format_addr(own, a->addr);
		CHECK_PUT(out.what,
			  "%s, an address of the load balancer's network %s, is configured "
			  "here, on %s.",
			  own, format_prefix(range, from), a->device);
		CHECK_PUT(out.why, "Checks that come from it are dropped as forged (martian "
				   "source).");
		CHECK_SHOW(&out, v6 ? "ip -6 addr show to %s" : "ip addr show to %s", own);
		CHECK_FIX(&out, v6 ? "ip -6 addr del %s/%d dev %s" : "ip addr del %s/%d dev %s", own,
			  a->len - (v6 ? 0 : 96), a->device);
		check_say(c, &out);
	}
}

void check_routes(struct check *c)
{
	const struct check_facts *f = c->facts;

	if (f->routes_err)
		check_unread(c, f->routes_err, "The gateways of this host's routes");
	if (f->addresses_err) {
		check_unread(c, f->addresses_err, "The addresses of this host");
		return;
	}
	if (f->addresses.truncated)
		check_unread(c, -E2BIG, "Some of this host's addresses");
	for (size_t i = 0; i < f->settings->n_from; i++) {
		check_network(c, &f->settings->from[i]);
		check_conflicts(c, &f->settings->from[i]);
	}
}
