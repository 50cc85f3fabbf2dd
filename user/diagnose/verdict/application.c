// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: connected, and the process closed, was too slow, or did not take the connection. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/tls.h"

#define QUIET_NS UINT64_C(500000000) /* an answer that rests this long has stopped */

static enum match match_app_closed(const struct facts *f)
{
	if (f->records)
		return f->host_ended_first ? match_tls_unanswered(f) : NO_MATCH;
	if (f->hung_up_on)
		return f->waited ? MATCH_LIKELY : NO_MATCH;
	return wants_answer(f) && (!f->p->first_byte_ns || is_unfinished(f)) && f->host_ended_first
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

/* By its function, and the socket is one of this kernel's. */
static bool accept_watched(const struct facts *f)
{
	return f->given.attached & POINT_BIT(ACCEPTED) && f->p->established_ns;
}

enum match match_app_not_accepting(const struct facts *f)
{
	const struct probe *p = f->p;
	struct host_process owner;

	if (!wants_answer(f) || (!p->request_ns && !f->awaits_greeting) || p->first_byte_ns ||
	    p->read_ns)
		return NO_MATCH;
	/* where accept() itself is watched, that it did not come (in time) is seen */
	if (accept_watched(f))
		return p->accepted_ns && p->accepted_ns <= f->gave_up_ns ? NO_MATCH : MATCH_CERTAIN;
	if (p->accepted_ns || p->exchange > 1) /* it answered on this connection before */
		return NO_MATCH;
	if (p->request_ns && p->unaccepted_ns > p->request_ns)
		return MATCH_CERTAIN;
	return facts_owner(f, &owner) == -ENOENT ? MATCH_LIKELY : NO_MATCH;
}

static enum match match_app_slow(const struct facts *f)
{
	const struct probe *p = f->p;
	struct host_process owner;

	if (f->asks && !p->reply_ns && !f->drop && !p->icmp_sent.seen && !p->icmp_left_ns)
		return MATCH_LIKELY;
	if (!wants_answer(f) || (!p->request_ns && !f->awaits_greeting))
		return NO_MATCH;
	if (f->records && f->records->complete_ns)
		return !f->lb_end_ns || f->lb_at_timeout ? match_tls_unanswered(f) : NO_MATCH;
	if (is_unfinished(f) && f->satisfied_by_status) /* who leaves at once has not given up */
		return NO_MATCH;
	if (is_unfinished(f)) /* who did not end at its timeout may have had another reason */
		return !f->lb_end_ns || f->lb_at_timeout ? MATCH_CERTAIN : MATCH_LIKELY;
	if (f->answered)
		return NO_MATCH;
	if (f->awaits_greeting)
		return MATCH_LIKELY;
	if (p->accepted_ns || p->read_ns || p->first_byte_ns || p->exchange > 1)
		return MATCH_CERTAIN;
	return facts_owner(f, &owner) == 0 ? MATCH_LIKELY : MATCH_GUESS;
}

/* It began to answer, and ended the connection before the answer's own end. */
static void report_cut_answer(const struct facts *f, char who[48], struct diagnosis *d)
{
	char request[96], took[SPAN_TEXT_LEN];

	say(WHY(d), "%s began to answer %s", capitalised(who), request_words(f, request));
	if (f->p->http_response.valid)
		say(WHY(d), " with status %d", f->p->http_response.status);
	say(WHY(d), ", and %s the connection %s after the %s: it had sent ",
	    f->host_reset ? "reset" : "closed",
	    format_span(took, f->host_end_ns - f->p->start_ns), f->p->midway ? "request" : "SYN");
	say_extent(f, d);
	say(WHY(d), ".");
	add_advice(d, "See the service's log for that moment: it gave up in the middle of its answer "
		       "(a crash, an upstream that ended, a Content-Length that is not that of the "
		       "body).");
}

/* Behind a TLS handshake. */
static void report_closed_inside(const struct facts *f, struct diagnosis *d)
{
	char took[SPAN_TEXT_LEN];

	say_tls_unanswered(f, d);
	say(WHY(d), ": it %s the connection %s after the SYN.", f->host_reset ? "reset" : "closed",
	    format_span(took, f->host_end_ns - f->p->start_ns));
	add_advice(d, "See the service's log for that moment: it took the request and gave up (a crash, "
		      "an unknown Host, a limit on requests, an upstream that ended).");
}

static void report_app_closed(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	char who[48], request[96], took[SPAN_TEXT_LEN];

	where_application(f, d);
	process_words(f, who);
	if (f->records) {
		report_closed_inside(f, d);
		return;
	}
	if (p->first_byte_ns) {
		report_cut_answer(f, who, d);
		return;
	}
	if (say_upstream(f, d))
		say(WHY(d), " ");
	say(WHY(d), "%s %s the connection %s after the %s, without answering %s", capitalised(who),
	    f->host_reset ? "reset" : "closed", format_span(took, f->host_end_ns - p->start_ns),
	    p->midway ? "request came" : "SYN",
	    p->request_ns ? request_words(f, request) : "(no request had come yet)");
	if (p->request_ns && p->read_ns)
		say(WHY(d), ", which it had read");
	else if (p->request_ns && p->unread)
		say(WHY(d), ", which it had not read");
	say(WHY(d), ".");
	if (d->fix.advice[0])
		return;
	if (!p->request_ns || !p->read_ns)
		add_advice(d,
		    "See the service's log; typical are an address list in its own configuration "
		    "(allow, deny, only_from, hosts.deny) without %s, a connection limit, or a crash.",
		    f->range);
	else
		add_advice(d, "See the service's log for that moment: it read the request and gave "
			    "up (a crash, an unknown Host, a limit on requests, a port that "
			    "expects TLS).");
}

static void report_app_not_accepting(const struct facts *f, struct diagnosis *d)
{
	char who[48], gave_up[SPAN_TEXT_LEN], accepted[SPAN_TEXT_LEN];
	struct host_listener l;
	bool known = facts_listener(f, &l);

	where_set(d, "socket", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->device_in);
	process_words(f, who);
	say(WHY(d), "The kernel made the connection and took the request, but %s ", who);
	if (f->p->accepted_ns)
		say(WHY(d), "accepted it only after %s",
		    format_span(accepted, f->p->accepted_ns - f->p->start_ns));
	else
		say(WHY(d), "never accepted it");
	say(WHY(d), "; the load balancer gave up after %s.",
	    format_span(gave_up, f->gave_up_ns - f->p->start_ns));
	if (known && l.backlog_max)
		say(WHY(d), " %" PRIu32 " of %" PRIu32 " connections wait in its queue.", l.backlog,
		    l.backlog_max);
	if (say_socket_unit(f, d) || say_state(f, d) || say_upstream(f, d))
		return;
	add_advice(d, "See what %.15s is doing, and its log (all workers busy, stopped, or "
		      "deadlocked); then give it more workers, or restart it.",
		   known && l.pid && l.comm[0] ? l.comm : "the service");
	if (known && l.pid)
		show_threads(l.pid, d);
	else
		show_listeners(f, d);
}

/* It greeted, and then said nothing to what was asked. */
static void report_mute(const struct facts *f, const char *who, struct diagnosis *d)
{
	char gave_up[SPAN_TEXT_LEN];

	say(WHY(d), "%s greeted with '%s', and did not answer what the check then sent: the load balancer gave up "
		    "after %s.", who, f->spoken.quote, format_span(gave_up, f->gave_up_ns - f->p->start_ns));
	add_advice(d, "See the service's log for that moment: what it waits for (a name server, a database), and "
		       "whether all its workers are busy.");
}

/* It began to answer, and did not finish in time. */
static void report_slow_answer(const struct facts *f, char who[48], struct diagnosis *d)
{
	const struct probe *p = f->p;
	uint64_t quiet = p->answer_last_ns && f->gave_up_ns > p->answer_last_ns ?
				 f->gave_up_ns - p->answer_last_ns : 0;
	char request[96], first[SPAN_TEXT_LEN], gave_up[SPAN_TEXT_LEN];

	if (p->greeting_len && p->greeting_len == p->answer_head_len) {
		report_mute(f, capitalised(who), d);
		return;
	}
	say(WHY(d), "%s began to answer %s after %s", capitalised(who), request_words(f, request),
	    format_span(first, p->first_byte_ns - p->start_ns));
	if (p->http_response.valid)
		say(WHY(d), " with status %d", p->http_response.status);
	say(WHY(d), ", sent ");
	say_extent(f, d);
	say(WHY(d), "%s: the load balancer gave up after %s.",
	    quiet >= QUIET_NS ? ", then nothing" : " until then, too slowly",
	    format_span(gave_up, f->gave_up_ns - p->start_ns));
	if (say_state(f, d))
		return;
	add_advice(d, "See in the service's log what its answer waits for (a database, an upstream, a "
		       "lock), or whether its Content-Length is that of the body; a page for checks "
		       "should need none of it.");
}

/* The same, behind a TLS handshake. */
static void report_slow_inside(const struct facts *f, struct diagnosis *d)
{
	char gave_up[SPAN_TEXT_LEN];

	say_tls_unanswered(f, d);
	say(WHY(d), ": the load balancer gave up after %s.",
	    format_span(gave_up, f->gave_up_ns - f->p->start_ns));
	if (say_state(f, d))
		return;
	add_advice(d, "TLS works; what is behind it does not answer: see the service's log for what the "
		      "check's page waits for (an upstream, a database, a lock), or raise the check's "
		      "timeout.");
}

static void report_app_slow(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	char who[48], request[96], a[SPAN_TEXT_LEN], b[SPAN_TEXT_LEN], told[SPAN_TEXT_LEN];
	struct host_listener l;

	where_application(f, d);
	process_words(f, who);
	request_words(f, request);
	if (f->records && f->records->complete_ns) {
		report_slow_inside(f, d);
		return;
	}
	if (f->asks) {
		say(WHY(d), "The %s question reached the host, nothing dropped it, and %s did not answer it in "
			    "%s.", f->spoken.application, who, format_setting(told, f->timeout_ns));
		if (say_state(f, d))
			return;
		add_advice(d, "See the service's log and what it waits for (upstream servers, a rate limit, an "
			       "access list that drops silently).");
		show_listeners(f, d);
		return;
	}
	if (is_unfinished(f)) {
		report_slow_answer(f, who, d);
		return;
	}
	if (f->awaits_greeting) {
		say(WHY(d), "The load balancer connected, sent nothing, and waited for %s to speak first: "
			    "nothing came, and it gave up after %s.",
		    who, format_span(a, f->gave_up_ns - p->start_ns));
		if (say_state(f, d) || say_upstream(f, d))
			return;
		add_advice(d, "If the service is to greet its clients, see why it does not: its log, and "
			       "whether all its workers are busy. Else set the check to one that only "
			       "connects, or to the protocol that the service speaks.");
		return;
	}
	capitalised(who);
	if (p->read_ns >= p->start_ns && p->read_ns)
		say(WHY(d), "%s read %s after %s", who, request,
		    format_span(a, p->read_ns - p->start_ns));
	else if (p->accepted_ns)
		say(WHY(d), "%s accepted the connection, but did not read %s", who, request);
	else
		say(WHY(d), "%s got %s", who, request);
	if (p->first_byte_ns)
		say(WHY(d), " and answered after %s, too late: ",
		    format_span(b, p->first_byte_ns - p->start_ns));
	else
		say(WHY(d), " and did not answer: ");
	say(WHY(d), "the load balancer gave up after %s",
	    format_span(a, f->gave_up_ns - p->start_ns));
	if (f->lb_end_ns && f->lb_end_ns - p->start_ns < f->timeout_ns / 10 * 9)
		say(WHY(d), " (--timeout says %s)", format_setting(told, f->timeout_ns));
	say(WHY(d), ".");
	if (say_state(f, d) || say_upstream(f, d))
		return;
	if (p->read_ns || p->first_byte_ns) {
		add_advice(d, "Make the check's page fast (no database, no upstream), or raise the check's "
			      "timeout; the service's log shows where it waits.");
		show_request(f, d);
		return;
	}
	add_advice(d, "See what it is doing, and its log; all its workers may be busy.");
	if (p->has_process || (facts_listener(f, &l) && l.pid))
		show_threads(p->has_process ? p->pid : l.pid, d);
	else
		show_listeners(f, d);
}

const struct verdict verdict_app_closed = {
	.id = "app-closed",
	.code = "CONNECT_INTERRUPT",
	.step = "3",
	.summary = "process closed the connection",
	.meaning = "The process took the connection and closed it without an answer.",
	.evidence = "The process closed or reset the connection before it had sent a byte.",
	.remedy = "Look at the log of the process: address allow-lists, a TLS or PROXY protocol "
		"port that expects another greeting, a crash; of a proxy, whether it reaches what is "
		"behind it.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(SOCKET_STATE),
	.rule = { .absence = DEPARTURES, .match = match_app_closed, .report = report_app_closed },
};

const struct verdict verdict_app_not_accepting = {
	.id = "app-not-accepting",
	.code = "RECV_RESPONSE_TIMEOUT",
	.step = "6",
	.summary = "process does not accept",
	.meaning = "The kernel completed the connection, but the process never took it from its "
		"queue before the load balancer gave up.",
	.evidence = "The connection was established, and no process had accepted it when the load "
		"balancer ended it.",
	.remedy = "The process is stuck, stopped, frozen, or out of workers or file descriptors: look "
		"at its log, threads and limits, let it go on or restart it.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(SOCKET_STATE),
	.rule = { .absence = POINT_BIT(SOCKET_STATE) | DEPARTURES, .match = match_app_not_accepting, .report = report_app_not_accepting },
};

const struct verdict verdict_app_slow = {
	.id = "app-slow",
	.code = "RECV_RESPONSE_TIMEOUT",
	.step = "6",
	.summary = "process answered too late",
	.meaning = "The process took the connection, but did not answer before the load balancer "
		"gave up.",
	.evidence = "The times of connection, acceptance, reading and first byte, against the "
		"timeout of the check.",
	.remedy = "Make the checked page cheap (no database, no other service), find what the "
		"process waits for, or raise the timeout of the check.",
	.outcome = OUTCOME_FAIL,
	.rule = { .absence = DEPARTURES, .match = match_app_slow, .report = report_app_slow },
};
