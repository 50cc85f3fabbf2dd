// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: the exchange that this kind of probe asks for was completed in time. */
#include <inttypes.h>

#include "diagnose/answer.h"
#include "diagnose/reasons.h"
#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/tls.h"

#define HELD_NS UINT64_C(250000000) /* who has what it wants ends sooner */

/* The answer left, but is sent again and again, and the load balancer waits till its timeout. */
static bool answer_is_stuck(const struct facts *f)
{
	const struct probe *p = f->p;

	if (f->drop && f->drop->reply && (!f->lb_end_ns || f->lb_at_timeout))
		return !f->given.cut_short;
	if (f->lb_end_ns)
		return p->retransmits && f->lb_at_timeout;
	if (f->given.cut_short)
		return false;
	return p->retransmits > 1 || (p->retransmits && f->extent.numbered && !f->extent.arrived);
}

/*
 * Was every event of the probe seen, up to its end?  Where one was lost, it may
 * have been the request: then there was more to it than a handshake.
 */
static bool is_complete(const struct probe *p)
{
	return !p->missing && (!p->lossy || p->lb_fin_ns || p->lb_rst_ns);
}

/* A check that only connects. */
static enum match plain_tcp(const struct facts *f)
{
	const struct probe *p = f->p;

	if (f->s->expect_http)
		return NO_MATCH;
	if (f->lb_end_ns && (!f->lb_at_timeout || f->ended_at_handshake))
		return MATCH_CERTAIN;
	if (f->given.http_target || f->given.cut_short || f->awaits_greeting)
		return NO_MATCH;
	/* answered for it by a SYNPROXY rule, and then by nobody */
	if (p->has_listener && !p->listener.found && p->reset.seen && !p->reset.has_socket &&
	    !p->established_ns)
		return NO_MATCH;
	if (p->first_byte_ns || f->host_end_ns)
		return MATCH_CERTAIN;
	if (f->drop && is_complete(p)) /* of what came behind the SYN: that is why nothing more is seen */
		return NO_MATCH;
	return MATCH_LIKELY; /* nobody ended it in time: what it waits for is not known */
}

/* An answer that says where it ends, and does not come to that. */
static enum match cut_answer(const struct facts *f)
{
	if (f->judges == JUDGES_STATUS_LINE && !f->p->answer.head_len)
		return MATCH_LIKELY;
	if (f->judges == JUDGES_WHOLE_ANSWER || (!f->host_ended_first && !f->satisfied_by_status))
		return NO_MATCH;
	if (!is_complete(f->p) && f->judges != JUDGES_STATUS)
		return NO_MATCH; /* the end of the service may be what was lost */
	if (!f->host_ended_first) /* who ended it right behind the status went by that */
		return f->judges == JUDGES_STATUS ? MATCH_CERTAIN : MATCH_LIKELY;
	if (!f->extent.arrived || !f->p->answer.head_len)
		return NO_MATCH;
	return f->judges == JUDGES_STATUS	   ? MATCH_CERTAIN :
	       f->judges == JUDGES_STATUS_PROBABLY ? MATCH_LIKELY : NO_MATCH;
}

/* The load balancer had what there was of the answer, and waited until its time was up. */
static bool held_to_timeout(const struct facts *f)
{
	return f->lb_at_timeout && f->p->answer_last_ns && f->extent.numbered &&
	       f->lb_end_ns > f->p->answer_last_ns + HELD_NS;
}

/* An HTTP status that is expected: did the load balancer get as much of the answer as it needs? */
static enum match http_answer(const struct facts *f)
{
	/* who ends while the answer is sent again has not got it */
	bool ended = f->lb_end_ns && !f->lb_at_timeout &&
		     (!f->p->retransmits || f->satisfied_by_status);

	switch (f->extent.wholeness) {
	case WHOLENESS_WHOLE:
		return f->extent.arrived || ended ? MATCH_CERTAIN : NO_MATCH;
	case WHOLENESS_CUT:
		return cut_answer(f);
	case WHOLENESS_UNKNOWN:
		break;
	}
	/* what was lost may have said that the service cut it short */
	if (f->host_ended_first && (f->p->missing || f->p->lossy))
		return NO_MATCH;
	/* with events lost, more of it may have been missing than those: unless it ended right behind */
	if (!is_complete(f->p) && !f->satisfied_by_status)
		return NO_MATCH;
	if (answer_is_stuck(f) || (f->extent.numbered && !f->extent.arrived && !ended))
		return NO_MATCH;
	/* what clients differ in is not known, nor what those wait for who wait to the timeout */
	if (f->p->answer.malformed || held_to_timeout(f))
		return NO_MATCH;
	/* its head was not read to the end: the rest may be missing */
	if (f->extent.numbered && !f->p->answer.head_len && !f->satisfied_by_status)
		return MATCH_LIKELY;
	return MATCH_CERTAIN;
}

/* What is neither HTTP/1 nor TLS: read as far as its protocol is known. */
static enum match other_protocol(const struct facts *f)
{
	bool ended = f->lb_end_ns && !f->lb_at_timeout && !f->p->retransmits;
	const struct reading *r = &f->spoken;

	if (f->gaps || r->result == READ_ERROR || r->result == READ_INCOMPLETE || r->foreign)
		return NO_MATCH;
	if (r->status && !facts_status_expected(f->s, r->status))
		return NO_MATCH;
	if (answer_is_stuck(f) || (f->extent.numbered && !f->extent.arrived && !ended))
		return NO_MATCH;
	if (f->answered)
		return r->result == READ_GOOD ? MATCH_CERTAIN : MATCH_LIKELY;
	return f->early && !f->host_ended_first ? MATCH_LIKELY : NO_MATCH;
}

/* A check that sent nothing of its own. */
static enum match silent_tcp(const struct facts *f)
{
	const struct probe *p = f->p;
	bool waited = p->first_byte_ns && f->lb_end_ns > p->first_byte_ns;

	if (f->hung_up_on || (waited && !f->only_connects && f->spoken.result == READ_ERROR))
		return NO_MATCH;
	return is_complete(p) ? plain_tcp(f) : NO_MATCH;
}

static enum match tcp(const struct facts *f)
{
	const struct probe *p = f->p;
	bool over = f->lb_end_ns || f->host_end_ns || !f->given.cut_short;

	if (!f->connected)
		return NO_MATCH;
	if (!p->request_ns || (proxy_header_alone(p) && !p->first_byte_ns && f->lb_end_ns &&
			       !f->lb_at_timeout && !f->host_ended_first))
		return silent_tcp(f);
	if (p->http_response.valid && !f->tls)
		return f->answered && over &&
				       facts_status_expected(f->s, p->http_response.status)
			       ? http_answer(f)
			       : NO_MATCH;
	if (f->tls) /* what is inside cannot be seen */
		return over ? match_tls_pass(f) : NO_MATCH;
	if (f->http || !p->request_bytes_len)
		return NO_MATCH;
	return other_protocol(f);
}

static enum match match_healthy(const struct facts *f)
{
	if (f->tcp)
		return tcp(f);
	if (f->udp && f->gaps && !f->p->request_head_len) /* what it asked was not seen */
		return NO_MATCH;
	if (f->asks && (f->spoken.result == READ_ERROR || f->spoken.foreign))
		return NO_MATCH;
	return f->p->reply_ns && !f->drop ? MATCH_CERTAIN : NO_MATCH;
}

/* It connected, and that no request came rests on none having been seen. */
static enum match match_healthy_handshake(const struct facts *f)
{
	if (!f->tcp || !f->connected || f->p->request_ns || is_complete(f->p))
		return NO_MATCH;
	return plain_tcp(f);
}

/* The load balancer takes silence for health; that nobody refused is all there is to see. */
static enum match match_udp_silence(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->udp || f->asks || f->drop || p->icmp_sent.seen || p->icmp_left_ns)
		return NO_MATCH;
	return MATCH_LIKELY;
}

static const char *drop_words(const struct probe_incident *drop)
{
	const char *meaning = reason_meaning(drop->reason);

	if (nf_place(drop).netfilter)
		return "by the firewall";
	if (!meaning)
		meaning = function_meaning(drop->function);
	return meaning ? meaning : drop->reason ? drop->reason : "no reason given";
}

/* "healthy, but …": what will bite later. */
static void note_healthy(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	struct host_wrappers w;

	if (p->has_libwrap && !p->libwrap.granted) {
		if (facts_refusal(f, &w))
			say(NOTE(d),
			    "HTTP checks of this target will fail: %.63s line %" PRIu32
			    " refuses %s (%.80s).",
			    w.file, w.line, f->lb, w.text);
		else
			say(NOTE(d),
			    "HTTP checks of this target will fail: hosts.allow and hosts.deny "
			    "refuse %s "
			    "for %s.",
			    f->lb, p->libwrap.daemon);
	} else if (facts_queue_overflowed(f) || match_accept_queue_overflow(f) != NO_MATCH) {
		say(NOTE(d), "The accept queue filled up meanwhile, and the kernel dropped the "
			     "connection: HTTP checks would fail.");
	} else if (f->tcp && p->queue_full) {
		say(NOTE(d),
		    "The accept queue was full (%" PRIu32 " of %" PRIu32 ") when a SYN came.",
		    p->listener.backlog, p->listener.backlog_max);
	} else if (f->tcp && !p->request_ns && p->has_listener && p->listener.backlog > 0 &&
		   p->unaccepted_ns && !p->accepted_ns) {
		say(NOTE(d),
		    "No process accepted the connection, and %" PRIu32 " of %" PRIu32
		    " were already "
		    "waiting: HTTP checks would fail.",
		    p->listener.backlog, p->listener.backlog_max);
	} else if (f->tcp && p->syn_count > 1) {
		say(NOTE(d), "Only SYN number %u got through%s%s%s.", p->syn_count,
		    p->drop.seen ? "; the first was dropped" : "",
		    p->drop.seen ? meaning_joint(drop_words(&p->drop)) : "",
		    p->drop.seen ? drop_words(&p->drop) : "");
	} else if (f->extent.wholeness == WHOLENESS_CUT && f->host_ended_first) {
		say(NOTE(d), "The service ended the connection before its answer was complete: a load "
			     "balancer that reads the whole answer would fail it.");
	} else if (f->extent.wholeness == WHOLENESS_CUT) {
		say(NOTE(d), "The load balancer ended the connection as soon as it had the status; the "
			     "rest of the answer was still to come.");
	} else if (f->tcp && f->replied && f->spoken.application && f->spoken.quote[0]) {
		say(NOTE(d), "Judged by the answer (%s): '%s'.", f->spoken.application, f->spoken.quote);
	} else if (f->tcp && f->spoken.quote[0] && p->request_ns) {
		say(NOTE(d), "A protocol that hctrace does not read: whether the load balancer likes the answer "
			     "is not known. It began with '%s'.", f->spoken.quote);
	} else if (f->tls) {
		note_tls_pass(f, d);
	} else if (f->tcp && !f->lb_end_ns && !p->request_ns && !f->host_end_ns) {
		say(NOTE(d), "The connection came about, but the load balancer kept it open past "
			     "the timeout.");
	} else if (f->icmp && p->device_out[0] && p->device_in[0] && !p->left_where_it_came) {
		say(NOTE(d), "The reply left by %s, the request came in by %s.", p->device_out,
		    p->device_in);
	}
}

static void report_healthy(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	char took[SPAN_TEXT_LEN], timeout[SPAN_TEXT_LEN];
	uint64_t ns;
	bool known = probe_answer_time(p, &ns);

	format_span(took, known ? ns : 0);
	if (f->udp && !p->reply_ns)
		say(WHY(d),
		    "Nobody refused the datagram within %s: for the load balancer that is healthy.",
		    format_setting(timeout, f->timeout_ns));
	else if (p->http_response.valid)
		say(WHY(d), "Answered with status %d after %s.", p->http_response.status, took);
	else if (f->tls)
		say_tls_pass(f, d);
	else if (f->tcp && known)
		say(WHY(d), "The connection came about in %s.", took);
	else if (f->tcp)
		say(WHY(d), "The connection came about.");
	else
		say(WHY(d), "Answered after %s.", took);
	note_healthy(f, d);
	if (f->tcp)
		note_upstream(f, d);
}

const struct verdict verdict_healthy = {
	.id = "healthy",
	.code = NULL,
	.step = "",
	.summary = "answered in time",
	.meaning = "The probe got the answer that its kind of check asks for, before the timeout.",
	.evidence = "TCP: the SYN-ACK left and the load balancer ended the connection itself. HTTP: "
		"a status among the expected codes left in time. UDP and ICMP: a reply left, or "
		"for UDP no refusal did.",
	.remedy = "Nothing to do. When the console still shows the target as unhealthy, compare "
		"port, path and expected codes there with the probes shown here.",
	.outcome = OUTCOME_PASS,
	.rule = { .match = match_healthy, .report = report_healthy },
};

const struct rule healthy_handshake = { .absence = ARRIVALS, .match = match_healthy_handshake, .report = report_healthy };

const struct rule healthy_silence = { .absence = DEPARTURES, .match = match_udp_silence, .report = report_healthy };
