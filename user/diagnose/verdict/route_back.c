// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: the way back to the load balancer is missing, wrong or blocked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/ask.h"
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
	return strcmp(route.neighbour, "FAILED") == 0 || strcmp(route.neighbour, "INCOMPLETE") == 0
		       ? MATCH_LIKELY
		       : NO_MATCH;
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
	if (p->has_route || (f->drop && !f->drop->reply) || probe_forwarded(p))
		return NO_MATCH;
	return ask_route_back(f->given.host, p->tuple.target, p->tuple.lb, &route) == 0 &&
			       route.err < 0
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

/* The container answered, and this host does not know where to send it. */
static enum match match_no_route_back_forwarded(const struct facts *f)
{
	return probe_forwarded(f->p) && f->drop && f->drop->reply && !f->drop->inside &&
			       !f->place.netfilter && found_no_way(f->drop)
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

static void report_gateway_unreachable(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	const char *resolution = f->v6 ? "neighbour discovery" : "ARP";
	char gateway[ADDR_TEXT_LEN] = "", device[IFNAMSIZ] = "";
	struct host_route route;
	bool known = ask_route(f, &route);
	bool inside = f->drop && f->drop->inside;
	bool has_route = p->has_good_route && p->good_route_inside == inside;
	bool has_gateway = has_route && p->good_route.has_gateway;

	if (has_gateway)
		format_addr(gateway, p->good_route.gateway);
	else if (known && !route.err && route.has_gateway)
		format_addr(gateway, route.gateway);
	if (has_route && p->good_route_device[0])
		snprintf(device, sizeof(device), "%s", p->good_route_device);
	else if (known && route.device[0])
		snprintf(device, sizeof(device), "%s", route.device);
	where_set(d, "neighbour", f->drop);
	snprintf(d->where.device, sizeof(d->where.device), "%s", device);
	say(WHY(d), "The reply never left: %s%s%s%s does not answer %s",
	    gateway[0] ? "the gateway " : "the load balancer's address ",
	    gateway[0] ? gateway : f->lb, device[0] ? " on " : "", device, resolution);
	if (known && route.neighbour[0])
		say(WHY(d), " (neighbour state %s)", route.neighbour);
	say(WHY(d), ".");
	if (gateway[0])
		add_advice(d, "Correct the gateway of the route back, or bring the gateway up.");
	else
		add_advice(d, "The route treats %s as directly attached: give it a gateway.", f->lb);
	if (!inside)
		SHOW_COMMAND(d, f->v6 ? "ip -6 route get %s" : "ip route get %s", f->lb);
	if (f->connected)
		d->code = f->late_code;
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
	else
		say(WHY(d), "%s %s", route_error(err), f->lb);
	if (special && p->route_failed && p->route.table)
		say(WHY(d), " (table %s)", format_table(table, p->route.table));
	say(WHY(d), ".");
	if (known && !route.err && route.text[0])
		say(WHY(d), " Asked afterwards, without the connection's own marks and ports, this "
			    "host finds one: %.120s.", route.text);
	else if (g.rule[0] && !(g.n_denials && g.denial.by_rule))
		say(WHY(d), " It looks in table %u first, by the routing rule %u (%s).",
		    g.n_denials ? g.denial.table : g.table, g.rule_priority, g.rule);
	fix_way_back(f, known && !route.err, &g, d);
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
		"the gateway's state.",
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
		"or a default route; make it permanent in the network configuration.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(ROUTE),
	.rule = { .absence = DEPARTURES, .match = match_no_route_back, .report = report_no_route_back },
};

const struct rule no_route_back_forwarded = { .match = match_no_route_back_forwarded, .report = report_no_route_back };
