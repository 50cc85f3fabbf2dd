// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: the load balancer gave up early. */
#include "diagnose/verdict/report.h"

static enum match match_probe_aborted(const struct facts *f)
{
	return f->tcp && f->early && !f->p->first_byte_ns && !f->host_end_ns ? MATCH_CERTAIN
									     : NO_MATCH;
}

static void report_probe_aborted(const struct facts *f, struct diagnosis *d)
{
	char took[SPAN_TEXT_LEN], timeout[SPAN_TEXT_LEN];

	where_set(d, "network", NULL);
	say(WHY(d), "The load balancer %s after %s, well before the timeout of %s and before %s.",
	    f->lb_end_ns == f->p->lb_rst_ns ? "reset the connection" : "closed the connection",
	    format_span(took, f->lb_end_ns - f->p->start_ns),
	    format_setting(timeout, f->timeout_ns),
	    f->p->request_ns ? "an answer"
	    : f->connected   ? "it had sent a request"
			     : "the connection came about");
	say(ADVICE(d),
	    "Nothing to do on this host unless it repeats: then compare --timeout (%s) with the "
	    "check's own setting, and --protocol with the check's protocol.",
	    timeout);
}

const struct verdict verdict_probe_aborted = {
	.id = "probe-aborted",
	.code = NULL,
	.step = "",
	.summary = "load balancer gave up early",
	.meaning = "The load balancer ended the probe before any deadline and before an answer: it "
		"was restarted or reconfigured, or this was no health check.",
	.evidence = "Its reset or FIN came well before the timeout.",
	.remedy = "Nothing to do when it stays rare.",
	.outcome = OUTCOME_UNKNOWN,
	.rule = { .absence = DEPARTURES, .match = match_probe_aborted, .report = report_probe_aborted },
};
