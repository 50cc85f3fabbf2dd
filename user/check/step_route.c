// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 5: do answers find their way back, by the interface that the checks come in by? */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "diagnose/verdict/next_hop.h"
#include "diagnose/verdict/route.h"
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

/*
 * A check of address A from LB that fails for its way back, as a probe would: the
 * commands that help against it are those of `hctrace live`.
 */
struct failing {
	struct probe probe;
	struct facts facts;
	struct host_gateway gateway;
	struct diagnosis found;
};

static void suppose(const struct check *c, const struct host_address *a, const uint8_t lb[16],
		    struct failing *out)
{
	struct case_facts given = { .probe = &out->probe, .settings = c->facts->settings,
				    .host = c->facts->host };

	memset(out, 0, sizeof(*out));
	memcpy(out->probe.tuple.target, a->addr, 16);
	memcpy(out->probe.tuple.lb, lb, 16);
	out->probe.tuple.protocol = IPPROTO_TCP;
	snprintf(out->probe.device_in, sizeof(out->probe.device_in), "%s", a->device);
	facts_derive(&out->facts, &given);
}

/* What helps against it, with what shows it as the finding says. */
static void take_fix(const struct failing *failing, struct finding *out)
{
	struct command show = out->fix.show;

	out->fix = failing->found.fix;
	if (command_is_set(&show))
		out->fix.show = show;
}

static void tell_no_route(struct check *c, const struct prefix *from, const uint8_t sample[16],
			  const struct host_address *own, int err)
{
	struct finding out = check_finding(c, CHECK_FAIL);
	bool v6 = prefix_is_ipv6(from), special = err == -EHOSTUNREACH || err == -EACCES ||
						   err == -EINVAL;
	char range[PREFIX_TEXT_LEN], lb[ADDR_TEXT_LEN];
	const struct host_gateway *g;
	struct failing failing;

	suppose(c, own, sample, &failing);
	g = &failing.gateway;
	ask_way_back(&failing.facts, &failing.gateway);
	fix_way_back(&failing.facts, false, g, &failing.found);
	CHECK_PUT(out.what, "There is no route back to %s (%s): ", format_prefix(range, from),
		  format_addr(lb, sample));
	if (g->denial.by_rule && g->rule[0])
		CHECK_PUT(out.what, "the routing rule %u (%s) forbids it.", g->rule_priority,
			  g->rule);
	else if (g->suppressed)
		CHECK_PUT(out.what, "the routing rule %u (%s) takes no route as wide as the one "
			  "there is.", g->rule_priority, g->rule);
	else if (g->rule[0])
		CHECK_PUT(out.what, "%s, where the routing rule %u (%s) leads.", route_error(err),
			  g->rule_priority, g->rule);
	else
		CHECK_PUT(out.what, "%s.", route_error(err));
	CHECK_PUT(out.why, "Checks arrive, and this host cannot answer them.");
	CHECK_SHOW(&out, v6 ? "ip -6 route get %s" : "ip route get %s", lb);
	if (special)
		CHECK_SHOW(&out, v6 ? "; ip -6 rule; ip -6 route show table all" :
				      "; ip rule; ip route show table all");
	take_fix(&failing, &out);
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

/*
 * Answers of A's device leave by it again: a table for them, and a rule for each
 * of its addresses.  Nothing else changes its way, and strict reverse-path
 * filtering is content, too, as it asks for the same way.
 */
void check_put_own_table(struct check *c, const struct prefix *from, const uint8_t sample[16],
			 const struct host_address *a, const char *other, struct finding *out)
{
	const struct check_facts *f = c->facts;
	struct failing failing;
	struct host_gateway *g = &failing.gateway;
	char range[PREFIX_TEXT_LEN];

	suppose(c, a, sample, &failing);
	if (!fix_by_table(&failing.facts, failing.facts.range, g, &failing.found)) {
		CHECK_ADVISE(out, "Have answers leave by %s: a routing table of its own with a route "
				  "to %s through the router of that interface's subnet, and a rule "
				  "for its addresses.  Loose filtering (rp_filter 2) alone helps only "
				  "where the network lets answers come by %s.", a->device,
			     format_prefix(range, from), other);
		return;
	}
	for (size_t i = 0; i < f->addresses.n; i++) {
		const struct host_address *b = &f->addresses.a[i];

		if (b->global && !strcmp(a->device, b->device) &&
		    address_is_ipv6(b->addr) == prefix_is_ipv6(from) &&
		    memcmp(a->addr, b->addr, 16) != 0)
			fix_same_table(&failing.facts, b->addr, g, &failing.found);
	}
	take_fix(&failing, out);
}

/* sysctl(8) takes slashes, and then leaves dots in the device's name alone. */
static void show_rp_filter(struct finding *out, const char *device)
{
	char name[64];

	snprintf(name, sizeof(name), "net/ipv4/conf/%s/rp_filter", device);
	CHECK_SHOW(out, "sysctl net/ipv4/conf/all/rp_filter %s; ", name);
}

static void tell_other_device(struct check *c, const struct prefix *from,
			      const uint8_t sample[16], const char *own,
			      const struct host_address *a, const char *other)
{
	bool v6 = prefix_is_ipv6(from);
	bool strict = !v6 && rp_filter(c, a->device) == 1;
	struct finding out = check_finding(c, strict ? CHECK_FAIL : CHECK_WARN);
	char range[PREFIX_TEXT_LEN], lb[ADDR_TEXT_LEN];

	format_prefix(range, from);
	format_addr(lb, sample);
	if (strict) {
		CHECK_PUT(out.what,
			  "Strict reverse-path filtering on %s drops checks of %s: the route "
			  "back to %s leads out of %s.",
			  a->device, own, range, other);
		CHECK_PUT(out.why, "The greater value of all and %s counts; 1 is strict.",
			  a->device);
		show_rp_filter(&out, a->device);
	} else {
		CHECK_PUT(out.what, "Answers of %s (%s) to %s leave by %s, not by %s.", own,
			  a->device, range, other, a->device);
		CHECK_PUT(out.why, "Where the load balancer checks %s, the network may drop them.",
			  own);
	}
	CHECK_SHOW(&out, v6 ? "ip -6 route get %s from %s" : "ip route get %s from %s", lb, own);
	check_put_own_table(c, from, sample, a, other, &out);
	check_say(c, &out);
}

/* A gateway that does not answer, and how answers could go without it. */
static void tell_failing_hop(struct check *c, const struct prefix *from, const uint8_t sample[16],
			     const struct host_address *a, const struct host_route *route,
			     const struct host_hop *hop)
{
	bool v6 = prefix_is_ipv6(from), several = route->n > 1;
	bool never = !strcmp(hop->neighbour, "FAILED") && !(several && route->passes_over);
	struct finding out = check_finding(c, never ? CHECK_FAIL : CHECK_WARN);
	char range[PREFIX_TEXT_LEN], addr[ADDR_TEXT_LEN], lb[ADDR_TEXT_LEN];
	struct failing failing;

	suppose(c, a, sample, &failing);
	format_prefix(range, from);
	format_addr(lb, sample);
	format_addr(addr, hop->has_gateway ? hop->gateway : sample);
	CHECK_PUT(out.what, "The way back to %s leads %sto %s on %s, which does not answer %s.",
		  range, several ? "for some of the checks " : "", addr, hop->device,
		  v6 ? "neighbour discovery" : "ARP");
	CHECK_PUT(out.why, "Its neighbour state is %s", hop->neighbour);
	if (several && route->passes_over)
		CHECK_PUT(out.why, ", so this host passes it over for now; whenever it tries it "
			  "again, an answer is late.");
	else
		CHECK_PUT(out.why, ": answers to checks never leave.");
	if (several)
		CHECK_PUT(out.why, " It is one of %zu next hops of a multipath route, and each "
			  "connection is given one of them.", route->n);
	CHECK_SHOW(&out, v6 ? "ip -6 neigh show to %s" : "ip neigh show to %s", addr);
	if (several)
		CHECK_SHOW(&out, v6 ? "; ip -6 route get fibmatch %s" : "; ip route get fibmatch %s",
			   lb);
	if (check_put_own_rule(c->facts, hop->has_gateway ? hop->gateway : NULL, from, hop->device,
			       &out))
		; /* the router is not to blame */
	else if (fix_failing_hop(&failing.facts, route, hop, &failing.found))
		take_fix(&failing, &out);
	else if (several)
		CHECK_ADVISE(&out, "Bring that router back, or take it out of the route to %s.",
			     range);
	else if (hop->has_gateway)
		CHECK_ADVISE(&out, "Bring that router back, or correct the gateway of the "
				   "route to %s.", range);
	else
		CHECK_ADVISE(&out, "Correct the route to %s: the load balancer is not on the "
				   "subnet of %s, but behind a router.", range, hop->device);
	check_say(c, &out);
}

/* A rule by ports or the like forbids, and nobody knows here what it is for. */
static bool tell_maybe_denied(struct check *c, const struct prefix *from,
			      const uint8_t sample[16], const struct host_address *a)
{
	struct finding out = check_finding(c, CHECK_WARN);
	char range[PREFIX_TEXT_LEN];
	struct failing failing;
	const struct host_gateway *g = &failing.gateway;

	suppose(c, a, sample, &failing);
	if (!ask_way_back(&failing.facts, &failing.gateway) || !g->unsure || !g->maybe_denies)
		return false;
	CHECK_PUT(out.what, "The routing rule %u (%s) may forbid answers to %s.",
		  g->maybe_priority, g->maybe, format_prefix(range, from));
	CHECK_PUT(out.why, "It goes by more than addresses, so whether answers meet it is not "
			   "known.");
	CHECK_SHOW(&out, prefix_is_ipv6(from) ? "ip -6 rule" : "ip rule");
	fix_way_back(&failing.facts, true, g, &failing.found);
	take_fix(&failing, &out);
	check_say(c, &out);
	return true;
}

/* Whether the next hops can be reached, as far as the kernel has tried. */
static void tell_route(struct check *c, const struct prefix *from, const uint8_t sample[16],
		       const struct host_address *a, const struct host_route *route)
{
	struct finding out = check_finding(c, CHECK_OK);
	struct host_hop one = { .has_gateway = route->has_gateway };
	char range[PREFIX_TEXT_LEN], lb[ADDR_TEXT_LEN], hop[ADDR_TEXT_LEN];
	bool failing = false;

	memcpy(one.gateway, route->gateway, sizeof(one.gateway));
	snprintf(one.device, sizeof(one.device), "%s", route->device);
	snprintf(one.neighbour, sizeof(one.neighbour), "%s", route->neighbour);
	for (size_t i = 0; i < (route->n ? route->n : 1); i++) {
		const struct host_hop *h = route->n ? &route->hop[i] : &one;

		if (!neighbour_fails(h->neighbour))
			continue;
		tell_failing_hop(c, from, sample, a, route, h);
		failing = true;
	}
	if (failing || tell_maybe_denied(c, from, sample, a))
		return;
	format_prefix(range, from);
	CHECK_PUT(out.what, "The way back to %s: %s", range,
		  route->n ? "by one of several next hops: " : route->text);
	for (size_t i = 0; i < route->n; i++)
		CHECK_PUT(out.what, "%s%s dev %s", i ? ", " : "",
			  route->hop[i].has_gateway ? format_addr(hop, route->hop[i].gateway) :
						      "direct",
			  route->hop[i].device);
	CHECK_SHOW(&out, prefix_is_ipv6(from) ? "ip -6 route get %s" : "ip route get %s",
		   format_addr(lb, sample));
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

/* A device that answers can leave by in place of OWN; NULL: none. */
static const char *other_device(const struct host_route *route, const char *own)
{
	for (size_t i = 0; i < route->n; i++)
		if (strcmp(route->hop[i].device, own) != 0)
			return route->hop[i].device;
	return route->n || strcmp(route->device, own) == 0 ? NULL : route->device;
}

/* The route back from one address of this host. */
static void check_from_address(struct check *c, const struct prefix *from,
			       const struct host_address *a, bool *told, bool *none)
{
	const struct host *host = c->facts->host;
	char lb[ADDR_TEXT_LEN], own[ADDR_TEXT_LEN];
	struct host_route route;
	const char *other;
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
				tell_no_route(c, from, sample, a, route.err);
			*none = true;
			return;
		}
		if (!route.device[0] || !strcmp(route.device, "lo"))
			continue; /* an address of this host: told as such */
		other = other_device(&route, a->device);
		if (other) {
			tell_other_device(c, from, sample, own, a, other);
			return;
		}
		if (!*told) {
			tell_route(c, from, sample, a, &route);
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
