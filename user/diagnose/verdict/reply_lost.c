// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: the answer left this host, and the load balancer never confirmed it. */
#include <stdio.h>

#include "diagnose/ask.h"
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
	if (f->extent.numbered && f->connected && f->answered && !f->early)
		return !f->extent.arrived && p->retransmits && (!f->lb_end_ns || f->lb_at_timeout)
			       ? MATCH_CERTAIN
			       : NO_MATCH;
	/* the handshake passed, the answer did not: too big for the path, more often than not */
	return f->connected && f->answered && p->retransmits && !f->early && !f->drop &&
			       (!p->http_response.valid ||
				facts_status_expected(f->s, p->http_response.status))
		       ? MATCH_LIKELY
		       : NO_MATCH;
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
	if (known && !route.err && route.text[0])
		say(WHY(d), " (route: %.160s)", route.text);
	say(WHY(d), ", and was never acknowledged: the network drops replies that leave by another "
		    "interface.");
	say(ADVICE(d),
	    "Send replies back by %s: ip route add default via GATEWAY dev %s table 100; ip rule "
	    "add from %s "
	    "table 100 (GATEWAY: the router of %s's subnet); and make both permanent.",
	    p->device_in, p->device_in, f->address, p->device_in);
	if (f->v6) {
		d->fix.advice[0] = '\0';
		say(ADVICE(d),
		    "Send replies back by %s: ip -6 route add default via GATEWAY dev %s table "
		    "100; ip -6 rule add "
		    "from %s table 100; and make both permanent.",
		    p->device_in, p->device_in, f->address);
	}
}

static void report_reply_lost(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	unsigned again = p->synack_left > 1 ? p->synack_left - 1 : p->synack_retransmits;

	where_set(d, "network", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", p->device_out);
	if (f->connected) {
		d->code = f->late_code;
		say(WHY(d),
		    "The answer left%s%s and was sent again %u times, but the load balancer never "
		    "acknowledged it: "
		    "something beyond this host drops it, perhaps because it is too big.",
		    p->device_out[0] ? " by " : "", p->device_out, p->retransmits);
		say(ADVICE(d),
		    "Compare the MTU of %s with that of the path (tracepath %s); to test: "
		    "%s route change ... mtu 1400, or lower the MTU of %s.",
		    p->device_out[0] ? p->device_out : "the device", f->lb, ip_command(f),
		    p->device_out[0] ? p->device_out : "the device");
		return;
	}
	say(WHY(d), "The SYN-ACK left%s%s", p->device_out[0] ? " by " : "", p->device_out);
	if (again)
		say(WHY(d), " and was sent again %u time%s", again, again == 1 ? "" : "s");
	say(WHY(d), ", but the load balancer never acknowledged it: something beyond this host "
		    "drops replies to it.");
	say(ADVICE(d),
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
