// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: an echo request met silence. */
#include <inttypes.h>

#include "diagnose/ask.h"
#include "diagnose/verdict/report.h"

/* icmpv6_rcv() frees a request that it ignores as if it were dropped; icmp_rcv() consumes it. */
static bool may_be_ignored(const struct facts *f)
{
	return f->v6 && !f->drop->reply && has_no_reason(f->drop) &&
	       function_is(f->drop->function, "icmpv6_rcv");
}

static enum match match_icmp_ignored(const struct facts *f)
{
	int64_t ignore;

	if (!f->icmp || f->p->reply_ns || (f->drop && !may_be_ignored(f)))
		return NO_MATCH;
	if (!probe_forwarded(f->p) &&
	    ask_sysctl(f->given.host,
		       f->v6 ? "net.ipv6.icmp.echo_ignore_all" : "net.ipv4.icmp_echo_ignore_all",
		       &ignore) == 0 &&
	    ignore)
		return MATCH_CERTAIN;
	return f->drop ? NO_MATCH : MATCH_LIKELY;
}

static void report_icmp_ignored(const struct facts *f, struct diagnosis *d)
{
	const char *name =
		f->v6 ? "net.ipv6.icmp.echo_ignore_all" : "net.ipv4.icmp_echo_ignore_all";
	int64_t ignore = 0;
	bool known = ask_sysctl(f->given.host, name, &ignore) == 0;

	where_set(d, "socket", NULL);
	if (probe_forwarded(f->p)) {
		say(WHY(d), "The echo request from %s was forwarded to %s, but no reply came back.",
		    f->lb, f->inner_address);
		add_advice(d, "See whether it ignores echo requests, or limits its replies, there.");
		if (f->p->inner_name[0])
			SHOW_COMMAND(d, "ip netns exec %s sysctl %s net.ipv4.icmp_ratelimit",
				     f->p->inner_name, name);
		return;
	}
	say(WHY(d), "The echo request from %s arrived, but no reply left", f->lb);
	if (known && ignore) {
		say(WHY(d), ": %s is %" PRId64 ".", name, ignore);
		FIX_COMMAND(d, "sysctl -w %s=0", name);
		add_advice(d, "Write it to a file in /etc/sysctl.d/ to keep it.");
	} else {
		say(WHY(d), ": rate limit, or a program that swallows it.");
		add_advice(d, "Compare the limits with the rate of the pings.");
		SHOW_COMMAND(d, "sysctl %s net.ipv4.icmp_ratelimit net.ipv4.icmp_ratemask "
				"net.ipv4.icmp_msgs_per_sec", name);
	}
}

const struct verdict verdict_icmp_ignored = {
	.id = "icmp-ignored",
	.code = "CONNECT_TIMEOUT",
	.step = "1, 8",
	.summary = "ping was not answered",
	.meaning = "The echo request arrived and the host did not answer it. UDP checks ping the "
		"target first.",
	.evidence = "No reply left, and nothing dropped the request: echo is switched off or "
		"rate-limited.",
	.remedy = "Set net.ipv4.icmp_echo_ignore_all to 0.",
	.outcome = OUTCOME_FAIL,
	.rule = { .absence = DEPARTURES | POINT_BIT(DROP), .match = match_icmp_ignored, .report = report_icmp_ignored },
};
