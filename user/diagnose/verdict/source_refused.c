// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: routing refused the request, for its source or its destination. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/ask.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* ip_rcv_finish_core() drops for both: the source fails fib_validate_source(). */
static bool source_was_refused(const struct facts *f)
{
	static const char *const functions[] = { "ip_rcv_finish_core", "ip_rcv_finish",
						 "ip_list_rcv_finish", "ip_sublist_rcv",
						 "ip_sublist_rcv_finish" };

	return f->drop && !f->drop->reply && has_no_reason(f->drop) &&
	       function_in(f->drop, functions, N(functions));
}

static enum match match_rp_filter(const struct facts *f)
{
	static const char *const reasons[] = { "IP_RPFILTER" };
	struct host_route route;

	if (f->drop && !f->drop->reply && reason_in(f->drop, reasons, N(reasons)))
		return MATCH_CERTAIN;
	if (!source_was_refused(f))
		return NO_MATCH;
	if (f->p->route_failed)
		return MATCH_LIKELY;
	if (ask_route_back(f->given.host, f->p->tuple.target, f->p->tuple.lb, &route) ||
	    strncmp(route.text, "local ", 6) == 0)
		return NO_MATCH;
	return route.err || strcmp(route.device, f->p->device_in) != 0 ? MATCH_LIKELY : NO_MATCH;
}

static enum match match_martian_source(const struct facts *f)
{
	static const char *const reasons[] = { "IP_LOCAL_SOURCE", "IP_INVALID_SOURCE" };
	struct host_route route;

	if (f->drop && !f->drop->reply && reason_in(f->drop, reasons, N(reasons)))
		return MATCH_CERTAIN;
	if (!source_was_refused(f))
		return NO_MATCH;
	if (ask_route_back(f->given.host, f->p->tuple.target, f->p->tuple.lb, &route))
		return NO_MATCH;
	return strncmp(route.text, "local ", 6) == 0 ? MATCH_LIKELY : NO_MATCH;
}

/* ip_error(): the look-up found no local address, and this host does not forward. */
static enum match match_not_local(const struct facts *f)
{
	static const char *const reasons[] = { "IP_INADDRERRORS", "IP_INNOROUTES" };
	static const char *const functions[] = { "ip_error", "ip6_pkt_drop" };
	int64_t forwards;

	if (!f->drop || f->drop->reply)
		return NO_MATCH;
	if (dropped_for(f->drop, reasons, N(reasons), functions, N(functions)))
		return MATCH_CERTAIN;
	/* IPv6 finds the way on first, and then that it may not take it */
	return f->v6 && has_no_reason(f->drop) && is_forwarding(f->drop) &&
			       ask_sysctl(f->given.host, "net.ipv6.conf.all.forwarding",
					  &forwards) == 0 && !forwards
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

static int64_t conf_value(const struct facts *f, const char *device, const char *name)
{
	char key[CONF_KEY_LEN];
	int64_t value;

	return ask_sysctl(f->given.host, conf_key(key, false, device, name), &value) ? -1 : value;
}

/*
 * The filter asks for the answer's way, from the target's address as the firewall
 * left it: a way of its own back to the range is all it needs.  Loose filtering
 * is for where that cannot be made, as it is loose for all sources.
 */
static void fix_rp_filter(const struct facts *f, struct diagnosis *d)
{
	const char *device = f->p->device_in;
	struct host_gateway g;

	if (strcmp(f->address, f->inner_address) == 0 && fix_by_table(f, f->range, &g, d)) {
		add_advice(d, "Answers of %s to %s then leave by %s; the filter stays as strict as it "
			      "is.", f->address, f->range, device);
		return;
	}
	fix_conf(false, device, "rp_filter", 2, d);
	add_advice(d, "That makes the filter loose on %s, for all sources and not for %s alone, as the "
		      "greater value of all and %s counts; write it to a file in /etc/sysctl.d/ to "
		      "keep it. A route to %s over %s would leave it strict, and is needed, too, "
		      "where replies must leave by %s.",
		   device, f->range, device, f->range, device, device);
}

static void report_rp_filter(const struct facts *f, struct diagnosis *d)
{
	int64_t all = conf_value(f, "all", "rp_filter");
	int64_t dev = f->p->device_in[0] ? conf_value(f, f->p->device_in, "rp_filter") : -1;
	int64_t effective =
		all > dev ? all : dev; /* the kernel takes the greater: IN_DEV_RPFILTER */
	struct host_gateway g;
	struct host_route route;
	bool known = ask_route(f, &route);

	where_set(d, "route", f->drop);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->device_in);
	say(WHY(d), "Reverse-path filtering on %s dropped the %s from %s: ", device_in(f), f->what,
	    f->lb);
	if (known && !route.err && route.device[0] && strcmp(route.device, f->p->device_in) != 0)
		say(WHY(d), "the route back leads out of %s instead of %s", route.device,
		    device_in(f));
	else if ((known && route.err) || effective == 2 || f->p->route_failed)
		say(WHY(d), "this host has no route back to that address");
	else
		say(WHY(d), "the route back does not lead out of that device");
	if (known && !route.err && f->p->device_in[0] &&
	    strcmp(route.device, f->p->device_in) == 0)
		say(WHY(d), "; asked afterwards, it has one by %s", route.device);
	if (all >= 0 && dev >= 0)
		say(WHY(d), " (rp_filter: all %" PRId64 ", %s %" PRId64 ")", all, device_in(f),
		    dev);
	say(WHY(d), ".");
	/* loose filtering asks for any way back: only where there is none does it drop */
	if (known && !route.err && route.device[0] && f->p->device_in[0] &&
	    strcmp(route.device, f->p->device_in) != 0) {
		fix_rp_filter(f, d);
	} else {
		ask_way_back(f, &g);
		fix_way_back(f, known && !route.err, &g, d);
	}
}

/* No device has the address: a route of the type local takes it for this host's. */
static bool report_local_route(const struct facts *f, struct diagnosis *d)
{
	uint32_t netns;

	if (ask_address_netns(f->given.host, f->p->tuple.lb, &netns) != -ENOENT)
		return false;
	say(WHY(d), "A route of this host takes the probe's source %s for an address of this host itself "
		    "(its type is local), so the kernel dropped the %s as a forgery.", f->lb, f->what);
	add_advice(d, "No device has the address: find the local route that covers it, and delete that "
		      "route (ip route del local, with its destination and table).");
	SHOW_COMMAND(d, f->v6 ? "ip -6 route show table all type local" :
				"ip route show table all type local");
	return true;
}

static void report_martian_source(const struct facts *f, struct diagnosis *d)
{
	static const char *const no_host[] = { "IP_INVALID_SOURCE" }; /* nobody's: broadcast and the like */

	where_set(d, "route", f->drop);
	if (!reason_in(f->drop, no_host, N(no_host)) && report_local_route(f, d))
		return;
	say(WHY(d),
	    "The probe's source %s is an address of this host itself, so the kernel dropped the %s "
	    "as a forgery.",
	    f->lb, f->what);
	if (!reason_in(f->drop, no_host, N(no_host))) {
		/* whichever device has it, and however long its prefix is */
		FIX_COMMAND(d, f->v6 ? "ip -6 addr flush to %s/128" : "ip addr flush to %s/32", f->lb);
		add_advice(d, "That takes the address off the device that has it. Where a program or a "
			      "configuration file gives it to this host, take it out there, too.");
	} else {
		add_advice(d, "Take the address off the device that has it.");
	}
	SHOW_COMMAND(d, f->v6 ? "ip -6 addr show to %s" : "ip addr show to %s", f->lb);
}

void fix_not_local(const struct facts *f, bool forwards, struct diagnosis *d)
{
	/* without duplicate address detection: it is of use at once, even where others have it, too */
	if (f->p->device_in[0])
		FIX_COMMAND(d, f->v6 ? "ip -6 addr add %s/128 dev %s nodad" :
				       "ip addr add %s/32 dev %s", f->address, f->p->device_in);
	add_advice(d, "That is right where the address belongs to this host; if it does not, correct "
		      "the member's address at the load balancer.");
	if (forwards)
		add_advice(d, "If it belongs to a container or a host behind, add a route to it.");
	else
		add_advice(d, "If it belongs to a container or a host behind, switch forwarding on (%s), "
			      "and add a route to it.",
			   f->v6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward");
}

static void report_not_local(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "route", f->drop);
	say(WHY(d),
	    "The %s came in%s%s, but %s is no address of this host, and this host does not pass it "
	    "on.",
	    f->what, f->p->device_in[0] ? " on " : "", f->p->device_in, f->address);
	fix_not_local(f, false, d);
}

const struct verdict verdict_rp_filter = {
	.id = "rp-filter",
	.code = "CONNECT_TIMEOUT",
	.step = "5",
	.summary = "reverse-path filter dropped it",
	.meaning = "The kernel dropped the request because it would route the answer through "
		"another interface, or has no route to the load balancer at all (strict "
		"reverse-path filter).",
	.evidence = "The kernel gave the reverse-path filter as the reason of the drop.",
	.remedy = "Add a route, or a routing rule with its own table, so that answers leave by "
		"the interface of the request; or set net.ipv4.conf.DEV.rp_filter to 2 (the "
		"highest of 'all' and DEV counts), which loosens it for all sources.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(DROP),
	.rule = { .match = match_rp_filter, .report = report_rp_filter },
};

const struct verdict verdict_martian_source = {
	.id = "martian-source",
	.code = "CONNECT_TIMEOUT",
	.step = "5",
	.summary = "source address is this host's own",
	.meaning = "The probe's source is an address that this host believes to be its own, or one "
		"that cannot come from a network, so the kernel dropped it.",
	.evidence = "The kernel gave a local or invalid source address as the reason of the drop.",
	.remedy = "Remove the address from this host: look for it with 'ip addr' on dummy, ipvs "
		"and loopback devices.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(DROP),
	.rule = { .match = match_martian_source, .report = report_martian_source },
};

const struct verdict verdict_not_local = {
	.id = "not-local",
	.code = "CONNECT_TIMEOUT",
	.step = "3",
	.summary = "address is not this host's",
	.meaning = "The probe is for an address that neither this host nor one of its containers "
		"has.",
	.evidence = "The route look-up found no local address, and the packet was not forwarded; or "
		"this host passed it on, and it came back until its TTL ran out, or nobody answered. "
		"Of what a TPROXY rule handed to a proxy: no ip rule and local route make it local.",
	.remedy = "Correct the member's address at the load balancer, or add the address to this "
		"host; for a transparent proxy, add the ip rule and the local route of its mark.",
	.outcome = OUTCOME_FAIL,
	.rule = { .absence = AHEAD, .match = match_not_local, .report = report_not_local },
};
