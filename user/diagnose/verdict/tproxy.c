// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Verdicts: a rule hands the request to a transparent proxy, and nobody listens
 * there, or routing does not bring it there.
 */
#include <stdio.h>
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/ask.h"
#include "diagnose/tproxy_rule.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

/* What became of a packet that such a rule had, or was to have. */
enum fate {
	FATE_NONE, /* nothing that such a rule explains */
	FATE_DROPPED, /* by the rule itself */
	FATE_TAKEN, /* a socket has it, and then it was to be forwarded: ip_forward() drops that */
	FATE_NOT_LOCAL, /* nothing makes it local, and this host does not forward */
	FATE_PASSED_ON
};

static enum fate fate_of(const struct facts *f)
{
	const struct probe_incident *drop = f->drop;
	const struct probe *p = f->p;

	if (f->connected || p->synack_ns || p->reply_ns || p->inner_reply_ns || p->dnat.seen ||
	    f->icmp)
		return FATE_NONE;
	if (!drop)
		return p->passed_on && !p->host_rst_ns ? FATE_PASSED_ON : FATE_NONE;
	if (drop->reply || drop->inside)
		return FATE_NONE;
	if (f->place.netfilter)
		return strcmp(f->place.hook, "PREROUTING") == 0 && f->culprit.named &&
				       f->culprit.rule.kind == RULE_TPROXY
			       ? FATE_DROPPED
			       : FATE_NONE;
	if (ttl_ran_out(f))
		return FATE_PASSED_ON;
	if (is_forwarding(drop) && has_no_reason(drop) && !p->icmp_left_ns && !p->icmp_sent.seen)
		return FATE_TAKEN;
	return found_no_way(drop) ? FATE_NOT_LOCAL : FATE_NONE;
}

/* FATE, and the rule T that explains it. */
static enum fate fate_by_rule(const struct facts *f, struct tproxy *t)
{
	enum fate fate = fate_of(f);

	if (fate == FATE_DROPPED)
		tproxy_of_culprit(f, &f->culprit, t);
	else if (fate && !tproxy_find(f, t))
		return FATE_NONE;
	return fate;
}

/* iptables drops what no socket takes; nftables' rule then does not match, and the packet goes on. */
static bool drops(const struct tproxy *t)
{
	return strcmp(t->culprit.rule.backend, "nft") != 0;
}

static enum match match_nobody(const struct facts *f)
{
	struct host_listener who;
	struct tproxy t;

	switch (fate_by_rule(f, &t)) {
	case FATE_DROPPED:
		return t.culprit.confidence == CONFIDENCE_CERTAIN ? MATCH_CERTAIN : MATCH_LIKELY;
	case FATE_NOT_LOCAL:
	case FATE_PASSED_ON:
		if (drops(&t))
			return NO_MATCH;
		switch (tproxy_listener(f, &t, &who)) {
		case TPROXY_NOBODY:
		case TPROXY_ELSEWHERE:
			return MATCH_LIKELY;
		default:
			return NO_MATCH;
		}
	default:
		return NO_MATCH;
	}
}

static enum match match_tproxy_nobody_listens(const struct facts *f)
{
	return f->tcp ? match_nobody(f) : NO_MATCH;
}

static enum match match_tproxy_nobody_receives(const struct facts *f)
{
	return f->udp ? match_nobody(f) : NO_MATCH;
}

/* Does what has T's mark come to this host's sockets?  False, too, where that is not known. */
static bool is_made_local(const struct facts *f, const struct tproxy *t,
			  struct host_forward_route *way, bool *known)
{
	*known = t->has_mark && f->p->device_in[0] &&
		 !ask_forward_route(f->given.host, f->p->tuple.lb, f->p->tuple.target,
				    f->p->device_in, t->mark, way);
	if (!*known)
		memset(way, 0, sizeof(*way));
	return *known && !way->err && way->local;
}

static enum match match_tproxy_no_route(const struct facts *f)
{
	struct host_forward_route way;
	struct host_listener who;
	struct tproxy t;
	enum fate fate = fate_by_rule(f, &t);
	bool known;

	if (fate != FATE_TAKEN && fate != FATE_NOT_LOCAL)
		return NO_MATCH;
	if (is_made_local(f, &t, &way, &known))
		return NO_MATCH;
	if (fate == FATE_TAKEN)
		return t.alone && (known || !t.has_mark) ? MATCH_CERTAIN : MATCH_LIKELY;
	/* without a socket nftables' rule has no part in it */
	if (!drops(&t) && tproxy_listener(f, &t, &who) != TPROXY_SOMEBODY)
		return NO_MATCH;
	return known ? MATCH_LIKELY : NO_MATCH;
}

/* "a transparent proxy on port 3129" */
static void say_proxy(char *text, size_t size, const struct tproxy *t)
{
	char address[ADDR_TEXT_LEN];

	say(text, size, "a transparent proxy");
	if (t->port && t->has_address)
		say(text, size, " on port %u of %s", t->port, format_addr(address, t->address));
	else if (t->port)
		say(text, size, " on port %u", t->port);
}

/* A mark as `ip rule` takes it: "1", "0x4000/0x4000". */
static void put_mark(char *out, size_t size, const struct tproxy *t)
{
	const char *format = t->mark < 10 ? "%u" : "0x%x";
	size_t len;

	snprintf(out, size, format, t->mark);
	len = strlen(out);
	if (t->mask == UINT32_MAX)
		return;
	format = t->mask < 10 ? "/%u" : "/0x%x";
	snprintf(out + len, size - len, format, t->mask);
}

static void show_proxy(const struct facts *f, const struct tproxy *t, struct diagnosis *d)
{
	char filter[24];

	if (!t->port)
		return;
	snprintf(filter, sizeof(filter), "sport = :%u", t->port);
	SHOW_COMMAND(d, f->udp ? "ss -Hulnp %s" : "ss -Htlnp %s", filter);
}

/* Adds the commands that make what has T's mark local.  False: some of them are not known. */
static bool put_marked_route(const struct facts *f, const struct tproxy *t,
			     const struct host_forward_route *way, struct command *out)
{
	uint32_t table = way->mark_table ? way->mark_table :
			 way->local_table ? way->local_table : way->free_table;
	char mark[32];

	if (!t->has_mark || !table)
		return false;
	put_mark(mark, sizeof(mark), t);
	if (!way->mark_table)
		command_add(out, f->v6 ? "ip -6 rule add fwmark %s lookup %u" :
					 "ip rule add fwmark %s lookup %u", mark, table);
	if (way->local_table == table)
		return command_is_set(out);
	if (command_is_set(out))
		command_add(out, " && ");
	if (table == way->free_table)
		command_add(out, f->v6 ? "ip -6 route add local default dev lo table %u" :
					 "ip route add local default dev lo table %u", table);
	else /* another route to everywhere in that table would be in its way */
		command_add(out, f->v6 ? "ip -6 route replace local default dev lo table %u" :
					 "ip route replace local default dev lo table %u", table);
	return true;
}

/* Who listens there, if anybody, and what to do about it. */
static void say_proxy_missing(const struct facts *f, const struct tproxy *t, struct diagnosis *d)
{
	struct host_listener who;
	char address[ADDR_TEXT_LEN];

	switch (tproxy_listener(f, t, &who)) {
	case TPROXY_ELSEWHERE:
		say(WHY(d), " ");
		say_process(WHY(d), &who);
		say(WHY(d), " listens on that port of %s only.", format_addr(address, who.addr));
		add_advice(d, "Make the proxy listen on port %u of all addresses, or name its "
			      "address in the rule (%s).", t->port,
			   drops(t) ? "--on-ip" : "tproxy to ADDRESS:PORT");
		break;
	case TPROXY_SOMEBODY:
		say(WHY(d), " ");
		say_process(WHY(d), &who);
		say(WHY(d), " listens on that port by now, or not as a transparent proxy "
			    "(IP_TRANSPARENT).");
		add_advice(d, "Switch the proxy's transparent mode on, where it is off; there is "
			      "nothing to do if it was just starting.");
		break;
	default:
		if (t->port)
			add_advice(d, "Start the proxy that belongs on port %u.", t->port);
		else
			add_advice(d, "Start the proxy that the rule sends to.");
	}
	show_proxy(f, t, d);
}

static void report_tproxy_nobody(const struct facts *f, struct diagnosis *d)
{
	char did[ACTION_LEN] = "", device[IFNAMSIZ + 8];
	struct host_forward_route way;
	struct command route = { .text = "" };
	struct host_listener who;
	struct tproxy t;
	enum fate fate = fate_by_rule(f, &t);
	bool known, nobody = tproxy_listener(f, &t, &who) == TPROXY_NOBODY;

	where_culprit(d, &t.culprit, f->drop);
	say(did, sizeof(did), "sends the %s from %s to %s%s to ", f->what, f->lb, f->target,
	    on_device(device, f->p->device_in));
	say_proxy(did, sizeof(did), &t);
	say(did, sizeof(did), ", %s%s", nobody ? "where nobody listens" : "where no proxy took it",
	    fate == FATE_DROPPED ? ", and so dropped it" : ", so it did not match");
	if (fate == FATE_PASSED_ON)
		say(did, sizeof(did), " and the %s was passed on", f->what);
	say_culprit(f, &t.culprit, false, did, d);
	end_sentence(d);
	say_proxy_missing(f, &t, d);
	if (!is_made_local(f, &t, &way, &known) && known &&
	    put_marked_route(f, &t, &way, &route))
		add_advice(d, "Routing does not deliver to it either: '%s'.", route.text);
	d->code = f->p->icmp_left_ns ? "CONNECT_FAILED" : "CONNECT_TIMEOUT";
}

static void report_tproxy_nobody_receives(const struct facts *f, struct diagnosis *d)
{
	report_tproxy_nobody(f, d);
	if (f->asks) {
		d->outcome = OUTCOME_FAIL;
		return;
	}
	d->code = NULL;
	say(NOTE(d), "False healthy: the load balancer takes the silence for health.");
}

static void report_tproxy_no_route(const struct facts *f, struct diagnosis *d)
{
	char did[ACTION_LEN] = "", device[IFNAMSIZ + 8], mark[32];
	struct host_forward_route way;
	struct tproxy t;
	bool known;

	fate_by_rule(f, &t);
	is_made_local(f, &t, &way, &known);
	put_mark(mark, sizeof(mark), &t);
	where_culprit(d, &t.culprit, f->drop);
	snprintf(d->where.layer, sizeof(d->where.layer), "route");
	say(did, sizeof(did), "hands the %s from %s to %s%s to ", f->what, f->lb, f->target,
	    on_device(device, f->p->device_in));
	say_proxy(did, sizeof(did), &t);
	if (t.has_mark)
		say(did, sizeof(did), " and marks it with %s", mark);
	say_culprit(f, &t.culprit, false, did, d);
	end_sentence(d);
	say(WHY(d), " But %s is no address of this host, and ", f->address);
	if (!t.has_mark)
		say(WHY(d), "no mark is known by which routing delivers it here all the same");
	else if (known && way.mark_table)
		say(WHY(d), "table %u, where an ip rule sends that mark, has no local route",
		    way.mark_table);
	else if (known && way.local_table)
		say(WHY(d), "the local route is in table %u, but for fwmark %s no ip rule leads there",
		    way.local_table, mark);
	else
		say(WHY(d), "for fwmark %s the ip rule and the local route of its table are missing",
		    mark);
	say(WHY(d), ", so it did not reach the proxy.");
	if (known && put_marked_route(f, &t, &way, &d->fix.command))
		add_advice(d, "That lasts until the next start: let what sets the firewall's rule up set "
			      "this up, too.");
	else
		add_advice(d, "Let the rule mark what it hands over, and route what has that mark to "
			      "this host: an ip rule (fwmark), and a local route to everywhere in its "
			      "table.");
	SHOW_COMMAND(d, f->v6 ? "ip -6 rule; ip -6 route show table all type local" :
				"ip rule; ip route show table all type local");
}

bool report_tproxy_unmatched(const struct facts *f, struct diagnosis *d)
{
	char did[ACTION_LEN] = "";
	struct host_listener who;
	enum tproxy_listener found;
	struct tproxy t;

	if (f->p->dnat.seen || f->p->inner_netns || !tproxy_find(f, &t) || drops(&t))
		return false;
	found = tproxy_listener(f, &t, &who);
	if (found != TPROXY_NOBODY && found != TPROXY_ELSEWHERE)
		return false;
	where_culprit(d, &t.culprit, f->drop);
	snprintf(d->where.layer, sizeof(d->where.layer), "socket");
	d->confidence = CONFIDENCE_LIKELY;
	say(did, sizeof(did), "sends the %s from %s to %s to ", f->what, f->lb, f->target);
	say_proxy(did, sizeof(did), &t);
	say(did, sizeof(did), ", %s, so it did not match",
	    found == TPROXY_NOBODY ? "where nobody listens" : "where no proxy took it");
	say_culprit(f, &t.culprit, false, did, d);
	end_sentence(d);
	say_proxy_missing(f, &t, d);
	say(WHY(d), " On %s itself nobody listens, so the kernel %s.", f->target,
	    f->tcp ? "refused the connection with a reset" : "answered 'port unreachable'");
	return true;
}

const struct rule tproxy_nobody_listens = {
	.absence = AHEAD,
	.match = match_tproxy_nobody_listens,
	.report = report_tproxy_nobody,
};
const struct rule tproxy_nobody_receives = {
	.absence = AHEAD,
	.match = match_tproxy_nobody_receives,
	.report = report_tproxy_nobody_receives,
};
const struct rule tproxy_no_route = {
	.absence = AHEAD,
	.match = match_tproxy_no_route,
	.report = report_tproxy_no_route,
};
