// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 5: do answers find their way back, by the interface that the checks come in by? */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "check.h"
#include "render/format.h"

static const char *ip(bool v6)
{
	return v6 ? "ip -6" : "ip";
}

static void put_example_route(struct finding *out, const struct prefix *from, const char *device)
{
	char range[PREFIX_TEXT_LEN];

	CHECK_PUT(out->fix,
		  "%s route add %s via GATEWAY dev %s (GATEWAY: the router of %s's subnet)",
		  ip(prefix_is_ipv6(from)), format_prefix(range, from), device, device);
}

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
	CHECK_PUT(out.show, "%s route get %s", ip(v6), lb);
	if (special)
		CHECK_PUT(out.fix,
			  "%s route show table all | grep -E 'blackhole|unreachable|prohibit' "
			  "and 'ip rule' show it; delete it, or add a more specific one: ",
			  ip(v6));
	put_example_route(&out, from, own->device);
	check_say(c, &out);
}

/* rp_filter of DEVICE as it counts: the greater of all and its own (IN_DEV_RPFILTER). */
static int64_t rp_filter(const struct check *c, const char *device)
{
	char name[96] = "net.ipv4.conf.";
	int64_t all = 0, own = 0;
	size_t at = strlen(name);

	/* sysctl(8) writes the dots of a device's name as slashes. */
	for (const char *d = device; *d; d++)
		name[at++] = *d == '.' ? '/' : *d;
	name[at] = '\0';
	CHECK_PUT(name, ".rp_filter");
	check_sysctl(c->facts, "net.ipv4.conf.all.rp_filter", &all);
	check_sysctl(c->facts, name, &own);
	return all > own ? all : own;
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
		CHECK_PUT(out.show,
			  "sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.%s.rp_filter; ip "
			  "route get %s from %s",
			  a->device, lb, own);
		CHECK_PUT(out.fix, "sysctl -w net.ipv4.conf.%s.rp_filter=2", a->device);
	} else {
		CHECK_PUT(out.what, "Answers of %s (%s) to %s leave by %s, not by %s.", own,
			  a->device, range, route->device, a->device);
		CHECK_PUT(out.why, "Where the load balancer checks %s, the network may drop them.",
			  own);
		CHECK_PUT(out.show, "%s route get %s from %s", ip(v6), lb, own);
		CHECK_PUT(out.fix,
			  "%s route add default via GATEWAY dev %s table 100 && %s rule add "
			  "from %s table 100 (GATEWAY: the router of %s's subnet)",
			  ip(v6), a->device, ip(v6), own, a->device);
	}
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
		CHECK_PUT(out.show, "%s neigh show to %s", ip(v6), hop);
		CHECK_PUT(out.fix, "Correct the gateway: %s route replace %s via GATEWAY dev %s",
			  ip(v6), range, route->device);
	} else {
		CHECK_PUT(out.what, "The way back to %s: %s", range, route->text);
		CHECK_PUT(out.show, "%s route get %s", ip(v6), lb);
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

/* The route back from one address of this host.  Returns false when it was not asked. */
static bool check_from_address(struct check *c, const struct prefix *from,
			       const struct host_address *a, bool *told, bool *none)
{
	const struct host *host = c->facts->host;
	char lb[ADDR_TEXT_LEN], own[ADDR_TEXT_LEN];
	struct host_route route;
	uint8_t sample[16];

	for (size_t last = 0; last < 2; last++) {
		prefix_sample(from, last, sample);
		format_addr(lb, sample);
		format_addr(own, a->addr);
		if (host->ops->route_back(host->ctx, a->addr, sample, &route))
			return false;
		if (route.err) {
			if (!*none)
				tell_no_route(c, from, lb, a, route.err);
			*none = true;
			return true;
		}
		if (!route.device[0] || !strcmp(route.device, "lo"))
			continue; /* an address of this host: told as such */
		if (strcmp(route.device, a->device)) {
			tell_other_device(c, from, lb, own, a, &route);
			return true;
		}
		if (!*told) {
			tell_route(c, from, lb, &route);
			*told = true;
		}
	}
	return true;
}

/* On a subnet that the load balancer probes from this host has an address, too; not one alone. */
static bool conflicts(const struct prefix *from, const struct host_address *a)
{
	return prefix_contains(from, a->addr) && (a->len == 128 || !strcmp(a->device, "lo"));
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
		    (!c->facts->settings->n_interfaces && is_internal(a->device)) ||
		    address_is_ipv6(a->addr) != prefix_is_ipv6(from) || conflicts(from, a))
			continue;
		for (size_t j = 0; j < i; j++) /* more addresses of the device have the same way */
			again |= all->a[j].global && !strcmp(all->a[j].device, a->device) &&
				 address_is_ipv6(all->a[j].addr) == address_is_ipv6(a->addr) &&
				 !conflicts(from, &all->a[j]);
		any |= again || check_from_address(c, from, a, &told, &none);
	}
	if (any)
		return;
	CHECK_PUT(out.what, "This host has no %s address that %s could check.",
		  prefix_is_ipv6(from) ? "IPv6" : "IPv4", format_prefix(range, from));
	CHECK_PUT(out.show, "%s addr show", ip(prefix_is_ipv6(from)));
	/* A preset has networks of both families; a host need not. */
	if (c->facts->settings->n_from > 1)
		out.result = CHECK_NOTE;
	else
		CHECK_PUT(out.fix, "Give the interface its address, or check with --from another "
				   "network.");
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
		CHECK_PUT(out.show, "%s addr show to %s", ip(v6), own);
		CHECK_PUT(out.fix, "%s addr del %s/%d dev %s", ip(v6), own,
			  a->len - (v6 ? 0 : 96), a->device);
		check_say(c, &out);
	}
}

void check_routes(struct check *c)
{
	const struct settings *s = c->facts->settings;
	struct finding out = check_finding(c, CHECK_NOTE);

	if (c->facts->addresses_err) {
		CHECK_PUT(out.what, "The addresses of this host could not be read: %s.",
			  strerror(-c->facts->addresses_err));
		CHECK_PUT(out.show, "ip addr show");
		check_say(c, &out);
		return;
	}
	for (size_t i = 0; i < s->n_from; i++) {
		check_network(c, &s->from[i]);
		check_conflicts(c, &s->from[i]);
	}
}
