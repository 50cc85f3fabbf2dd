// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: this host, or a container behind it, answered, and the answer was dropped here. */
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/reasons.h"
#include "diagnose/verdict/report.h"

static enum match match_reply_dropped(const struct facts *f)
{
	return f->drop && f->drop->reply ? MATCH_CERTAIN : NO_MATCH;
}

/* Who sent the reply. */
static const char *whose(const struct facts *f)
{
	return probe_forwarded(f->p) ? "the container's" : "this host's";
}

static void report_reply_dropped_by_firewall(const struct facts *f, struct diagnosis *d)
{
	const struct culprit *c = &f->culprit;
	char did[ACTION_LEN] = "";
	bool unanswered;

	where_culprit(d, c, f->drop);
	say(did, sizeof(did), "%s %s own %s to %s%s", rule_action(c, &unanswered), whose(f),
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

static void report_reply_dropped(const struct facts *f, struct diagnosis *d)
{
	const char *reason = f->drop->reason ? f->drop->reason : "";
	const char *meaning = reason_meaning(f->drop->reason);
	const char *device = f->drop->device[0] ? f->drop->device : f->p->device_out;
	char on[IFNAMSIZ + 8];
	bool by_tc = is_dropped_by_tc(f->drop);
	bool by_qdisc = strncmp(reason, "QDISC", 5) == 0;
	bool maybe_qdisc = !by_qdisc && is_freed_by_queue(f->drop);

	if (f->connected)
		d->code = f->late_code;
	if (f->place.netfilter) {
		report_reply_dropped_by_firewall(f, d);
		return;
	}
	where_set(d, "device", f->drop);
	on_device(on, device);
	if (by_tc || by_qdisc)
		say(WHY(d), "%s%s dropped %s own %s to %s.",
		    by_tc ? "A tc egress filter" : "The queueing discipline", on, whose(f),
		    packet_words(f, f->drop), f->lb);
	else if (maybe_qdisc)
		say(WHY(d), "The queueing discipline%s, or the device itself, dropped %s own %s to %s "
			    "(no reason given).", on, whose(f), packet_words(f, f->drop), f->lb);
	else
		say(WHY(d), "The kernel dropped %s own %s to %s%s%s (%s%s%s).",
		    whose(f), packet_words(f, f->drop), f->lb, meaning ? meaning_joint(meaning) : "",
		    meaning ? meaning : "",
		    reason[0] ? reason : "no reason given",
		    f->drop->function ? ", in kernel function " : "",
		    f->drop->function ? f->drop->function : "");
	if (by_tc)
		add_advice(d, "Let packets to %s pass ahead of the filter that drops.", f->range);
	else if (by_qdisc || maybe_qdisc)
		add_advice(d, "Raise its limit or rate, or replace it, for example by fq_codel.");
	else
		add_advice(d, "Look for the counter that grows with each probe.");
	if (by_tc && device[0])
		SHOW_COMMAND(d, "tc filter show dev %s egress; bpftool net show dev %s", device, device);
	else if (by_tc)
		SHOW_COMMAND(d, "bpftool net");
	else if ((by_qdisc || maybe_qdisc) && device[0])
		SHOW_COMMAND(d, "tc -s qdisc show dev %s", device);
	else if (by_qdisc || maybe_qdisc)
		SHOW_COMMAND(d, "tc -s qdisc");
	else
		SHOW_COMMAND(d, "nstat -az; ip -s link");
}

const struct verdict verdict_reply_dropped = {
	.id = "reply-dropped",
	.code = "CONNECT_TIMEOUT",
	.step = "2, 4",
	.summary = "the answer was dropped",
	.meaning = "The host answered, but dropped the answer on its way out: a firewall rule, a "
		"tc filter or a queue.",
	.evidence = "The drop of the answer, with its place, as the kernel reported it.",
	.remedy = "Accept packets to the load balancer's addresses in OUTPUT and POSTROUTING; for "
		"a queue, look at 'tc -s qdisc show dev DEV'.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(DROP),
	.rule = { .absence = AHEAD, .match = match_reply_dropped, .report = report_reply_dropped },
};
