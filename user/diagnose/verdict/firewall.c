// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: the firewall dropped or refused; rule attribution (culprit.c) finds the rule. */
#include "diagnose/advice_rule.h"
#include "diagnose/verdict/report.h"

static enum match match_firewall_reject(const struct facts *f)
{
	return facts_rejected(f) ? MATCH_CERTAIN : NO_MATCH;
}

static enum match match_firewall_drop(const struct facts *f)
{
	if (!f->drop || f->drop->reply || !f->place.netfilter)
		return NO_MATCH;
	return f->place.possible ? MATCH_LIKELY : MATCH_CERTAIN;
}

void report_firewall_drop(const struct facts *f, struct diagnosis *d)
{
	const struct culprit *c = &f->culprit;
	char did[ACTION_LEN] = "", device[IFNAMSIZ + 8];
	bool unanswered;

	where_culprit(d, c, f->drop);
	say(did, sizeof(did), "%s the %s from %s to %s%s", rule_action(c, &unanswered),
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
		add_advice(d, "Or start the program that serves the queue.");
	if (f->connected)
		d->code = f->late_code;
}

static void report_firewall_reject(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	const struct probe_incident *sent = p->icmp_sent.seen ? &p->icmp_sent : &p->reset;
	bool by_reset = !p->icmp_sent.seen && !p->icmp_left_ns;
	char did[ACTION_LEN] = "";

	where_culprit(d, &f->culprit, f->drop ? f->drop : sent);
	say(did, sizeof(did), "refused the %s from %s to %s with %s (REJECT)",
	    f->connected ? "request" : f->what, f->lb, f->icmp ? f->address : f->target,
	    by_reset ? "a reset" : "an ICMP error");
	say_culprit(f, &f->culprit, true, did, d);
	fix_culprit(f, &f->culprit, d);
	if (f->connected)
		d->code = by_reset ? "CONNECT_INTERRUPT" : f->late_code;
}

const struct verdict verdict_firewall_drop = {
	.id = "firewall-drop",
	.code = "CONNECT_TIMEOUT",
	.step = "4",
	.summary = "firewall dropped it",
	.meaning = "A firewall rule of this host, or a chain's policy, dropped the request without "
		"an answer, so the load balancer waited until its timeout.",
	.evidence = "The kernel reported the drop inside netfilter, and its call stack the hook. The "
		"rule is named by nftables' own report, by the counters of the rules that can "
		"have dropped it, or else by reading them; how surely is said beside it.",
	.remedy = "Accept the load balancer's source addresses for the port ahead of the rule "
		"that drops them, and save the rules so that they outlast a reboot. Where a "
		"program wrote the rule, use that program's own command; a rule that filters by "
		"the reverse path wants a route back, and one that is meant so another check.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(DROP),
	.rule = { .absence = AHEAD, .match = match_firewall_drop, .report = report_firewall_drop },
};

const struct verdict verdict_firewall_reject = {
	.id = "firewall-reject",
	.code = "CONNECT_REFUSED",
	.step = "4",
	.summary = "firewall refused it",
	.meaning = "A firewall rule of this host answered the request with a reset or an ICMP "
		"error in the application's place.",
	.evidence = "The reset or ICMP error was sent from a REJECT rule, not by the socket layer.",
	.remedy = "Accept the load balancer's source addresses for the port ahead of the rule "
		"that rejects them.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(RESET_SENT),
	.rule = { .match = match_firewall_reject, .report = report_firewall_reject },
};
