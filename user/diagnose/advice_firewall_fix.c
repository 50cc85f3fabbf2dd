// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The command that lets a probe, or its reply, pass a firewall rule, in the right place. */
#include "advice_rule.h"

#include <stdio.h>
#include <string.h>

#include "firewall/names.h"
#include "ask.h"
#include "fw_kube.h"
#include "fw_owner.h"
#include "nf_packet.h"

static uint16_t port_of(const struct facts *f, const struct culprit *c)
{
	return c->outer ? f->port : f->inner_port;
}

static void iptables_match(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	if (c->too_big) {
		FIX_COMMAND(d, f->v6 ? "-p icmpv6 --icmpv6-type packet-too-big" :
				       "-p icmp --icmp-type fragmentation-needed");
		return;
	}
	FIX_COMMAND(d, "%s %s ", c->reply ? "-d" : "-s", f->range);
	if (f->icmp)
		FIX_COMMAND(d, f->v6 ? "-p icmpv6 --icmpv6-type %s" : "-p icmp --icmp-type %s",
			    c->reply ? "echo-reply" : "echo-request");
	else
		FIX_COMMAND(d, "-p %s %s %u", f->protocol, c->reply ? "--sport" : "--dport",
			    port_of(f, c));
}

/* nft adds by itself what tables netdev and bridge need besides: the protocol of the frame. */
static void nft_match(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	if (c->too_big) {
		FIX_COMMAND(d, f->v6 ? "icmpv6 type packet-too-big" :
				       "icmp type destination-unreachable icmp code frag-needed");
		return;
	}
	FIX_COMMAND(d, "%s %s %s ", f->v6 ? "ip6" : "ip", c->reply ? "daddr" : "saddr", f->range);
	if (f->icmp)
		FIX_COMMAND(d, "%s type %s", f->v6 ? "icmpv6" : "icmp",
			    c->reply ? "echo-reply" : "echo-request");
	else
		FIX_COMMAND(d, "%s %s %u", f->protocol, c->reply ? "sport" : "dport",
			    port_of(f, c));
}

static void advise_unnameable(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	command_clear(&d->fix.command);
	say(ADVICE(d),
	    "Let the program that made this table accept %s %s ahead of that rule: nft itself "
	    "cannot be told a name like that of its table or chain.",
	    c->reply ? "packets to" : "packets from", f->range);
}

static void iptables_command(const struct facts *f, const char *backend, const char *table,
			     struct diagnosis *d)
{
	FIX_COMMAND(d, "%s ", strcmp(backend, "iptables-legacy") == 0 ?
			      (f->v6 ? "ip6tables-legacy" : "iptables-legacy") :
			      (f->v6 ? "ip6tables-nft" : "iptables-nft"));
	if (strcmp(table, "filter") != 0)
		FIX_COMMAND(d, "-t %s ", table);
}

static void ebtables_match(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const char *ip = f->v6 ? "ip6" : "ip";

	FIX_COMMAND(d, "-p %s --%s-%s %s", f->v6 ? "IPv6" : "IPv4", ip,
		    c->reply ? "destination" : "source", f->range);
	if (f->icmp)
		FIX_COMMAND(d, f->v6 ? " --ip6-proto ipv6-icmp --ip6-icmp-type %s" :
				       " --ip-proto icmp --ip-icmp-type %s",
			    c->reply ? "echo-reply" : "echo-request");
	else
		FIX_COMMAND(d, " --%s-proto %s --%s-%s %u", ip, f->protocol, ip,
			    c->reply ? "sport" : "dport", port_of(f, c));
}

/* ---- with the rule known ---- */

static void fix_by_iptables(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const struct host_rule *r = &c->rule;
	bool bridge = strncmp(r->backend, "ebtables", 8) == 0;

	if (bridge)
		FIX_COMMAND(d, strcmp(r->table, "nat") == 0 ? "ebtables -t nat " : "ebtables ");
	else
		iptables_command(f, r->backend, r->table, d);
	FIX_COMMAND(d, "%s %s", r->policy && !r->behind_goto ? "-A" : "-I", r->chain);
	if (r->number > 1 && !r->policy)
		FIX_COMMAND(d, " %u", r->number);
	FIX_COMMAND(d, " ");
	if (bridge)
		ebtables_match(f, c, d);
	else
		iptables_match(f, c, d);
	FIX_COMMAND(d, " -j ACCEPT");
}

/* `insert rule … handle N` puts it ahead of that rule. */
static void fix_by_nft(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const struct host_rule *r = &c->rule;

	if (!nft_can_name(r->table) || !nft_can_name(r->chain)) {
		advise_unnameable(f, c, d);
		return;
	}
	FIX_COMMAND(d, "nft %s rule %s %s %s", r->policy && !r->behind_goto ? "add" : "insert",
		    r->family, r->table, r->chain);
	if (r->handle && !r->policy)
		FIX_COMMAND(d, " handle %lu", (unsigned long)r->handle);
	FIX_COMMAND(d, " ");
	nft_match(f, c, d);
	FIX_COMMAND(d, " accept");
}

/* nftables reports a rule by its handle; which element of its map took the packet, a walk tells. */
static void find_element(const struct facts *f, const struct culprit *c, struct host_rule *rule)
{
	struct host_packet packet;
	struct host_rules rules;

	if (!f->drop || !nf_packet_of(f->p, f->drop, &c->place, f->given.kernel, &packet))
		return;
	packet = nf_packet_unbound(&packet);
	if (ask_rules(f->given.host, &packet, &rules))
		return;
	for (size_t i = 0; i < rules.n && i < HOST_MAX_RULES; i++)
		if (rules.r[i].handle == rule->handle && rules.r[i].comment[0] &&
		    strcmp(rules.r[i].chain, rule->chain) == 0)
			memcpy(rule->comment, rules.r[i].comment, sizeof(rule->comment));
}

static void fix_by_rule(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const struct host_rule *r = &c->rule;
	bool forwarded = strcmp(c->place.hook, "FORWARD") == 0;
	struct fw_pass pass = { .range = f->range, .lb = f->lb, .protocol = f->protocol,
				.port = f->icmp ? 0 : port_of(f, c), .v6 = f->v6,
				.reply = c->reply, .forwarded = forwarded };
	struct host_rule rule = *r;
	struct fw_owner owner;
	bool owned = fw_owner_of(r, &owner);
	char meaning[320];

	if (owned && owner.id == OWNER_KUBE_PROXY && kube_proxy_lacks_service(r))
		find_element(f, c, &rule);
	if (owned && !c->too_big && c->confidence != CONFIDENCE_GUESS &&
	    *fw_owner_meaning(&owner, &rule, &pass, meaning, sizeof(meaning))) {
		end_sentence(d);
		say(WHY(d), " %s", meaning);
	}
	if (owned && !c->too_big && fw_owner_fix(&owner, &rule, &pass, &d->fix))
		return;
	if (strcmp(r->backend, "nft") == 0)
		fix_by_nft(f, c, d);
	else
		fix_by_iptables(f, c, d);
	if (!command_is_set(&d->fix.command))
		return;
	if (owned)
		say(ADVICE(d), "%s", fw_owner_remark(&owner, r));
	else if (forwarded && strncmp(r->backend, "iptables", 8) == 0)
		say(ADVICE(d), "With Docker, use chain DOCKER-USER instead, which it leaves alone.");
}

/* ---- with less known ---- */

static void fix_by_chain(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	if (strcmp(c->chain.backend, "nft") == 0) {
		if (!nft_can_name(c->chain.table) || !nft_can_name(c->chain.chain)) {
			advise_unnameable(f, c, d);
			return;
		}
		FIX_COMMAND(d, "nft insert rule %s %s %s ", c->chain.family, c->chain.table,
			    c->chain.chain);
		nft_match(f, c, d);
		FIX_COMMAND(d, " accept");
	} else if (c->place.bridge) {
		FIX_COMMAND(d, "ebtables -I %s ", c->chain.chain);
		ebtables_match(f, c, d);
		FIX_COMMAND(d, " -j ACCEPT");
	} else {
		iptables_command(f, c->chain.backend, c->chain.table, d);
		FIX_COMMAND(d, "-I %s ", c->chain.chain);
		iptables_match(f, c, d);
		FIX_COMMAND(d, " -j ACCEPT");
	}
}

/* Neither rule nor chain is known: what to look at, and what to let pass. */
static void fix_by_search(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	bool bridge = c->place.backend == NF_BACKEND_EBTABLES || c->place.bridge;

	if (c->place.backend == NF_BACKEND_LEGACY)
		SHOW_COMMAND(d, f->v6 ? "ip6tables-legacy-save -c" : "iptables-legacy-save -c");
	else if (bridge)
		SHOW_COMMAND(d, "ebtables -L; nft list ruleset bridge");
	else
		SHOW_COMMAND(d, "nft -a list ruleset");
	say(ADVICE(d), "Find the rule%s%s, and accept packets %s %s ahead of it.",
	    c->place.hook[0] ? " at hook " : "", c->place.hook, c->reply ? "to" : "from", f->range);
}

/* The command is for the namespace that the probe was forwarded into. */
static void fix_inside(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const char *space = f->p->inner_name;
	struct command bare = d->fix.command;

	if (!command_is_set(&bare))
		return;
	command_clear(&d->fix.command);
	/* the second command of two would be for this namespace again */
	if (space[0] && c->named && !strstr(bare.text, " && ")) {
		FIX_COMMAND(d, "ip netns exec %s ", space);
		command_append(&d->fix.command, &bare);
		return;
	}
	/* whose process it is, only a look tells */
	add_advice(d, "Run this in %s, which nsenter -n -t enters with the pid of a process there: ",
		   space[0] ? space : "the container");
	say(ADVICE(d), "%s", bare.text);
}

/* Does a rule on the SYN's way hand it to SYNPROXY, which then has to see the ACK, too? */
static bool is_behind_synproxy(const struct facts *f, const struct culprit *c)
{
	struct probe_incident syn;
	struct host_packet packet;
	struct host_rules rules;

	if (!f->tcp || c->reply || c->inside || !f->drop || !f->p->synack_ns ||
	    f->p->established_ns || f->drop->packet.tcp_flags & HCT_TCP_SYN)
		return false;
	syn = *f->drop;
	syn.packet.tcp_flags = HCT_TCP_SYN;
	if (!nf_packet_of(f->p, &syn, &c->place, f->given.kernel, &packet) ||
	    ask_rules(f->given.host, &packet, &rules))
		return false;
	for (size_t i = 0; i < rules.n && i < HOST_MAX_RULES; i++)
		if (strcasestr(rules.r[i].text, "synproxy"))
			return true;
	return false;
}

/* Adds the commands for what would drop the probe, or its answer, next. */
static void fix_next(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	struct culprit next[NEXT_MAX];
	size_t n = command_is_set(&d->fix.command) ? culprits_next(f, c, next) : 0;

	for (size_t i = 0; i < n; i++) {
		struct diagnosis more = { 0 };
		char words[256];

		fix_by_rule(f, &next[i], &more);
		rule_words(&next[i].rule, words, sizeof(words));
		add_advice(d, "Behind it, %s drops %s.", words,
			   next[i].reply && !c->reply ? "the answer" : "it, too");
		if (command_is_set(&more.fix.command)) {
			FIX_COMMAND(d, " && ");
			command_append(&d->fix.command, &more.fix.command);
		} else {
			add_advice(d, "%s", more.fix.advice);
		}
	}
}

void fix_culprit(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	if (is_behind_synproxy(f, c) && c->named && c->confidence != CONFIDENCE_GUESS &&
	    strcasestr(c->rule.text, "synproxy")) {
		add_advice(d, "The SYNPROXY rule itself dropped the ACK, as no answer to the SYN-ACK that it "
			      "sent: cookie_invalid in /proc/net/stat/synproxy counts them. If this goes on, "
			      "let SYNs of the load balancer's range pass without SYNPROXY.");
		return;
	}
	if (is_behind_synproxy(f, c)) {
		add_advice(d, "A SYNPROXY rule answers SYNs here, and has to see the ACK that follows: let "
			      "it take packets in state INVALID besides UNTRACKED, and stand ahead of the "
			      "rule that drops them.");
		return;
	}
	if (fix_reverse_path(f, c, d))
		return;
	if (f->drop && !f->drop->reply && f->drop->carriage & HCT_FRAGMENT) {
		add_advice(d, "It is a fragment, and only the first of them has ports, so that no rule by "
			      "port lets all of them pass: accept the fragments from %s ahead of that rule "
			      "(%s), or see why the packet is split at all.", f->range,
			   f->v6 ? "nft: exthdr frag exists; ip6tables: -m frag" :
				   "nft: ip frag-off & 0x1fff != 0; iptables: -f");
		return;
	}
	if (c->named)
		fix_by_rule(f, c, d);
	else if (c->found)
		fix_by_chain(f, c, d);
	else
		fix_by_search(f, c, d);
	if (c->inside)
		fix_inside(f, c, d);
	else
		fix_next(f, c, d);
}
