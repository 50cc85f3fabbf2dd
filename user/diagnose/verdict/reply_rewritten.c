// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: the answer left with another source than the probe was sent to. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/ask.h"
#include "diagnose/verdict/report.h"

/* Of TCP the numbers prove whose reply it was, of a datagram only the time. */
static enum match match_reply_rewritten(const struct facts *f)
{
	if (!f->p->snat.seen || f->answered || (f->connected && !f->http))
		return NO_MATCH;
	return f->tcp ? MATCH_CERTAIN : MATCH_LIKELY;
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

/* A reply to a tracked request keeps its address without any rule. */
static void advise_tracking(struct diagnosis *d)
{
	add_advice(d, "Let the requests be tracked, too (no NOTRACK rule for them): the answer to a "
		      "tracked one keeps its address.");
}

/* The rule that changed the reply's source.  False: none is known. */
static bool report_rewriting_rule(const struct facts *f, struct diagnosis *d)
{
	struct culprit c;

	if (!culprit_of_rewrite(f, true, &c))
		return false;
	where_culprit(d, &c, NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->snat.device);
	say(WHY(d), " ");
	say_culprit(f, &c, true, "did that", d);
	fix_culprit(f, &c, d);
	advise_tracking(d);
	return true;
}

/* No rule is known: the chain that can have done it, if there is any. */
static void report_rewriting_chain(const struct facts *f, struct diagnosis *d)
{
	struct culprit c = { .reply = true, .outer = true, .found = true };
	const struct host_chain *chain = &c.chain;
	int err = find_nat_chain(f, &c.chain);

	if (!err) {
		snprintf(d->where.backend, sizeof(d->where.backend), "%s", chain->backend);
		snprintf(d->where.hook, sizeof(d->where.hook), "POSTROUTING");
		snprintf(d->where.table, sizeof(d->where.table), "%s", chain->table);
		snprintf(d->where.chain, sizeof(d->where.chain), "%s", chain->chain);
		say(WHY(d), " A rule in chain %.63s of table %.63s (%s) can have done that.",
		    chain->chain, chain->table, chain->backend);
		fix_culprit(f, &c, d);
		advise_tracking(d);
	} else if (err != -ENOENT) {
		add_advice(d, "Look for SNAT or MASQUERADE at POSTROUTING, and let replies to %s pass "
			      "ahead of it.", f->range);
		SHOW_COMMAND(d, "iptables-save -t nat; nft list ruleset");
	} else {
		where_set(d, "application", NULL);
		say(WHY(d), " No NAT chain is there to do that: the application answered from "
			    "another address than it was asked at.");
		add_advice(d, "Make the service listen on %s itself instead of any address, so that it "
			      "answers from there.", f->target);
	}
}

static void report_reply_rewritten(const struct facts *f, struct diagnosis *d)
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
		add_advice(d, "See whether the connection is tracked; remove NOTRACK rules for it, and "
			      "what empties the table (conntrack -F).");
		SHOW_COMMAND(d, "conntrack -L -s %s", f->lb);
	} else if (!report_rewriting_rule(f, d)) {
		report_rewriting_chain(f, d);
	}
	if (f->connected)
		d->code = f->late_code;
}

const struct verdict verdict_reply_rewritten = {
	.id = "reply-rewritten",
	.code = "CONNECT_TIMEOUT",
	.step = "4, 5",
	.summary = "the answer's source was rewritten",
	.meaning = "The answer left with another source address or port than the probe was sent "
		"to, so the load balancer does not recognise it.",
	.evidence = "The answer was seen leaving with a changed source (SNAT or MASQUERADE).",
	.remedy = "Exempt the load balancer's addresses from the SNAT or MASQUERADE rule in "
		"POSTROUTING.",
	.outcome = OUTCOME_FAIL,
	.rule = { .match = match_reply_rewritten, .report = report_reply_rewritten },
};
