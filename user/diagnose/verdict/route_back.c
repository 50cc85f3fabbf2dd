// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: the way back to the load balancer is missing, wrong or blocked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/ask.h"
#include "diagnose/verdict/next_hop.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static enum match match_gateway_unreachable(const struct facts *f)
{
	static const char *const functions[] = { "neigh_invalidate", "arp_error_report",
						 "ndisc_error_report", "__neigh_event_send",
						 "neigh_event_send_probe" };
	const struct probe *p = f->p;
	struct host_route route;

	if (f->drop && f->drop->reply &&
	    ((f->drop->reason && strncmp(f->drop->reason, "NEIGH_", 6) == 0) ||
	     function_in(f->drop, functions, N(functions))))
		return MATCH_CERTAIN;
	/* the kernel tries for some 3 s before it drops: a short timeout is over by then */
	if (f->udp || f->drop || f->connected || p->synack_ns || p->reply_ns || p->route_failed ||
	    p->host_rst_ns || p->icmp_left_ns || f->early)
		return NO_MATCH;
	if (f->tcp && !p->synack_retransmits && !p->has_good_route)
		return NO_MATCH;
	if (ask_route_back(f->given.host, p->tuple.target, p->tuple.lb, &route) || route.err)
		return NO_MATCH;
	return route_fails(&route) ? MATCH_LIKELY : NO_MATCH;
}

/*
 * A look-up that ends at a rule is not seen; one whose result a rule does not take
 * (suppress_prefixlength) is seen with that result.
 */
static bool is_refused_by_rules(const struct facts *f, const struct host_route *route)
{
	const struct probe *p = f->p;
	struct host_gateway g;

	if (!p->has_route && route->err < 0)
		return true;
	if (p->has_route != (route->err < 0) || f->gaps || !ask_way_back(f, &g))
		return false;
	return p->has_route ? g.suppressed :
			      f->given.attached & POINT_BIT(ROUTE) && may_be_denied(f, &g);
}

/* inet_csk_route_req() finds nothing, and the SYN ends there without a drop. */
static enum match match_no_route_back(const struct facts *f)
{
	const struct probe *p = f->p;
	struct host_route route;

	if (f->udp || f->connected || p->synack_ns || p->reply_ns || p->synack_retransmits ||
	    f->early || p->host_rst_ns)
		return NO_MATCH;
	if (p->route_failed)
		return MATCH_CERTAIN;
	if ((f->drop && !f->drop->reply) || probe_forwarded(p) ||
	    ask_route_back(f->given.host, p->tuple.target, p->tuple.lb, &route))
		return NO_MATCH;
	return is_refused_by_rules(f, &route) ? MATCH_LIKELY : NO_MATCH;
}

/* The container answered, and this host does not know where to send it. */
static enum match match_no_route_back_forwarded(const struct facts *f)
{
	return probe_forwarded(f->p) && f->drop && f->drop->reply && !f->drop->inside &&
			       !f->place.netfilter && found_no_way(f->drop)
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

/* What was asked when the probe was over is said to be so where it is not what was seen. */
static void say_neighbour(const struct next_hop *hop, const char *resolution, struct diagnosis *d)
{
	bool fails = neighbour_fails(hop->neighbour) || !hop->neighbour[0];

	say(WHY(d), fails ? " does not answer %s" : " did not answer %s", resolution);
	if (!fails)
		say(WHY(d), "; asked afterwards, its neighbour state is %s", hop->neighbour);
	else if (hop->neighbour[0])
		say(WHY(d), " (neighbour state %s)", hop->neighbour);
}

/* "192.168.0.1 on eth0, 192.168.0.99 on eth0" */
static void say_hops(const struct facts *f, const struct host_route *route, struct diagnosis *d)
{
	char addr[ADDR_TEXT_LEN];

	for (size_t i = 0; i < route->n; i++)
		say(WHY(d), "%s%s on %.15s", i ? ", " : "",
		    route->hop[i].has_gateway ? format_addr(addr, route->hop[i].gateway) : f->lb,
		    route->hop[i].device);
	if (route->truncated)
		say(WHY(d), " and others");
}

/* True: a rule of this host is why, and the fix is set. */
static bool say_next_hop(const struct facts *f, const struct host_route *route,
			 const struct next_hop *hop, struct diagnosis *d)
{
	bool inside = f->drop && f->drop->inside, own_rule = false;
	const char *resolution = f->v6 ? "neighbour discovery" : "ARP";
	char gateway[ADDR_TEXT_LEN], on[IFNAMSIZ + 8];

	say(WHY(d), "The reply never left: ");
	if (hop->unsure) {
		say(WHY(d), "one of the next hops of the multipath route to %s does not answer %s",
		    f->lb, resolution);
		if (route && route->n) {
			say(WHY(d), ", and which one this host cannot tell any more: ");
			say_hops(f, route, d);
		}
		say(WHY(d), ".");
		return false;
	}
	say(WHY(d), "%s%s%s", hop->several ? "the next hop " : hop->has_gateway ? "the gateway " :
	    "the load balancer's address ",
	    hop->has_gateway ? format_addr(gateway, hop->gateway) : f->lb,
	    on_device(on, hop->device));
	if (hop->several)
		say(WHY(d), " of the multipath route to %s", f->lb);
	say_neighbour(hop, resolution, d);
	if (!inside)
		own_rule = blame_own_rule(f, hop->has_gateway ? hop->gateway : f->p->tuple.lb,
					  hop->device, d);
	end_sentence(d);
	if (hop->several && route) {
		say(WHY(d), " Each connection is given one of its next hops: ");
		say_hops(f, route, d);
		say(WHY(d), ".");
	}
	return own_rule;
}

static void advise_next_hop(const struct facts *f, const struct next_hop *hop, struct diagnosis *d)
{
	struct host_gateway g;

	ask_way_back(f, &g);
	if (g.rule[0])
		say(WHY(d), " The routing rule %u (%s) chose the table of the route.",
		    g.rule_priority, g.rule);
	if (fix_next_hop(f, hop, &g, d))
		return;
	if (hop->several)
		add_advice(d, "Take the next hop that does not answer out of the route, or bring it "
			      "up.");
	else if (hop->has_gateway)
		add_advice(d, "Correct the gateway of the route back, or bring the gateway up.");
	else
		add_advice(d, "The route treats %s as directly attached: give it a gateway.", f->lb);
}

static void report_gateway_unreachable(const struct facts *f, struct diagnosis *d)
{
	struct host_route route;
	bool known = ask_route(f, &route);
	bool inside = f->drop && f->drop->inside;
	struct next_hop hop;

	find_next_hop(f, known ? &route : NULL, &hop);
	where_set(d, "neighbour", f->drop);
	snprintf(d->where.device, sizeof(d->where.device), "%s", hop.device);
	if (f->connected)
		d->code = f->late_code;
	if (say_next_hop(f, known && !route.err ? &route : NULL, &hop, d))
		return;
	if (hop.unsure && d->confidence == CONFIDENCE_CERTAIN)
		d->confidence = CONFIDENCE_LIKELY;
	advise_next_hop(f, &hop, d);
	if (hop.several)
		SHOW_COMMAND(d, f->v6 ? "ip -6 route get fibmatch %s from %s && ip -6 neigh" :
					"ip route get fibmatch %s from %s && ip neigh",
			     f->lb, f->address);
	else if (!inside)
		SHOW_COMMAND(d, f->v6 ? "ip -6 route get %s" : "ip route get %s", f->lb);
}

/* The errors that a fib rule or route type gives (fib_props[], net/ipv4/fib_semantics.c). */
static const char *route_error(int err)
{
	switch (-err) {
	case EHOSTUNREACH:
		return "an 'unreachable' route covers";
	case EACCES:
		return "a 'prohibit' route covers";
	case EINVAL:
		return "a 'blackhole' route covers";
	default:
		return "no routing table has a route back to";
	}
}

static void report_no_route_back_inside(const struct facts *f, struct diagnosis *d)
{
	const char *bridge = f->p->dnat.device, *name = f->p->inner_name;

	where_set(d, "route", NULL);
	say(WHY(d),
	    "The %s from %s was forwarded to %s, but%s it cannot be answered: %s %s there.", f->what,
	    f->lb, f->inner_target, f->inside, route_error(f->p->route.err), f->lb);
	add_advice(d, "Add a default route%s by this host's address on %s, or start the container "
		      "again.", f->inside, bridge[0] ? bridge : "the bridge");
	if (name[0])
		SHOW_COMMAND(d, f->v6 ? "ip netns exec %s ip -6 route" : "ip netns exec %s ip route",
			     name);
	else if (bridge[0])
		SHOW_COMMAND(d, "ip -br addr show %s", bridge);
}

static void report_no_route_back(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	char table[TABLE_TEXT_LEN];
	struct host_gateway g;
	struct host_route route;
	bool known = ask_route(f, &route);
	int err = p->route_failed ? p->route.err : known ? route.err : -ENETUNREACH;
	bool special = err == -EHOSTUNREACH || err == -EACCES || err == -EINVAL;

	if (p->route_failed && p->route_inside) {
		report_no_route_back_inside(f, d);
		return;
	}
	ask_way_back(f, &g);
	where_set(d, "route", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", p->device_in);
	say(WHY(d), "The %s from %s came in%s%s, but this host cannot answer: ", f->what, f->lb,
	    p->device_in[0] ? " on " : "", p->device_in);
	if (!p->route_failed && known && route.err && g.denial.by_rule && g.rule[0])
		say(WHY(d), "the routing rule %u (%s) forbids the way to %s", g.rule_priority,
		    g.rule, f->lb);
	else if (!p->route_failed && known && !route.err && may_be_denied(f, &g))
		say(WHY(d), "no table was looked in for a route to %s, so a routing rule forbids "
			    "it, which can only be rule %u (%s)", f->lb, g.maybe_priority, g.maybe);
	else if (g.suppressed)
		say(WHY(d), "the routing rule %u (%s) takes no route as wide as the one to %s",
		    g.rule_priority, g.rule, f->lb);
	else
		say(WHY(d), "%s %s", route_error(err), f->lb);
	if (special && p->route_failed && p->route.table)
		say(WHY(d), " (table %s)", format_table(table, p->route.table));
	say(WHY(d), ".");
	if (known && !route.err && route.text[0] && may_be_denied(f, &g))
		; /* said already: what is asked has no marks and ports */
	else if (known && !route.err && route.text[0])
		say(WHY(d), " Asked afterwards, without the connection's own marks and ports, this "
			    "host finds one: %.120s.", route.text);
	else if (g.rule[0] && !g.suppressed && !(g.n_denials && g.denial.by_rule))
		say(WHY(d), " It looks in table %u first, by the routing rule %u (%s).",
		    g.n_denials ? g.denial.table : g.table, g.rule_priority, g.rule);
	fix_way_back(f, known && !route.err, &g, d);
	if ((g.rule[0] || g.maybe_denies) && !command_is_set(&d->fix.show))
		SHOW_COMMAND(d, f->v6 ? "ip -6 rule" : "ip rule");
}

const struct verdict verdict_gateway_unreachable = {
	.id = "gateway-unreachable",
	.code = "CONNECT_TIMEOUT",
	.step = "5",
	.summary = "gateway does not answer",
	.meaning = "The answer's next hop does not answer ARP or neighbour discovery, so the "
		"answer cannot leave.",
	.evidence = "Neighbour resolution for the gateway of the route failed.",
	.remedy = "Check gateway and netmask of the route with 'ip route get', and 'ip neigh' for "
		"the gateway's state, of a multipath route for each next hop; and that this host's own "
		"firewall lets in ARP replies, or ICMPv6 types 135 and 136.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(DROP),
	.rule = { .match = match_gateway_unreachable, .report = report_gateway_unreachable },
};

const struct verdict verdict_no_route_back = {
	.id = "no-route-back",
	.code = "CONNECT_TIMEOUT",
	.step = "5",
	.summary = "no route back",
	.meaning = "The request arrived, but this host has no route to the load balancer for the "
		"answer.",
	.evidence = "The kernel looked up the route of the answer and found none, or one that "
		"forbids it (blackhole, unreachable, prohibit).",
	.remedy = "Add the route, for example 'ip route add 100.125.0.0/16 via GATEWAY dev DEV', "
		"or a default route, in the table that 'ip rule' leads to; make it permanent in the "
		"network configuration.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(ROUTE),
	.rule = { .absence = DEPARTURES, .match = match_no_route_back, .report = report_no_route_back },
};

const struct rule no_route_back_forwarded = { .match = match_no_route_back_forwarded, .report = report_no_route_back };
