// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: the answer left this host, and the load balancer never confirmed it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/ask.h"
#include "diagnose/advice_rule.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

static bool never_acknowledged(const struct facts *f)
{
	return f->tcp && !f->connected && f->p->synack_ns && !f->early;
}

static enum match match_wrong_interface(const struct facts *f)
{
	const struct probe *p = f->p;

	return never_acknowledged(f) && p->device_in[0] && p->device_out[0] &&
			       !p->left_where_it_came
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

static enum match match_reply_lost(const struct facts *f)
{
	const struct probe *p = f->p;

	if (never_acknowledged(f))
		return p->synack_left > 1 || p->synack_retransmits ? MATCH_CERTAIN : MATCH_LIKELY;
	if (f->extent.numbered && f->connected && p->first_byte_ns)
		return f->extent.arrived || !p->retransmits || f->satisfied_by_status ? NO_MATCH :
		       !f->lb_end_ns || f->lb_at_timeout ? MATCH_CERTAIN : MATCH_LIKELY;
	/* the handshake passed, the answer did not: too big for the path, more often than not */
	return f->connected && f->answered && p->retransmits && !f->early && !f->drop &&
			       (!p->http_response.valid ||
				facts_status_expected(f->s, p->http_response.status))
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

static void fix_wrong_interface(const struct facts *f, struct diagnosis *d)
{
	struct host_gateway g;

	if (fix_by_table(f, f->range, &g, d))
		return;
	add_advice(d, "Send replies from %s back by %s: give them a rule and a table of their own.",
		   f->address, f->p->device_in);
	advise_unknown_router(f, &g, d);
}

static void report_wrong_interface(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	struct host_route route;
	bool known = ask_route(f, &route);

	where_set(d, "route", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", p->device_out);
	say(WHY(d), "The SYN came in on %s, but the SYN-ACK left by %s", p->device_in,
	    p->device_out);
	if (known && !route.err && strcmp(route.device, p->device_out) == 0)
		say(WHY(d), " (route: %.160s)", route.text);
	say(WHY(d), ", and was never acknowledged: the network drops replies that leave by another "
		    "interface.");
	fix_wrong_interface(f, d);
}

#define BIG_BYTES 1000 /* of payload: nearly all paths take packets of 1,280 bytes, RFC 8200 */

/* A router said that the answer is too big for the path, and this host dropped that. */
static void report_too_big_dropped(const struct facts *f, struct diagnosis *d)
{
	struct culprit c;

	culprit_of_too_big(f, &c);
	where_culprit(d, &c, &f->p->too_big);
	say(WHY(d), " A router told this host so (ICMP%s), but ",
	    f->v6 ? "v6 packet too big" : " fragmentation needed");
	if (!nf_place(&f->p->too_big).netfilter) {
		say(WHY(d), "the kernel dropped that.");
		return;
	}
	say(WHY(d), "the firewall of this host drops that. ");
	say_culprit(f, &c, false, "dropped it", d);
	fix_culprit(f, &c, d);
}

/* The handshake passed, the answer did not. */
static void report_lost_answer(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	const struct extent *e = &f->extent;
	bool big = p->biggest_sent >= BIG_BYTES && p->biggest_acked < p->biggest_sent;
	const char *device = p->device_out[0] ? p->device_out : "the device";

	say(WHY(d), "The answer left%s%s and was sent again %u time%s, but the load balancer "
		    "acknowledged ",
	    p->device_out[0] ? " by " : "", p->device_out, p->retransmits,
	    p->retransmits == 1 ? "" : "s");
	if (e->numbered && e->acked)
		say(WHY(d), "%" PRIu64 " of %" PRIu64 " bytes", e->acked, e->sent);
	else
		say(WHY(d), "none of it");
	if (!big) {
		say(WHY(d), ": something beyond this host drops it.");
		add_advice(d, "Look outside this host: at the network ACL of the subnet (it keeps no "
			       "state), the security group's outbound rules, and the path to %s.",
		    f->lb);
		return;
	}
	say(WHY(d), ". Small packets arrive, big ones do not: the path takes no packets as large as "
		    "the MTU of %s.", device);
	if (p->too_big.seen) {
		report_too_big_dropped(f, d);
		return;
	}
	add_advice(d, "Let the routers of the path say so (ICMP%s must reach this host), or use a "
		       "smaller MTU on %s or on the route to %s.",
	    f->v6 ? "v6 packet too big" : " fragmentation needed", device, f->range);
	SHOW_COMMAND(d, "tracepath -n %s", f->lb);
}

static void report_reply_lost(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	unsigned again = p->synack_left > 1 ? p->synack_left - 1 : p->synack_retransmits;

	where_set(d, "network", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", p->device_out);
	if (f->connected) {
		d->code = f->late_code;
		report_lost_answer(f, d);
		return;
	}
	say(WHY(d), "The SYN-ACK left%s%s", p->device_out[0] ? " by " : "", p->device_out);
	if (again)
		say(WHY(d), " and was sent again %u time%s", again, again == 1 ? "" : "s");
	say(WHY(d), ", but the load balancer never acknowledged it: something beyond this host "
		    "drops replies to it.");
	add_advice(d,
	    "Outside this host: let TCP from port %u out to %s, any destination port, in the "
	    "network ACL "
	    "of the subnet (it keeps no state), then look at the security group's outbound rules "
	    "and at the "
	    "VPC's route to %s.",
	    f->port, f->range, f->range);
}

const struct verdict verdict_wrong_interface = {
	.id = "wrong-interface",
	.code = "CONNECT_TIMEOUT",
	.step = "5",
	.summary = "answer left by another interface",
	.meaning = "The answer left by another interface than the request came in by, and the load "
		"balancer did not confirm it: the network drops such answers.",
	.evidence = "The answer was seen leaving by the other interface, was sent again, and "
		"nothing acknowledged it.",
	.remedy = "Add policy routing: 'ip rule add from ADDRESS table N' with a default route of "
		"that interface in table N.",
	.outcome = OUTCOME_FAIL,
	.rule = { .absence = ARRIVALS, .match = match_wrong_interface, .report = report_wrong_interface },
};

const struct verdict verdict_reply_lost = {
	.id = "reply-lost",
	.code = "CONNECT_TIMEOUT",
	.step = "1, 2",
	.summary = "the answer was lost outside",
	.meaning = "The host did all it had to: the answer left by the right interface. It was "
		"never confirmed, so it was lost behind this host.",
	.evidence = "The answer was seen leaving, was sent again, and nothing acknowledged it.",
	.remedy = "Check the outbound rules of the security group and of the subnet's network "
		"ACL, and the routes of the network.",
	.outcome = OUTCOME_FAIL,
	.rule = { .absence = ARRIVALS | POINT_BIT(DROP), .match = match_reply_lost, .report = report_reply_lost },
};
