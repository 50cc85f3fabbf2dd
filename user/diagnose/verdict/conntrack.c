// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: connection tracking has no room for a packet, or calls it invalid. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/ask.h"
#include "diagnose/verdict/report.h"

/* nf_conntrack_in() has returned when the packet is dropped, so the call chain is bare. */
static enum match match_conntrack_full(const struct facts *f)
{
	int64_t count, max;

	if (!f->drop || !f->place.netfilter || f->place.backend != NF_BACKEND_UNKNOWN ||
	    f->place.queue)
		return NO_MATCH;
	if (f->culprit.named && f->culprit.confidence == CONFIDENCE_CERTAIN)
		return NO_MATCH;
	if (strcmp(f->place.hook, f->drop->reply ? "OUTPUT" : "PREROUTING") != 0)
		return NO_MATCH;
	if (ask_sysctl(f->given.host, "net.netfilter.nf_conntrack_count", &count) ||
	    ask_sysctl(f->given.host, "net.netfilter.nf_conntrack_max", &max))
		return NO_MATCH;
	return max > 0 && count >= max ? MATCH_LIKELY : NO_MATCH;
}

/*
 * The rule that dropped it asks for ct state invalid and for no other.  Where
 * only the chain is known: it has such a rule and none else that drops.
 */
static enum match match_conntrack_invalid(const struct facts *f)
{
	const struct culprit *c = &f->culprit;

	if (!f->drop || f->drop->reply || !f->place.netfilter || f->place.reject)
		return NO_MATCH;
	if (c->named && !culprit_is_invalid_only(c))
		return NO_MATCH;
	if (c->named)
		return c->confidence == CONFIDENCE_CERTAIN ? MATCH_CERTAIN : MATCH_LIKELY;
	return c->found && c->chain.drops_invalid && !c->chain.drops_else &&
			       strcmp(c->chain.policy, "drop") != 0
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

/* A first packet has no window and no beginning to miss: the packet itself must be wrong. */
static bool begins(const struct facts *f)
{
	return !f->tcp || f->drop->packet.tcp_flags & HCT_TCP_SYN;
}

/* Why conntrack cannot place the packet (nf_conntrack_proto_tcp.c, 6.18), as far as known. */
static void say_why_invalid(const struct facts *f, struct diagnosis *d)
{
	int64_t loose = 1;
	bool known = ask_sysctl(f->given.host, "net.netfilter.nf_conntrack_tcp_loose", &loose) == 0;

	if (begins(f)) {
		say(WHY(d), " A first packet is invalid when its checksum or its headers are wrong");
		say(WHY(d), f->tcp ? ", or when an older connection has the same ports." : ".");
		add_advice(d, "Capture it to see its checksum.");
		SHOW_COMMAND(d, "tcpdump -vnp -c 10 -i %s host %s",
			     f->p->device_in[0] ? f->p->device_in : "any", f->lb);
	} else if (known && !loose) {
		say(WHY(d), " Connection tracking did not see this connection's beginning, and "
			    "net.netfilter.nf_conntrack_tcp_loose=0 lets it take up none midway.");
		add_advice(d, "Look for a NOTRACK rule on SYNs, or for SYNs that take another path.");
	} else {
		say(WHY(d), " Its sequence numbers lie outside the window that connection tracking "
			    "expects, or it did not see the connection's beginning.");
		add_advice(d, "Look for paths on which only one direction crosses this host; "
			      "net.netfilter.nf_conntrack_tcp_be_liberal=1 is lenient.");
	}
}

static void report_conntrack_invalid(const struct facts *f, struct diagnosis *d)
{
	const struct culprit *c = &f->culprit;
	char did[ACTION_LEN] = "", device[IFNAMSIZ + 8];

	where_culprit(d, c, f->drop);
	on_device(device, f->p->device_in);
	if (c->named) {
		say(did, sizeof(did),
		    "dropped the %s from %s to %s%s, which connection tracking calls invalid",
		    packet_words(f, f->drop), f->lb, f->icmp ? f->address : f->target, device);
		say_culprit(f, c, false, did, d);
		end_sentence(d);
	} else {
		say(WHY(d),
		    "Connection tracking calls the %s from %s to %s%s invalid: chain %.63s of table "
		    "%.63s (%s) dropped it, and the only rules there that drop are on state "
		    "'invalid'.",
		    packet_words(f, f->drop), f->lb, f->icmp ? f->address : f->target, device,
		    c->chain.chain, c->chain.table, c->chain.backend);
	}
	if (begins(f)) {
		add_advice(d, "No rule helps against a wrong checksum or wrong headers: behind the "
			      "firewall the kernel refuses such a packet all the same.");
	} else {
		fix_culprit(f, c, d);
		if (command_is_set(&d->fix.command))
			add_advice(d, "That accepts it ahead of the rule; the cause stays.");
	}
	say_why_invalid(f, d);
	if (f->connected)
		d->code = f->late_code;
}

/* nf_conntrack_standalone.c: in a namespace of its own the limit can only be read. */
static void report_conntrack_full(const struct facts *f, struct diagnosis *d)
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
	FIX_COMMAND(d, "sysctl -w net.netfilter.nf_conntrack_max=%lu", (unsigned long)max * 2);
	if (f->p->netns_name[0])
		add_advice(d, "Run it outside %s: the limit is that of the whole host, and can only be "
			      "read in a network namespace.", f->p->netns_name);
	add_advice(d, "Then find what fills the table, and write the setting to a file in "
		      "/etc/sysctl.d/ to keep it.");
	SHOW_COMMAND(d, "conntrack -L | awk '{print $1,$4,$5}' | sort | uniq -c | sort -n | tail");
	if (f->connected)
		d->code = f->late_code;
}

const struct verdict verdict_conntrack_full = {
	.id = "conntrack-full",
	.code = "CONNECT_TIMEOUT",
	.step = "4, 6",
	.summary = "connection tracking table full",
	.meaning = "The table of tracked connections is full, so the kernel drops what would be "
		"new in it.",
	.evidence = "The drop came from connection tracking while nf_conntrack_count had reached "
		"nf_conntrack_max.",
	.remedy = "Raise net.netfilter.nf_conntrack_max, shorten its timeouts, or exempt the "
		"probes with a NOTRACK rule; then find out what fills the table.",
	.outcome = OUTCOME_FAIL,
	.rule = { .match = match_conntrack_full, .report = report_conntrack_full },
};

const struct verdict verdict_conntrack_invalid = {
	.id = "conntrack-invalid",
	.code = "CONNECT_TIMEOUT",
	.step = "4",
	.summary = "dropped as invalid state",
	.meaning = "A rule on connection state 'invalid' dropped the packet: connection tracking "
		"could not place it.",
	.evidence = "The rule that dropped it matches ct state invalid (iptables: --ctstate "
		"INVALID).",
	.remedy = "Look for asymmetric paths, where only one direction crosses this host, and for "
		"wrong checksums; accept the load balancer's addresses ahead of the rule.",
	.outcome = OUTCOME_FAIL,
	.rule = { .match = match_conntrack_invalid, .report = report_conntrack_invalid },
};
