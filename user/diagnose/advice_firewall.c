// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Advice: the firewall dropped or refused; backend, hook, table and chain as far as known. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "ask.h"
#include "reasons.h"
#include "rule_sets.h"

/* nft_do_chain() frees what it drops since 6.7; before, nf_hook_slow() did for every backend. */
#define KERNEL_NFT_FREES (6u << 8 | 7)

/* The chain that did it, or the candidates. */
struct culprit {
	struct nf_place place;
	bool found; /* exactly one chain can have done it */
	struct host_chain chain;
	size_t n_candidates;
	char candidates[200];
};

/* NAT chains decide about addresses; a DROP in them is refused by iptables. */
static bool can_drop(const struct host_chain *chain)
{
	return strcmp(chain->table, "nat") != 0;
}

static bool backend_fits(const struct facts *f, const struct nf_place *place,
			 const struct host_chain *chain)
{
	bool legacy = strcmp(chain->backend, "iptables-legacy") == 0;

	if ((strcmp(chain->family, "bridge") == 0) != place->bridge)
		return false;
	switch (place->backend) {
	case NF_BACKEND_NFT:
		return !legacy;
	case NF_BACKEND_LEGACY:
		return legacy;
	case NF_BACKEND_EBTABLES:
		return false;
	case NF_BACKEND_UNKNOWN:
		break;
	}
	/* a bare nf_hook_slow(): not nft, where nft frees by itself */
	return legacy || !f->given.kernel || f->given.kernel < KERNEL_NFT_FREES;
}

/*
 * The ladder's rungs (bpf/netfilter.bpf.c), each right behind a table's standard
 * priority: the drop lies between the last one reached and the next.
 */
static bool between_rungs(const struct probe_incident *drop, const char *hook,
			  const struct host_chain *chain)
{
	static const char *const hooks[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING" }; /* NF_INET_* */
	static const int32_t rungs[] = { -400, -299, -149, -99, 1, 51, 101 };

	if (!drop || !drop->rung.valid || drop->rung.hook >= sizeof(hooks) / sizeof(hooks[0]) ||
	    strcmp(hooks[drop->rung.hook], hook) != 0)
		return true;
	if (chain->priority < drop->rung.priority)
		return false;
	for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++)
		if (rungs[i] > drop->rung.priority)
			return chain->priority <= rungs[i];
	return true;
}

static void find_culprit(const struct facts *f, const struct nf_place *place, struct culprit *out)
{
	struct host_chains chains;
	char hook[32];

	memset(out, 0, sizeof(*out));
	out->place = *place;
	snprintf(hook, sizeof(hook), "%s%s", place->bridge ? "bridge " : "", place->hook);
	/* of a container's chains this host knows nothing */
	if (!place->hook[0] || (f->drop && f->drop->inside) ||
	    ask_chains(f->given.host, f->v6, hook, &chains))
		return;
	for (size_t i = 0; i < chains.n && i < HOST_MAX_CHAINS; i++) {
		const struct host_chain *c = &chains.c[i];

		if (!can_drop(c) || !backend_fits(f, place, c) ||
		    !between_rungs(f->drop, place->hook, c))
			continue;
		if (out->n_candidates++ == 0)
			out->chain = *c;
		say(out->candidates, sizeof(out->candidates), "%s%.16s %.12s %.30s %.30s",
		    out->candidates[0] ? ", " : "", c->backend, c->family, c->table, c->chain);
	}
	out->found = out->n_candidates == 1 && !chains.truncated;
}

static const char *backend_words(const struct culprit *c)
{
	if (c->found)
		return c->chain.backend;
	switch (c->place.backend) {
	case NF_BACKEND_NFT:
		return "nft";
	case NF_BACKEND_LEGACY:
		return "iptables-legacy";
	case NF_BACKEND_EBTABLES:
		return "ebtables";
	case NF_BACKEND_UNKNOWN:
		break;
	}
	return "";
}

static void where_netfilter(const struct culprit *c, const struct probe_incident *incident,
			    struct diagnosis *d)
{
	struct where *w = &d->where;

	where_set(d, "netfilter", incident);
	snprintf(w->backend, sizeof(w->backend), "%s", backend_words(c));
	snprintf(w->hook, sizeof(w->hook), "%s", c->place.hook);
	if (!c->found)
		return;
	snprintf(w->table, sizeof(w->table), "%s", c->chain.table);
	snprintf(w->chain, sizeof(w->chain), "%s", c->chain.chain);
}

/* "a rule in chain INPUT of table filter (iptables-legacy)", or as much as is known. */
static void say_culprit(const struct culprit *c, bool by_rule, struct diagnosis *d)
{
	if (c->found && !by_rule && strcmp(c->chain.policy, "drop") == 0)
		say(WHY(d), "A rule or the policy (drop) of chain %.63s in table %.63s (%s) ",
		    c->chain.chain, c->chain.table, c->chain.backend);
	else if (c->found)
		say(WHY(d), "A rule in chain %.63s of table %.63s (%s) ", c->chain.chain,
		    c->chain.table, c->chain.backend);
	else
		say(WHY(d), "A firewall rule%s%s%s%s ", c->place.hook[0] ? " at hook " : "",
		    c->place.hook, backend_words(c)[0] ? " of " : "", backend_words(c));
}

static void say_candidates(const struct culprit *c, struct diagnosis *d)
{
	if (!c->found && c->n_candidates > 1)
		say(WHY(d), " It is in one of: %s.", c->candidates);
}

/* The match for the probe, or for its reply, in iptables syntax. */
static void iptables_match(const struct facts *f, bool reply, struct diagnosis *d)
{
	say(FIX(d), "%s %s ", reply ? "-d" : "-s", f->range);
	if (f->icmp)
		say(FIX(d), f->v6 ? "-p icmpv6 --icmpv6-type %s" : "-p icmp --icmp-type %s",
		    reply ? "echo-reply" : "echo-request");
	else
		say(FIX(d), "-p %s %s %u", f->protocol, reply ? "--sport" : "--dport", f->inner_port);
}

static void nft_match(const struct facts *f, bool reply, struct diagnosis *d)
{
	say(FIX(d), "%s %s %s ", f->v6 ? "ip6" : "ip", reply ? "daddr" : "saddr", f->range);
	if (f->icmp)
		say(FIX(d), "%s type %s", f->v6 ? "icmpv6" : "icmp",
		    reply ? "echo-reply" : "echo-request");
	else
		say(FIX(d), "%s %s %u", f->protocol, reply ? "sport" : "dport", f->inner_port);
}

/* Accept the probe (or its REPLY) ahead of what drops it, in the words of the backend. */
static void fix_accept(const struct facts *f, const struct culprit *c, bool reply,
		       struct diagnosis *d)
{
	const char *six = f->v6 ? "6" : "";

	if (c->found && strcmp(c->chain.backend, "nft") == 0) {
		say(FIX(d), "nft insert rule %s %.63s %.63s ", c->chain.family, c->chain.table,
		    c->chain.chain);
		nft_match(f, reply, d);
		say(FIX(d), " accept");
		return;
	}
	if (c->found && c->place.bridge) {
		say(FIX(d), "ebtables -I %.63s -p %s --%s-%s %s", c->chain.chain,
		    f->v6 ? "IPv6" : "IPv4", f->v6 ? "ip6" : "ip",
		    reply ? "destination" : "source", f->range);
		if (!f->icmp)
			say(FIX(d), " --%s-proto %s --%s-%s %u", f->v6 ? "ip6" : "ip", f->protocol,
			    f->v6 ? "ip6" : "ip", reply ? "sport" : "dport", f->port);
		say(FIX(d), " -j ACCEPT");
		return;
	}
	if (c->found) {
		say(FIX(d), "ip%stables-%s ", six,
		    strcmp(c->chain.backend, "iptables-nft") == 0 ? "nft" : "legacy");
		if (strcmp(c->chain.table, "filter") != 0)
			say(FIX(d), "-t %.63s ", c->chain.table);
		say(FIX(d), "-I %.63s ", c->chain.chain);
		iptables_match(f, reply, d);
		say(FIX(d), " -j ACCEPT");
		return;
	}
	if (c->place.backend == NF_BACKEND_LEGACY) {
		say(FIX(d),
		    "Find the rule with 'ip%stables-legacy-save -c', and accept ahead of it: "
		    "ip%stables-legacy -I %s ",
		    six, six, c->place.hook[0] ? c->place.hook : "CHAIN");
		iptables_match(f, reply, d);
		say(FIX(d), " -j ACCEPT");
		return;
	}
	if (c->place.backend == NF_BACKEND_EBTABLES || c->place.bridge) {
		say(FIX(d),
		    "Find the rule with 'ebtables -L' or 'nft list ruleset bridge', and accept %s "
		    "ahead "
		    "of it.",
		    f->range);
		return;
	}
	say(FIX(d), "Find the rule with 'nft list ruleset'%s, and accept ahead of it: ",
	    c->place.backend == NF_BACKEND_NFT ? "" : " or 'iptables-save'");
	nft_match(f, reply, d);
	say(FIX(d), " accept");
}

void tell_firewall_drop(const struct facts *f, struct diagnosis *d)
{
	char device[IFNAMSIZ + 8];
	struct culprit c;

	find_culprit(f, &f->place, &c);
	where_netfilter(&c, f->drop, d);
	say_culprit(&c, false, d);
	say(WHY(d), "dropped the %s from %s to %s%s.", packet_words(f, f->drop), f->lb,
	    f->drop->inside ? f->inner_target : f->target,
	    f->drop->inside ? f->inside : on_device(device, f->p->device_in));
	say_candidates(&c, d);
	if (c.found && c.chain.drops_invalid)
		say(WHY(d), " Among its rules is one on connection state 'invalid'; whether it was "
			    "that one is not known.");
	if (f->drop->inside)
		say(FIX(d), "In %s (nsenter -n -t PID): ",
		    f->p->inner_name[0] ? f->p->inner_name : "the container");
	fix_accept(f, &c, false, d);
	if (f->connected)
		d->code = f->late_code;
}

void tell_firewall_reject(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	const struct probe_incident *sent = p->icmp_sent.seen ? &p->icmp_sent : &p->reset;
	struct nf_place place = nf_place(sent->seen ? sent : f->drop);
	bool by_reset = !p->icmp_sent.seen && !p->icmp_left_ns;
	struct culprit c;

	if (!place.hook[0] && f->drop)
		place.hook = f->place.hook;
	if (place.backend == NF_BACKEND_UNKNOWN)
		place.backend = f->place.backend;
	find_culprit(f, &place, &c);
	where_netfilter(&c, f->drop ? f->drop : sent, d);
	say_culprit(&c, true, d); /* a policy cannot reject */
	say(WHY(d), "refused the %s from %s to %s with %s (REJECT).",
	    f->connected ? "request" : f->what, f->lb, f->icmp ? f->address : f->target,
	    by_reset ? "a reset" : "an ICMP error");
	say_candidates(&c, d);
	fix_accept(f, &c, false, d);
	if (f->connected)
		d->code = by_reset ? "CONNECT_INTERRUPT" : f->late_code;
}

/*
 * The chain that drops has a rule on ct state invalid and no other that drops:
 * then it was that one.  With others beside it the verdict stays firewall-drop.
 */
enum match match_conntrack_invalid(const struct facts *f)
{
	struct culprit c;

	if (!f->drop || f->drop->reply || !f->place.netfilter || f->place.reject)
		return NO_MATCH;
	find_culprit(f, &f->place, &c);
	return c.found && c.chain.drops_invalid && !c.chain.drops_else &&
			       strcmp(c.chain.policy, "drop") != 0
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

/* Why conntrack cannot place the packet (nf_conntrack_proto_tcp.c, 6.18), as far as known. */
static void say_why_invalid(const struct facts *f, struct diagnosis *d)
{
	int64_t loose = 1;
	bool known = ask_sysctl(f->given.host, "net.netfilter.nf_conntrack_tcp_loose", &loose) == 0;
	bool begins = f->tcp && f->drop->packet.tcp_flags & HCT_TCP_SYN;

	if (!f->tcp || begins) {
		say(WHY(d), " A first packet is invalid when its checksum or its headers are wrong");
		say(WHY(d), begins ? ", or when an older connection has the same ports." : ".");
		say(FIX(d), "Capture it to see its checksum: tcpdump -vni %s host %s. ",
		    f->p->device_in[0] ? f->p->device_in : "any", f->lb);
	} else if (known && !loose) {
		say(WHY(d), " Connection tracking did not see this connection's beginning, and "
			    "net.netfilter.nf_conntrack_tcp_loose=0 lets it take up none midway.");
		say(FIX(d), "Look for a NOTRACK rule on SYNs, or for SYNs that take another path. ");
	} else {
		say(WHY(d), " Its sequence numbers lie outside the window that connection tracking "
			    "expects, or it did not see the connection's beginning.");
		say(FIX(d), "Look for paths on which only one direction crosses this host; "
			    "sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=1 is lenient. ");
	}
}

void tell_conntrack_invalid(const struct facts *f, struct diagnosis *d)
{
	char device[IFNAMSIZ + 8];
	struct culprit c;

	find_culprit(f, &f->place, &c);
	where_netfilter(&c, f->drop, d);
	say(WHY(d),
	    "Connection tracking calls the %s from %s to %s%s invalid: chain %.63s of table %.63s "
	    "(%s) dropped it, and the only rules there that drop are on state 'invalid'.",
	    packet_words(f, f->drop), f->lb, f->icmp ? f->address : f->target,
	    on_device(device, f->p->device_in), c.chain.chain, c.chain.table, c.chain.backend);
	say_why_invalid(f, d);
	say(FIX(d), "Or accept it ahead of the rule: ");
	fix_accept(f, &c, false, d);
	if (f->connected)
		d->code = f->late_code;
}

void tell_conntrack_full(const struct facts *f, struct diagnosis *d)
{
	int64_t count = 0, max = 0;

	where_set(d, "netfilter", f->drop);
	snprintf(d->where.hook, sizeof(d->where.hook), "%s", f->place.hook);
	ask_sysctl(f->given.host, "net.netfilter.nf_conntrack_count", &count);
	ask_sysctl(f->given.host, "net.netfilter.nf_conntrack_max", &max);
	say(WHY(d),
	    "The connection tracking table is full (%" PRId64 " of %" PRId64
	    " entries), so the kernel "
	    "dropped the %s from %s.",
	    count, max, packet_words(f, f->drop), f->lb);
	say(FIX(d),
	    "sysctl -w net.netfilter.nf_conntrack_max=%" PRId64 "; then find what fills it: "
	    "conntrack -L | awk '{print $1,$4,$5}' | sort | uniq -c | sort -n | tail",
	    max * 2);
	if (f->connected)
		d->code = f->late_code;
}

/* Who sent the reply. */
static const char *whose(const struct facts *f)
{
	return probe_forwarded(f->p) ? "the container's" : "this host's";
}

static void tell_reply_dropped_by_firewall(const struct facts *f, struct diagnosis *d)
{
	struct culprit c;

	find_culprit(f, &f->place, &c);
	where_netfilter(&c, f->drop, d);
	say_culprit(&c, false, d);
	say(WHY(d), "dropped %s own %s to %s.", whose(f), packet_words(f, f->drop), f->lb);
	say_candidates(&c, d);
	fix_accept(f, &c, true, d);
}

void tell_reply_dropped(const struct facts *f, struct diagnosis *d)
{
	const char *reason = f->drop->reason ? f->drop->reason : "";
	const char *meaning = reason_meaning(f->drop->reason);
	const char *device = f->drop->device[0]	   ? f->drop->device
			     : f->p->device_out[0] ? f->p->device_out
						   : "DEV";
	bool by_tc = strcmp(reason, "TC_EGRESS") == 0 ||
		     function_is(f->drop->function, "sch_handle_egress");
	bool by_qdisc = strncmp(reason, "QDISC", 5) == 0;

	if (f->connected)
		d->code = f->late_code;
	if (f->place.netfilter) {
		tell_reply_dropped_by_firewall(f, d);
		return;
	}
	where_set(d, "device", f->drop);
	if (by_tc || by_qdisc)
		say(WHY(d), "%s on %s dropped %s own %s to %s.",
		    by_tc ? "A tc egress filter" : "The queueing discipline", device, whose(f),
		    packet_words(f, f->drop), f->lb);
	else
		say(WHY(d), "The kernel dropped %s own %s to %s%s%s (%s%s%s).",
		    whose(f), packet_words(f, f->drop), f->lb, meaning ? meaning_joint(meaning) : "",
		    meaning ? meaning : "",
		    reason[0] ? reason : "no reason given",
		    f->drop->function ? ", in kernel function " : "",
		    f->drop->function ? f->drop->function : "");
	if (by_tc)
		say(FIX(d),
		    "tc filter show dev %s egress, and let packets to %s pass ahead of the "
		    "dropping filter.",
		    device, f->range);
	else if (by_qdisc)
		say(FIX(d),
		    "tc -s qdisc show dev %s; raise its limit or rate, or replace it: "
		    "tc qdisc replace dev %s root fq_codel",
		    device, device);
	else
		say(FIX(d),
		    "Look at 'ip -s link show dev %s' and 'nstat -az' for what grows with each "
		    "probe.",
		    device);
}
