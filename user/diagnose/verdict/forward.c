// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: to be forwarded (to a container, by DNAT) and dropped on the way. */
#include <stdio.h>
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/ask.h"
#include "diagnose/reasons.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

bool met_no_neighbour(const struct probe_incident *drop)
{
	return (drop->reason && strncmp(drop->reason, "NEIGH_", 6) == 0) ||
	       function_is(drop->function, "neigh_invalidate") ||
	       function_is(drop->function, "arp_error_report") ||
	       function_is(drop->function, "ndisc_error_report");
}

/* ip_forward() asks IPsec's policies, too. */
static bool is_policy_drop(const struct probe_incident *drop)
{
	return drop->reason && strcmp(drop->reason, "XFRM_POLICY") == 0;
}

enum match match_forward_drop(const struct facts *f)
{
	const struct probe_incident *drop = f->drop;

	if (!drop || drop->reply || drop->inside)
		return NO_MATCH;
	if (f->place.netfilter)
		return strcmp(f->place.hook, "FORWARD") == 0 ||
				       strcmp(f->place.hook, "POSTROUTING") == 0
			       ? MATCH_CERTAIN
			       : NO_MATCH;
	if (met_no_neighbour(drop))
		return MATCH_CERTAIN;
	if (is_policy_drop(drop))
		return NO_MATCH;
	return f->p->dnat.seen && (found_no_way(drop) || is_forwarding(drop)) ? MATCH_CERTAIN :
										NO_MATCH;
}

/* Is forwarding off for what comes in where the probe did?  *NAME: the setting that says so. */
static bool forwarding_is_off(const struct facts *f, const char **name,
			      char key[CONF_KEY_LEN])
{
	int64_t value;

	*name = f->v6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward";
	if (ask_sysctl(f->given.host, *name, &value) == 0 && !value)
		return true;
	if (!f->p->device_in[0])
		return false;
	*name = conf_key(key, f->v6, f->p->device_in, "forwarding");
	return ask_sysctl(f->given.host, key, &value) == 0 && !value;
}

/* " (NAT for 192.168.0.10:8080, by rule 2 of chain DOCKER, table nat (iptables-nft))" */
static void say_nat(const struct facts *f, struct diagnosis *d)
{
	struct culprit c;
	char words[256];
	size_t len;

	say(WHY(d), " (NAT for %s", f->target);
	if (culprit_of_rewrite(f, false, &c) && c.confidence != CONFIDENCE_GUESS) {
		rule_words(&c.rule, words, sizeof(words));
		len = strlen(words);
		if (len && words[len - 1] == ',')
			words[len - 1] = '\0';
		say(WHY(d), " by %s: %.160s", words, c.rule.text);
	}
	say(WHY(d), ")");
}

/* "The SYN from 100.125.10.5 was to go on to 172.17.0.2:80 (NAT for 192.168.0.10:8080), but " */
static void say_errand(const struct facts *f, struct diagnosis *d)
{
	say(WHY(d), "The %s from %s was to go on to %s", packet_words(f, f->drop), f->lb,
	    f->inner_target);
	if (f->p->dnat.seen)
		say_nat(f, d);
	say(WHY(d), ", but ");
}

static void report_forwarding_off(const struct facts *f, const char *name, struct diagnosis *d)
{
	where_set(d, "route", f->drop);
	say_errand(f, d);
	say(WHY(d), "this host does not forward: %s is 0.", name);
	if (strstr(name, ".conf.") && !strstr(name, ".all."))
		fix_conf(f->v6, f->p->device_in, "forwarding", 1, d);
	else if (f->v6)
		FIX_COMMAND(d, "sysctl -w net.ipv6.conf.all.forwarding=1");
	else
		FIX_COMMAND(d, "sysctl -w net.ipv4.ip_forward=1");
	add_advice(d, "Write it to a file in /etc/sysctl.d/ to keep it: something turned it off after "
		      "the container was published.");
}

static void report_no_way(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "route", f->drop);
	say_errand(f, d);
	say(WHY(d), "this host has no route to that address.");
	add_advice(d, "See whether the container's network is up; start the container again, or "
		      "correct the NAT rule's destination.");
	SHOW_COMMAND(d, f->v6 ? "ip -6 route get %s; ip -br addr" : "ip route get %s; ip -br addr",
		     f->inner_address);
}

/* In ip_forward() or ip6_forward() there was a route: something else ended it. */
static void report_not_forwarded(const struct facts *f, struct diagnosis *d)
{
	const char *reason = has_no_reason(f->drop) ? "no reason given" : f->drop->reason;
	const char *meaning = drop_meaning(f->drop->reason, f->drop->function);

	where_set(d, "route", f->drop);
	say_errand(f, d);
	if (ttl_ran_out(f)) {
		say(WHY(d), "its %s ran out here, ahead of the next hop.",
		    f->v6 ? "hop limit" : "TTL");
		add_advice(d, "Let what sends it begin with a greater %s, and see whether the NAT rule's "
			      "destination leads back to this host.", f->v6 ? "hop limit" : "TTL");
	} else {
		say(WHY(d), "the kernel dropped it in %s%s%s (%s).", f->drop->function,
		    meaning ? meaning_joint(meaning) : "", meaning ? meaning : "", reason);
		add_advice(d, "Look for the counter that grows with each probe; a route to that "
			      "address was found.");
	}
	SHOW_COMMAND(d, f->v6 ? "ip -6 route get %s; nstat -az" : "ip route get %s; nstat -az",
		     f->inner_address);
}

static void report_no_neighbour(const struct facts *f, struct diagnosis *d)
{
	const char *device = f->drop->device;

	where_set(d, "neighbour", f->drop);
	say_errand(f, d);
	say(WHY(d), "nobody there answers %s%s%s", f->v6 ? "neighbour discovery" : "ARP",
	    device[0] ? " on " : "", device);
	if (blame_own_rule(f, probe_inner_tuple(f->p).target, device, d))
		return;
	say(WHY(d), ".");
	add_advice(d, "See whether the container runs, and has that address (docker ps, docker "
		      "inspect); start it again, or correct the NAT rule's destination.");
	SHOW_COMMAND(d, "ip neigh show %s", f->inner_address);
}

static void report_forward_rule(const struct facts *f, struct diagnosis *d)
{
	report_firewall_drop(f, d);
	if (!f->culprit.named && strncmp(d->where.backend, "iptables", 8) == 0)
		add_advice(d, "With Docker, use chain DOCKER-USER instead, which it leaves alone.");
}

static void report_forward_drop(const struct facts *f, struct diagnosis *d)
{
	const char *name;
	char key[CONF_KEY_LEN];

	if (f->place.netfilter)
		report_forward_rule(f, d);
	else if (met_no_neighbour(f->drop))
		report_no_neighbour(f, d);
	else if (forwarding_is_off(f, &name, key))
		report_forwarding_off(f, name, d);
	else if (found_no_way(f->drop))
		report_no_way(f, d);
	else
		report_not_forwarded(f, d);
	if (f->p->icmp_left_ns) /* host or network unreachable */
		d->code = "CONNECT_FAILED";
	else if (f->connected)
		d->code = f->late_code;
}

bool report_localnet(const struct facts *f, struct diagnosis *d)
{
	int64_t allowed;
	char key[CONF_KEY_LEN];

	if (!f->p->dnat.seen || f->v6 || !f->p->device_in[0] || f->drop->reply || f->drop->inside ||
	    strncmp(f->inner_address, "127.", 4) != 0)
		return false;
	conf_key(key, false, f->p->device_in, "route_localnet");
	if (ask_sysctl(f->given.host, key, &allowed) == 0 && allowed)
		return false;
	where_set(d, "route", f->drop);
	say_errand(f, d);
	say(WHY(d), "the kernel takes nothing for 127.0.0.0/8 from a network (%s is 0).", key);
	add_advice(d, "Let the NAT rule name an address of this host, or use REDIRECT. %s=1 would let "
		      "it pass, too, but opens to that network what listens on 127.0.0.1.", key);
	return true;
}

const struct verdict verdict_forward_drop = {
	.id = "forward-drop",
	.code = "CONNECT_TIMEOUT",
	.step = "4, 5",
	.summary = "not forwarded to its container",
	.meaning = "The request was to be forwarded (to a container or by DNAT) and was dropped on "
		"the way.",
	.evidence = "The drop happened while forwarding: forwarding is off, a FORWARD rule matched, "
		"or there is no route to the container.",
	.remedy = "Set net.ipv4.ip_forward to 1, accept the load balancer's addresses in FORWARD "
		"(Docker: chain DOCKER-USER), and check the route to the container.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(DROP),
	.rule = { .match = match_forward_drop, .report = report_forward_drop },
};
