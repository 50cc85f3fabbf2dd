// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: no cause is proven. */
#include <inttypes.h>

#include "diagnose/verdict/report.h"
#include "stream/points.h"

static void name_points(char *text, size_t size, uint32_t points)
{
	bool first = true;

	for (int i = 0; i < HCT_POINT_COUNT; i++) {
		if (!(points & UINT32_C(1) << i))
			continue;
		say(text, size, "%s%s", first ? "" : ", ", point_name(i));
		first = false;
	}
}

/* What could not be seen, if anything. */
static void say_blind_spots(const struct facts *f, uint32_t points, struct diagnosis *d)
{
	uint32_t unattached = f->given.unattached & points;

	for (int i = 0; i < HCT_POINT_COUNT; i++)
		if (!point_is_needed(i)) /* an extra: nothing depends on it */
			unattached &= ~(UINT32_C(1) << i);
	if (unattached) {
		say(WHY(d), " Not watched on this host: ");
		name_points(WHY(d), unattached);
		say(WHY(d), ".");
	}
	if (f->p->missing)
		say(WHY(d), " %" PRIu64 " of its events were lost.", f->p->missing);
	else if (f->p->lossy && f->given.lost) {
		say(WHY(d), " Events were lost meanwhile at: ");
		name_points(WHY(d), f->given.lost);
		say(WHY(d), ".");
	} else if (f->p->lossy)
		say(WHY(d), " Events were lost meanwhile.");
}

/* Where tc is not attached, packets are seen, but not what is in them. */
static bool content_unseen(const struct probe *p)
{
	return (p->request_ns && !p->request_bytes_len) ||
	       (p->first_byte_ns && !p->first_bytes_len);
}

static void fix_unknown(const struct facts *f, struct diagnosis *d)
{
	if (f->p->missing || f->p->lossy)
		say(ADVICE(d), "Wait for the next probe; when events keep getting lost, watch less "
			    "with --port.");
	else if (content_unseen(f->p) || (f->tcp && !f->connected && !f->p->has_listener))
		say(ADVICE(d), "Run without --passive, as root: only then hctrace sees what request and "
			    "answer say, and the listener's queue.");
	else if (f->given.unattached & (POINT_BIT(TC_INGRESS) | POINT_BIT(TC_EGRESS)))
		say(ADVICE(d), "Run without --passive, as root, so that all of it can be seen.");
	else
		say(ADVICE(d), "Wait for the next probe; then save one with 'hctrace --save FILE' and "
			    "have it looked at.");
}

void report_unproven(const struct facts *f, enum verdict_id verdict, uint32_t absence,
		     struct diagnosis *d)
{
	say(WHY(d), "It looks like %s, but that rests on nothing else having been seen.",
	    verdict_info(verdict)->id);
	say_blind_spots(f, absence, d);
	fix_unknown(f, d);
}

static void say_tcp_progress(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	char took[SPAN_TEXT_LEN];

	format_span(took, f->gave_up_ns - p->start_ns);
	if (!f->connected && !p->synack_ns && probe_forwarded(p) && !p->inner_reply_ns)
		say(WHY(d),
		    "The SYN was forwarded to %s%s%s, but no answer came back from there in %s, and "
		    "nothing says why.",
		    f->inner_target, p->dnat.device[0] ? " by " : "", p->dnat.device, took);
	else if (!f->connected && !p->synack_ns)
		say(WHY(d),
		    "The SYN arrived%s%s, but no SYN-ACK was seen to leave in %s, and nothing says "
		    "why.",
		    p->device_in[0] ? " on " : "", p->device_in, took);
	else if (f->hung_up_on)
		say(WHY(d), "The service took the connection and ended it at once, and then the load balancer "
			    "did: a check that only connects has passed, one that waits for a greeting has "
			    "failed.");
	else if (!f->connected)
		say(WHY(d), "The SYN-ACK left, but the load balancer never answered it.");
	else if (!p->request_ns)
		say(WHY(d),
		    "The connection came about, but the load balancer sent no request and %s after "
		    "%s.",
		    f->lb_end_ns ? "ended it" : "still held it", took);
	else if (f->answered && content_unseen(p))
		say(WHY(d), "The application answered, but the content could not be read, so the "
			    "status is unknown.");
	else if (f->answered && p->answer.malformed)
		say(WHY(d),
		    "The application answered with status %d, but not as the standard asks (a "
		    "Content-Length that is repeated or no number, a Transfer-Encoding besides "
		    "chunked, a chunk without its length, a line that is no header): load "
		    "balancers differ in whether they take that.",
		    p->http_response.status);
	else if (f->answered)
		say(WHY(d), "The application answered, but it cannot be told whether the load "
			    "balancer liked it.");
	else
		say(WHY(d), "A request came over the connection, but no answer was seen in %s.",
		    took);
}

/* It went on with its own destination, and who has that address did not answer. */
static bool is_unanswered_elsewhere(const struct facts *f)
{
	const struct probe *p = f->p;

	return p->passed_on && !p->inner_reply_ns && !p->synack_ns && !p->reply_ns && !f->connected;
}

static void report_passed_on(const struct facts *f, struct diagnosis *d)
{
	char took[SPAN_TEXT_LEN], device[IFNAMSIZ + 8];

	format_span(took, f->gave_up_ns - f->p->start_ns);
	say(WHY(d), "The %s arrived%s and was passed on to %s by %s, but no answer came back from "
		    "there in %s, and nothing says why.", f->what, on_device(device, f->p->device_in),
	    f->target, f->p->passed_device, took);
	say_blind_spots(f, UINT32_MAX, d);
	add_advice(d, "Look at what has the address %s: this host is only on the way there.",
		   f->address);
}

void report_unknown(const struct facts *f, struct diagnosis *d)
{
	if (is_unanswered_elsewhere(f)) {
		report_passed_on(f, d);
		return;
	}
	if (f->tcp)
		say_tcp_progress(f, d);
	else
		say(WHY(d), "The %s arrived, but no answer was seen, and nothing says why.",
		    f->what);
	say_blind_spots(f, UINT32_MAX, d);
	fix_unknown(f, d);
}

const struct verdict verdict_unknown = {
	.id = "unknown",
	.code = NULL,
	.step = "9",
	.summary = "no cause proven",
	.meaning = "What was seen of the probe proves no cause: events were lost, or a point that "
		"would show it could not be attached.",
	.evidence = "What was seen last, and what could not be seen.",
	.remedy = "See the missing points listed at the start. Probes repeat: the next one may be "
		"explained. For support, save the run with --save.",
	.outcome = OUTCOME_UNKNOWN,
};
