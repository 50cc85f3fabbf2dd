// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: the TLS handshake failed. */
#include "diagnose/verdict/tls.h"

#include "diagnose/verdict/application.h"

#define TLS_ALERT 0x15
#define TLS_HANDSHAKE 0x16

static enum match match_tls_alert(const struct facts *f)
{
	const struct probe *p = f->p;
	struct tls_alert alert;

	/* without its beginning it may have been a client that takes any alert for health */
	if (!wants_answer(f) || (p->missing && !p->request_bytes_len))
		return NO_MATCH;
	if (p->tls.hello_check && p->first_bytes_len &&
	    (p->first_bytes[0] == TLS_ALERT || p->first_bytes[0] == TLS_HANDSHAKE))
		return NO_MATCH;
	if (tls_ending_alert(f, &alert))
		return alert.hidden ? MATCH_LIKELY : MATCH_CERTAIN;
	if (!f->answered || !p->first_bytes_len || p->tls.hello_ns)
		return NO_MATCH;
	if (p->http_response.wants_tls && !f->tls)
		return facts_status_expected(f->s, p->http_response.status) ? NO_MATCH
									     : MATCH_CERTAIN;
	if (p->first_bytes[0] == TLS_ALERT && p->first_bytes_len > 1 && p->first_bytes[1] == 3)
		return MATCH_CERTAIN;
	return f->tls && p->first_bytes[0] != TLS_HANDSHAKE ? MATCH_CERTAIN : NO_MATCH;
}

/* Closed or silent before the handshake was complete. */
static enum match match_unfinished(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->tls || !wants_answer(f) || (f->records ? f->records->complete_ns : p->first_byte_ns))
		return NO_MATCH;
	if (f->host_ended_first)
		return MATCH_CERTAIN;
	if (!p->first_byte_ns && match_app_not_accepting(f) != NO_MATCH)
		return NO_MATCH;
	if (!f->lb_end_ns || f->lb_at_timeout)
		return MATCH_CERTAIN;
	return p->first_byte_ns ? MATCH_LIKELY : NO_MATCH;
}

static void report_unfinished(const struct facts *f, struct diagnosis *d)
{
	const struct tls *t = f->records;
	const char *after = tls_after_words(t && t->last ? t->last : TLS_WHAT_CLIENT_HELLO,
					    t && t->last ? t->last_by : TLS_BY_LB);
	char who[48], took[SPAN_TEXT_LEN];

	where_application(f, d);
	capitalised(process_words(f, who));
	if (f->host_ended_first) {
		bool known = say_upstream(f, d);

		say(WHY(d), "%s%s %s the connection %s after the SYN, after %s and before the TLS handshake "
			    "was complete.",
		    known ? " " : "", who, f->host_reset ? "reset" : "closed",
		    format_span(took, f->host_end_ns - f->p->start_ns), after);
		if (known)
			return;
		add_advice(d, "See the service's log for that moment: typical are a certificate or key "
			      "that it cannot use, a server name it does not know, an address list in "
			      "its own configuration, or a port that speaks no TLS.");
	} else if (!f->lb_end_ns || f->lb_at_timeout) {
		say(WHY(d), "%s sent nothing after %s: the TLS handshake was not complete when the load "
			    "balancer gave up after %s.",
		    who, after, format_span(took, f->gave_up_ns - f->p->start_ns));
		if (say_state(f, d) || say_upstream(f, d))
			return;
		add_advice(d, "See what the service waits for (its log; all its workers may be busy), and "
			      "whether port %u speaks TLS at all.", f->port);
	} else {
		say(WHY(d), "The load balancer %s the connection %s after the SYN, after %s: no alert "
			    "says why it did not finish the TLS handshake.",
		    f->lb_end_ns == f->p->lb_rst_ns ? "reset" : "closed",
		    format_span(took, f->lb_end_ns - f->p->start_ns), after);
		add_advice(d, "Look at the certificate's dates, chain and name, and at what the service "
			      "answers.");
	}
	show_handshake(f, d);
}

static void report_plain_answer(const struct facts *f, const char *who, struct diagnosis *d)
{
	say(WHY(d), "The load balancer began a TLS handshake, but %s on port %u answered with ", who,
	    f->port);
	say_looks(f, d);
	say(WHY(d), ": it speaks no TLS there.");
	say(ADVICE(d),
	    "Set the health check's protocol to HTTP, or switch TLS on for port %u in the service.",
	    f->port);
}

static void report_tls_alert(const struct facts *f, struct diagnosis *d)
{
	struct tls_alert alert;
	char who[48];

	where_application(f, d);
	process_words(f, who);
	if (tls_ending_alert(f, &alert)) {
		report_ending_alert(f, &alert, d);
		return;
	}
	if (f->tls && f->p->first_bytes[0] != TLS_ALERT) {
		report_plain_answer(f, who, d);
		return;
	}
	if (!f->tls && f->p->http_response.valid) {
		d->code = "RESPONSE_MISMATCH";
		say(WHY(d),
		    "%s answered with status %d, because port %u wants TLS and the health check "
		    "speaks plain HTTP.",
		    capitalised(who), f->p->http_response.status, f->port);
		say(ADVICE(d), "Set the health check's protocol to HTTPS, or its port to the plain "
			    "HTTP one.");
		return;
	}
	say(WHY(d), "%s on port %u answered with a TLS alert", capitalised(who), f->port);
	if (f->tls) {
		say(WHY(d), ".");
		add_advice(d, "Let the service accept what the load balancer offers: TLS version, "
			      "ciphers, no client certificate; its log names the alert.");
		show_handshake(f, d);
		return;
	}
	d->code = "RESPONSE_FORMAT_ERROR"; /* the load balancer knows nothing of TLS here */
	if (f->p->first_bytes_len >= 7 && f->p->first_bytes[5] <= 2)
		say(WHY(d), " (number %u)", f->p->first_bytes[6]);
	say(WHY(d), ": the health check speaks plain HTTP to a TLS port.");
	say(ADVICE(d), "Set the health check's protocol to HTTPS, or its port to the plain HTTP one.");
}

const struct verdict verdict_tls_alert = {
	.id = "tls-alert",
	.code = "SSL_HANDSHAKE_ERROR",
	.step = "3",
	.summary = "TLS handshake failed",
	.meaning = "Check and service could not agree on TLS, one of them rejected the other's "
		"certificate or had none to show, or one of them does not speak TLS.",
	.evidence = "A TLS alert, in clear or of an alert's size, and who sent it; a connection "
		"closed or silent before the handshake was complete; or an exchange in which only "
		"one side spoke TLS.",
	.remedy = "Use HTTPS for TLS ports and HTTP for plain ones; else go by the alert's name: TLS "
		"version, ciphers, server name (SNI), client certificate, or the certificate's dates, "
		"chain and name.",
	.outcome = OUTCOME_FAIL,
	.rule = { .match = match_tls_alert, .report = report_tls_alert },
};

const struct rule tls_unfinished = { .absence = DEPARTURES, .match = match_unfinished, .report = report_unfinished };
