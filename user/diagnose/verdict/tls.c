// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: the TLS handshake failed. */
#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"

#define TLS_ALERT 0x15
#define TLS_HANDSHAKE 0x16

static enum match match_tls_alert(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!wants_answer(f) || !f->answered || !p->first_bytes_len)
		return NO_MATCH;
	if (p->http_response.wants_tls && !f->tls)
		return facts_status_expected(f->s, p->http_response.status) ? NO_MATCH
									     : MATCH_CERTAIN;
	if (p->first_bytes[0] == TLS_ALERT && p->first_bytes_len > 1 && p->first_bytes[1] == 3)
		return MATCH_CERTAIN;
	return f->tls && p->first_bytes[0] != TLS_HANDSHAKE ? MATCH_CERTAIN : NO_MATCH;
}

static void report_tls_alert(const struct facts *f, struct diagnosis *d)
{
	const uint8_t *b = f->p->first_bytes;
	char who[48];

	where_application(f, d);
	process_words(f, who);
	if (f->tls && b[0] != 0x15) {
		say(WHY(d),
		    "The load balancer began a TLS handshake, but %s on port %u answered with ",
		    who, f->port);
		say_looks(f, d);
		say(WHY(d), ": it speaks no TLS there.");
		say(ADVICE(d),
		    "Set the health check's protocol to HTTP, or switch TLS on for port %u in the "
		    "service.",
		    f->port);
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
	if (f->p->first_bytes_len >= 7 && b[5] <= 2) /* an alert in clear: level, description */
		say(WHY(d), " (number %u)", b[6]);
	if (f->tls) {
		say(WHY(d), ".");
		add_advice(d, "Let the service accept what the load balancer offers: TLS version, "
			      "ciphers, no client certificate; its log names the alert.");
		SHOW_COMMAND(d, "openssl s_client -connect %s </dev/null", f->target);
		return;
	}
	d->code = "RESPONSE_FORMAT_ERROR"; /* the load balancer knows nothing of TLS here */
	say(WHY(d), ": the health check speaks plain HTTP to a TLS port.");
	say(ADVICE(d), "Set the health check's protocol to HTTPS, or its port to the plain HTTP one.");
}

const struct verdict verdict_tls_alert = {
	.id = "tls-alert",
	.code = "SSL_HANDSHAKE_ERROR",
	.step = "3",
	.summary = "TLS handshake failed",
	.meaning = "Check and service could not agree on TLS, or one of them does not speak it.",
	.evidence = "A TLS alert seen in clear, or an exchange in which only one side spoke TLS.",
	.remedy = "Use HTTPS for TLS ports and HTTP for plain ones; else compare TLS versions, "
		"ciphers and the need of a server name (SNI) or client certificate.",
	.outcome = OUTCOME_FAIL,
	.rule = { .match = match_tls_alert, .report = report_tls_alert },
};
