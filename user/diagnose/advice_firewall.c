// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Advice: the firewall dropped or refused; by which rule is culprit.c's to find out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "advice_rule.h"
#include "ask.h"
#include "reasons.h"
#include "rule_sets.h"

#define DID_LEN 320

/* What the rule did to the packet: "dropped", unless a program was to decide. */
static const char *deed(const struct culprit *c, bool *unanswered)
{
	*unanswered = c->place.queue || (c->named && c->rule.kind == RULE_QUEUE);
	return *unanswered ? "handed" : "dropped";
}

static const char *queue_words(const struct culprit *c, bool unanswered)
{
	if (!unanswered)
		return "";
	return c->place.queue ? " to a program by NFQUEUE, and none was there or it said no" :
				" to a program by NFQUEUE, and none answered";
}

void tell_firewall_drop(const struct facts *f, struct diagnosis *d)
{
	const struct culprit *c = &f->culprit;
	char did[DID_LEN] = "", device[IFNAMSIZ + 8];
	bool unanswered;

	where_culprit(d, c, f->drop);
	say(did, sizeof(did), "%s the %s from %s to %s%s", deed(c, &unanswered),
	    packet_words(f, f->drop), f->lb, f->drop->inside ? f->inner_target : f->target,
	    f->drop->inside ? f->inside : on_device(device, f->p->device_in));
	if (match_forward_drop(f) && f->p->dnat.seen)
		say(did, sizeof(did), ", on its way to %s", f->inner_target);
	say(did, sizeof(did), "%s", queue_words(c, unanswered));
	say_culprit(f, c, false, did, d);
	if (!c->named && c->found && c->chain.drops_invalid)
		say(WHY(d), " Among its rules is one on connection state 'invalid'; whether it was "
			    "that one is not known.");
	fix_culprit(f, c, d);
	if (unanswered)
		say(FIX(d), "  # or start the program that serves the queue");
	if (f->connected)
		d->code = f->late_code;
}

void tell_firewall_reject(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	const struct probe_incident *sent = p->icmp_sent.seen ? &p->icmp_sent : &p->reset;
	bool by_reset = !p->icmp_sent.seen && !p->icmp_left_ns;
	char did[DID_LEN] = "";

	where_culprit(d, &f->culprit, f->drop ? f->drop : sent);
	say(did, sizeof(did), "refused the %s from %s to %s with %s (REJECT)",
	    f->connected ? "request" : f->what, f->lb, f->icmp ? f->address : f->target,
	    by_reset ? "a reset" : "an ICMP error");
	say_culprit(f, &f->culprit, true, did, d);
	fix_culprit(f, &f->culprit, d);
	if (f->connected)
		d->code = by_reset ? "CONNECT_INTERRUPT" : f->late_code;
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
	const struct culprit *c = &f->culprit;
	char did[DID_LEN] = "", device[IFNAMSIZ + 8];

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
	say_why_invalid(f, d);
	say(FIX(d), "Or accept it ahead of the rule: ");
	fix_culprit(f, c, d);
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
	const struct culprit *c = &f->culprit;
	char did[DID_LEN] = "";
	bool unanswered;

	where_culprit(d, c, f->drop);
	say(did, sizeof(did), "%s %s own %s to %s%s", deed(c, &unanswered), whose(f),
	    packet_words(f, f->drop), f->lb, f->drop->inside ? f->inside : "");
	say(did, sizeof(did), "%s", queue_words(c, unanswered));
	say_culprit(f, c, false, did, d);
	fix_culprit(f, c, d);
}

/*
 * Without reasons (before 5.17) what __dev_queue_xmit() frees as a list was
 * refused by the device's queue, or met a device that is down.
 */
static bool is_freed_by_queue(const struct probe_incident *drop)
{
	if (drop->reason || !function_is(drop->function, "kfree_skb_list"))
		return false;
	for (size_t i = 0; i < drop->stack_len; i++)
		if (function_is(drop->stack[i], "__dev_queue_xmit"))
			return true;
	return false;
}

/*
 * Before 5.17 sch_handle_egress() is part of __dev_queue_xmit(), and nothing else there frees a
 * single packet.
 */
static bool is_dropped_by_tc(const struct probe_incident *drop)
{
	return (drop->reason && strcmp(drop->reason, "TC_EGRESS") == 0) ||
	       function_is(drop->function, "sch_handle_egress") ||
	       (!drop->reason && function_is(drop->function, "__dev_queue_xmit"));
}

void tell_reply_dropped(const struct facts *f, struct diagnosis *d)
{
	const char *reason = f->drop->reason ? f->drop->reason : "";
	const char *meaning = reason_meaning(f->drop->reason);
	const char *device = f->drop->device[0]	   ? f->drop->device
			     : f->p->device_out[0] ? f->p->device_out
						   : "DEV";
	bool by_tc = is_dropped_by_tc(f->drop);
	bool by_qdisc = strncmp(reason, "QDISC", 5) == 0;
	bool maybe_qdisc = !by_qdisc && is_freed_by_queue(f->drop);

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
	else if (maybe_qdisc)
		say(WHY(d), "The queueing discipline on %s, or the device itself, dropped %s own %s to %s "
			    "(no reason given).", device, whose(f), packet_words(f, f->drop), f->lb);
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
	else if (by_qdisc || maybe_qdisc)
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
