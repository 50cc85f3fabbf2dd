// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Verdict: not this host's address, where this host forwards: so it did not refuse
 * the request, but passed it on, or was about to.
 */
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/ask.h"
#include "diagnose/icmp_words.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

#define IS_LOOP 2 /* a packet that came back so often is in one */

bool is_forwarding(const struct probe_incident *drop)
{
	return function_is(drop->function, "ip_forward") ||
	       function_is(drop->function, "ip6_forward");
}

bool ttl_ran_out(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->drop || f->drop->reply || f->drop->inside || !is_forwarding(f->drop))
		return false;
	if (f->drop->reason && strcmp(f->drop->reason, "IP_INHDR") == 0)
		return true;
	return has_no_reason(f->drop) &&
	       ((p->icmp_sent.seen &&
		 icmp_is_ttl_exceeded(f->v6, p->icmp_sent.icmp_type, p->icmp_sent.icmp_code)) ||
		(p->icmp_left_ns &&
		 icmp_is_ttl_exceeded(f->v6, p->icmp_left_type, p->icmp_left_code)));
}

bool ask_way_on(const struct facts *f, struct host_forward_route *out)
{
	const char *device = f->p->n_devices_in ? f->p->devices_in[f->p->n_devices_in - 1] :
						  f->p->device_in;

	return device[0] && !ask_forward_route(f->given.host, f->p->tuple.lb, f->p->tuple.target,
					       device, 0, out);
}

/* Does no route of this host know the address, so that the default one takes it? */
static bool goes_by_default(const struct facts *f, struct host_forward_route *way)
{
	return ask_way_on(f, way) && !way->err && !way->local && way->by_default;
}

/* Does the way on lead to the address itself, on the very link by which the request came? */
static bool goes_back_to_its_link(const struct facts *f, struct host_forward_route *way)
{
	return f->p->device_in[0] && ask_way_on(f, way) && !way->err && !way->local &&
	       !way->has_gateway && !way->by_default &&
	       strncmp(way->device, f->p->device_in, sizeof(way->device)) == 0;
}

/* There nobody has the address, which was sent here: it is missing here. */
static bool met_nobody_on_its_link(const struct facts *f)
{
	struct host_forward_route way;

	return f->drop && !f->drop->reply && !f->drop->inside && met_no_neighbour(f->drop) &&
	       goes_back_to_its_link(f, &way);
}

static bool is_answered(const struct facts *f)
{
	const struct probe *p = f->p;

	return f->connected || p->synack_ns || p->reply_ns || p->inner_reply_ns ||
	       (p->host_rst_ns && !facts_rejected(f));
}

/* On its way to where the default route leads the firewall let it go no further. */
static enum match match_stopped_on_its_way(const struct facts *f)
{
	struct host_forward_route way;

	if (!f->drop || f->drop->reply || f->drop->inside || !f->place.netfilter ||
	    f->place.bridge ||
	    (strcmp(f->place.hook, "FORWARD") != 0 && strcmp(f->place.hook, "POSTROUTING") != 0) ||
	    !goes_by_default(f, &way))
		return NO_MATCH;
	/* who is a router for other networks has two interfaces for it */
	return strncmp(way.device, device_in(f), sizeof(way.device)) == 0 ? MATCH_CERTAIN :
									  MATCH_LIKELY;
}

static enum match match_not_local_forwarded(const struct facts *f)
{
	const struct probe *p = f->p;

	if (p->dnat.seen || is_answered(f))
		return NO_MATCH;
	if (ttl_ran_out(f))
		return MATCH_CERTAIN;
	if ((!f->drop && p->came_back >= IS_LOOP) || met_nobody_on_its_link(f))
		return MATCH_CERTAIN;
	return match_stopped_on_its_way(f);
}

/* Silence alone does not tell whether the address was to be this host's. */
static enum match match_not_local_passed_on(const struct facts *f)
{
	const struct probe *p = f->p;
	struct host_forward_route way;

	if (p->dnat.seen || p->inner_netns || is_answered(f) || f->drop || p->icmp_left_ns ||
	    p->reset.seen || f->early)
		return NO_MATCH;
	if (!p->passed_on) /* it waits for an answer to ARP or neighbour discovery, which comes to nothing */
		return goes_back_to_its_link(f, &way) ? MATCH_LIKELY : NO_MATCH;
	return goes_by_default(f, &way) &&
			       strncmp(way.device, p->passed_device, sizeof(way.device)) == 0
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

/* "to the router 192.168.0.1 by eth0" */
static void say_way_on(const struct facts *f, const struct host_forward_route *way, bool known,
		       struct diagnosis *d)
{
	const char *device = f->p->passed_on ? f->p->passed_device : known ? way->device : "";
	char gateway[ADDR_TEXT_LEN];

	if (known && way->has_gateway && strncmp(device, way->device, sizeof(way->device)) == 0)
		say(WHY(d), " to the router %s", format_addr(gateway, way->gateway));
	if (device[0])
		say(WHY(d), " by %s", device);
	if (known && way->by_default)
		say(WHY(d), " (the default route)");
}

static void say_stopped(const struct facts *f, struct diagnosis *d)
{
	struct diagnosis rule = *d;

	rule.why[0] = '\0';
	say_culprit(f, &f->culprit, facts_rejected(f),
		    facts_rejected(f) ? "refused it on the way" : "dropped it on the way", &rule);
	end_sentence(&rule);
	say(WHY(d), " %s", rule.why);
}

static void report_not_local_forwarded(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	const char *limit = f->v6 ? "hop limit" : "TTL";
	bool over = ttl_ran_out(f), nobody = !over && met_nobody_on_its_link(f);
	bool stopped = !over && !nobody && f->drop;
	struct host_forward_route way;
	bool known = ask_way_on(f, &way) && !way.err && !way.local;

	where_set(d, "route", f->drop);
	if (stopped)
		where_culprit(d, &f->culprit, f->drop);
	else if (!f->drop)
		snprintf(d->where.device, sizeof(d->where.device), "%s", p->passed_device);
	say(WHY(d), "The %s came in%s%s, but %s is no address of this host, so it was %spassed on",
	    f->what, p->device_in[0] ? " on " : "", p->device_in, f->address,
	    p->passed_on ? "" : "to be ");
	say_way_on(f, &way, known, d);
	if (p->came_back)
		say(WHY(d), "; it came back %u time%s", p->came_back, p->came_back == 1 ? "" : "s");
	if (over && p->came_back)
		say(WHY(d), ", until its %s ran out", limit);
	else if (over)
		say(WHY(d), ", but its %s ran out here", limit);
	else if (nobody)
		say(WHY(d), ", where nobody answers %s for it", f->v6 ? "neighbour discovery" : "ARP");
	say(WHY(d), ".");
	if (stopped)
		say_stopped(f, d);
	fix_not_local(f, true, d);
	SHOW_COMMAND(d, f->v6 ? "ip -6 route get %s; ip -br addr" : "ip route get %s; ip -br addr",
		     f->address);
	if (stopped && facts_rejected(f))
		d->code = "CONNECT_REFUSED";
	else if (p->icmp_left_ns && !f->udp)
		d->code = "CONNECT_FAILED";
}

static void report_not_local_passed_on(const struct facts *f, struct diagnosis *d)
{
	struct host_forward_route way;
	bool known = ask_way_on(f, &way);

	if (!known)
		memset(&way, 0, sizeof(way));
	where_set(d, "route", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s",
		 f->p->passed_on ? f->p->passed_device : way.device);
	say(WHY(d), "The %s came in%s%s, but %s is no address of this host, so it was %spassed on",
	    f->what, f->p->device_in[0] ? " on " : "", f->p->device_in, f->address,
	    f->p->passed_on ? "" : "to be ");
	say_way_on(f, &way, known, d);
	say(WHY(d), f->p->passed_on ? ", and nothing came back." :
				      ", and was not sent: nobody there has answered for it.");
	fix_not_local(f, true, d);
	SHOW_COMMAND(d, f->v6 ? "ip -6 route get %s; ip -br addr" : "ip route get %s; ip -br addr",
		     f->address);
}

const struct rule not_local_forwarded = {
	.absence = AHEAD,
	.match = match_not_local_forwarded,
	.report = report_not_local_forwarded,
};
const struct rule not_local_passed_on = {
	.absence = ARRIVALS | DEPARTURES,
	.match = match_not_local_passed_on,
	.report = report_not_local_passed_on,
};
