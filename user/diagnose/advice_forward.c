// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Advice: dropped on the way to a container, or answered with another source. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "advice_rule.h"
#include "ask.h"
#include "rule_sets.h"

static const char *ip_command(const struct facts *f)
{
	return f->v6 ? "ip -6" : "ip";
}

/* Is forwarding off for what comes in where the probe did?  *NAME: the setting that says so. */
static bool forwarding_is_off(const struct facts *f, const char **name, char key[80])
{
	int64_t value;

	*name = f->v6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward";
	if (ask_sysctl(f->given.host, *name, &value) == 0 && !value)
		return true;
	if (!f->p->device_in[0] || strchr(f->p->device_in, '.'))
		return false;
	snprintf(key, 80, "net.ipv%c.conf.%.15s.forwarding", f->v6 ? '6' : '4', f->p->device_in);
	*name = key;
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

static void tell_forwarding_off(const struct facts *f, const char *name, struct diagnosis *d)
{
	where_set(d, "route", f->drop);
	say_errand(f, d);
	say(WHY(d), "this host does not forward: %s is 0.", name);
	say(FIX(d),
	    "sysctl -w %s=1, and in /etc/sysctl.d/ to keep it (something turned it off after the "
	    "container was published).",
	    name);
}

static void tell_no_way(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "route", f->drop);
	say_errand(f, d);
	say(WHY(d), "this host has no route to that address.");
	say(FIX(d),
	    "%s route get %s; is the container's network up (ip -br addr; docker network ls)? "
	    "Start the container again, or correct the NAT rule's destination.",
	    ip_command(f), f->inner_address);
}

static void tell_no_neighbour(const struct facts *f, struct diagnosis *d)
{
	const char *device = f->drop->device;

	where_set(d, "neighbour", f->drop);
	say_errand(f, d);
	say(WHY(d), "nobody there answers %s%s%s.", f->v6 ? "neighbour discovery" : "ARP",
	    device[0] ? " on " : "", device);
	say(FIX(d),
	    "Is the container running, and is that its address (docker ps; docker inspect; ip "
	    "neigh show %s)? Start it again, or correct the NAT rule's destination.",
	    f->inner_address);
}

static void tell_forward_rule(const struct facts *f, struct diagnosis *d)
{
	tell_firewall_drop(f, d);
	if (!f->culprit.named && strncmp(d->where.backend, "iptables", 8) == 0)
		say(FIX(d), " (with Docker: -I DOCKER-USER instead of %.15s)",
		    d->where.chain[0] ? d->where.chain : d->where.hook);
}

void tell_forward_drop(const struct facts *f, struct diagnosis *d)
{
	const char *reason = f->drop->reason ? f->drop->reason : "";
	const char *name;
	char key[80];

	if (f->place.netfilter)
		tell_forward_rule(f, d);
	else if (strncmp(reason, "NEIGH_", 6) == 0 ||
		 function_is(f->drop->function, "neigh_invalidate") ||
		 function_is(f->drop->function, "arp_error_report") ||
		 function_is(f->drop->function, "ndisc_error_report"))
		tell_no_neighbour(f, d);
	else if (forwarding_is_off(f, &name, key))
		tell_forwarding_off(f, name, d);
	else
		tell_no_way(f, d);
	if (f->p->icmp_left_ns) /* host or network unreachable */
		d->code = "CONNECT_FAILED";
	else if (f->connected)
		d->code = f->late_code;
}

bool tell_localnet(const struct facts *f, struct diagnosis *d)
{
	const char *device = f->p->device_in[0] ? f->p->device_in : "DEV";
	int64_t allowed;
	char key[80];

	if (!f->p->dnat.seen || f->v6 || f->drop->reply || f->drop->inside ||
	    strncmp(f->inner_address, "127.", 4) != 0)
		return false;
	snprintf(key, sizeof(key), "net.ipv4.conf.%.15s.route_localnet", device);
	if (ask_sysctl(f->given.host, key, &allowed) == 0 && allowed)
		return false;
	where_set(d, "route", f->drop);
	say_errand(f, d);
	say(WHY(d), "the kernel takes nothing for 127.0.0.0/8 from a network (%s is 0).", key);
	say(FIX(d),
	    "Let the NAT rule name an address of this host, or use REDIRECT; or allow it: "
	    "sysctl -w %s=1 (which opens what listens on 127.0.0.1 to that network).",
	    key);
	return true;
}

/* The chain that can have done it: of NAT, else any at the hook.  0, -ENOENT: none, or -errno. */
static int find_nat_chain(const struct facts *f, struct host_chain *out)
{
	struct host_chains chains;
	int err = ask_chains(f->given.host, f->v6, "POSTROUTING", &chains);

	if (err)
		return err;
	for (size_t i = 0; i < chains.n && i < HOST_MAX_CHAINS; i++) {
		const struct host_chain *c = &chains.c[i];

		if (strcmp(c->family, "bridge") == 0)
			continue;
		*out = *c;
		if (strcmp(c->table, "nat") == 0)
			return 0;
	}
	return out->chain[0] ? 0 : -ENOENT;
}

static void fix_rewritten(const struct facts *f, const struct host_chain *chain,
			  struct diagnosis *d)
{
	if (strncmp(chain->backend, "iptables", 8) == 0)
		say(FIX(d),
		    "Let replies to the load balancer pass ahead of the SNAT or MASQUERADE rule: "
		    "ip%stables-%s -t nat -I POSTROUTING -d %s -j ACCEPT",
		    f->v6 ? "6" : "", strcmp(chain->backend, "iptables-nft") == 0 ? "nft" : "legacy",
		    f->range);
	else
		say(FIX(d),
		    "Let replies to the load balancer pass ahead of the rule that rewrites them: "
		    "nft insert rule %s %.63s %.63s %s daddr %s accept",
		    chain->family, chain->table, chain->chain, f->v6 ? "ip6" : "ip", f->range);
	say(FIX(d), "; and let the requests be tracked (no NOTRACK): the answer to a tracked one "
		    "keeps its address.");
}

/* The rule that changed the reply's source.  False: none is known. */
static bool tell_rewriting_rule(const struct facts *f, struct diagnosis *d)
{
	struct culprit c;

	if (!culprit_of_rewrite(f, true, &c))
		return false;
	where_culprit(d, &c, NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->snat.device);
	say(WHY(d), " ");
	say_culprit(f, &c, true, "did that", d);
	fix_culprit(f, &c, d);
	say(FIX(d), "  # and let the requests be tracked (no NOTRACK): the answer to a tracked one "
		    "keeps its address");
	return true;
}

/* No rule is known: the chain that can have done it, if there is any. */
static void tell_rewriting_chain(const struct facts *f, struct diagnosis *d)
{
	struct host_chain chain = { 0 };
	int err = find_nat_chain(f, &chain);

	if (!err) {
		snprintf(d->where.backend, sizeof(d->where.backend), "%s", chain.backend);
		snprintf(d->where.hook, sizeof(d->where.hook), "POSTROUTING");
		snprintf(d->where.table, sizeof(d->where.table), "%s", chain.table);
		snprintf(d->where.chain, sizeof(d->where.chain), "%s", chain.chain);
		say(WHY(d), " A rule in chain %.63s of table %.63s (%s) can have done that.",
		    chain.chain, chain.table, chain.backend);
		fix_rewritten(f, &chain, d);
	} else if (err != -ENOENT) {
		say(FIX(d),
		    "Look for SNAT or MASQUERADE at POSTROUTING ('iptables-save -t nat', 'nft list "
		    "ruleset'), and let replies to %s pass ahead of it.",
		    f->range);
	} else {
		where_set(d, "application", NULL);
		say(WHY(d), " No NAT chain is there to do that: the application answered from "
			    "another address than it was asked at.");
		say(FIX(d),
		    "Make the service listen on %s itself instead of any address, so that it "
		    "answers from there.",
		    f->target);
	}
}

void tell_reply_rewritten(const struct facts *f, struct diagnosis *d)
{
	const struct probe_translation *snat = &f->p->snat;
	struct probe_incident left = { .reply = true, .packet = snat->packet };
	char source[ENDPOINT_TEXT_LEN];

	format_endpoint(source, snat->addr, f->icmp ? 0 : ntohs(snat->port));
	where_set(d, "netfilter", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", snat->device);
	say(WHY(d),
	    "The %s left%s%s with source %s instead of %s, so the load balancer does not take it "
	    "for an answer.",
	    packet_words(f, &left), snat->device[0] ? " by " : "", snat->device, source, f->target);
	if (f->p->dnat.seen && memcmp(snat->addr, f->p->dnat.addr, 16) == 0) {
		say(WHY(d), " It is the container's own address: the NAT was not undone on the "
			    "way back.");
		say(FIX(d),
		    "conntrack -L -s %s shows whether the connection is tracked; remove NOTRACK "
		    "rules for it, and what empties the table (conntrack -F).",
		    f->lb);
	} else if (!tell_rewriting_rule(f, d)) {
		tell_rewriting_chain(f, d);
	}
	if (f->connected)
		d->code = f->late_code;
}
