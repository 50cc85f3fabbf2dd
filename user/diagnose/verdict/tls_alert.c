// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The alert that ended a handshake, and what helps against it. */
#include <stdio.h>
#include <string.h>

#include "diagnose/verdict/application.h"
#include "diagnose/verdict/tls.h"
#include "tls/alerts.h"

/* The alerts that have an advice of their own (RFC 8446, 6.2). */
enum {
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_BAD_CERTIFICATE = 42,
	ALERT_UNSUPPORTED_CERTIFICATE = 43,
	ALERT_CERTIFICATE_REVOKED = 44,
	ALERT_CERTIFICATE_EXPIRED = 45,
	ALERT_CERTIFICATE_UNKNOWN = 46,
	ALERT_UNKNOWN_CA = 48,
	ALERT_ACCESS_DENIED = 49,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INSUFFICIENT_SECURITY = 71,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_INAPPROPRIATE_FALLBACK = 86,
	ALERT_MISSING_EXTENSION = 109,
	ALERT_UNRECOGNIZED_NAME = 112,
	ALERT_CERTIFICATE_REQUIRED = 116,
	ALERT_NO_APPLICATION_PROTOCOL = 120,
};

#define CLIENT_CERTIFICATE \
	"The service demands a client certificate, and health checks rarely have one: let it serve " \
	"the check's path, or a port of its own, without (ssl_verify_client optional, verify " \
	"optional), or give the check a certificate that the service accepts."
#define CIPHERS \
	"Check and service have no cipher suite, group or signature algorithm in common: let the " \
	"service accept one of what the load balancer offers."

static const struct {
	enum tls_by by;
	uint8_t number;
	const char *advice;
} advices[] = {
	{ TLS_BY_SERVICE, ALERT_HANDSHAKE_FAILURE, CIPHERS " Where it demands a client certificate, "
	  "it says the same." },
	{ TLS_BY_SERVICE, ALERT_INSUFFICIENT_SECURITY, CIPHERS },
	{ TLS_BY_SERVICE, ALERT_BAD_CERTIFICATE, CLIENT_CERTIFICATE },
	{ TLS_BY_SERVICE, ALERT_UNSUPPORTED_CERTIFICATE, CLIENT_CERTIFICATE },
	{ TLS_BY_SERVICE, ALERT_CERTIFICATE_REVOKED, CLIENT_CERTIFICATE },
	{ TLS_BY_SERVICE, ALERT_CERTIFICATE_EXPIRED, CLIENT_CERTIFICATE },
	{ TLS_BY_SERVICE, ALERT_CERTIFICATE_UNKNOWN, CLIENT_CERTIFICATE },
	{ TLS_BY_SERVICE, ALERT_UNKNOWN_CA, CLIENT_CERTIFICATE },
	{ TLS_BY_SERVICE, ALERT_ACCESS_DENIED, CLIENT_CERTIFICATE },
	{ TLS_BY_SERVICE, ALERT_CERTIFICATE_REQUIRED, CLIENT_CERTIFICATE },
	{ TLS_BY_SERVICE, ALERT_PROTOCOL_VERSION,
	  "Let the service accept the TLS version that the load balancer offers, or set the "
	  "check's to one that the service has." },
	{ TLS_BY_SERVICE, ALERT_INAPPROPRIATE_FALLBACK,
	  "Set the check's TLS version to the highest that the service has." },
	{ TLS_BY_SERVICE, ALERT_UNRECOGNIZED_NAME,
	  "Set the check's server name (SNI, its domain) to one that the service has a certificate "
	  "for, or give the service a default one." },
	{ TLS_BY_SERVICE, ALERT_MISSING_EXTENSION,
	  "Set the check's server name (SNI, its domain), which the service may insist on." },
	{ TLS_BY_SERVICE, ALERT_NO_APPLICATION_PROTOCOL,
	  "Check and service have no application protocol (ALPN) in common: let the service speak "
	  "one of what the load balancer offers, or set the check to one that it speaks." },
	{ TLS_BY_SERVICE, ALERT_INTERNAL_ERROR,
	  "The service failed by itself: see its log for that moment; typical is a certificate or "
	  "key that it could not load." },
	{ TLS_BY_LB, ALERT_CERTIFICATE_EXPIRED, "Renew the service's certificate, and let the "
	  "service load it." },
	{ TLS_BY_LB, ALERT_CERTIFICATE_REVOKED, "Replace the service's certificate: it was revoked." },
	{ TLS_BY_LB, ALERT_UNKNOWN_CA,
	  "Let the service send its whole chain (the intermediate certificates, too), or let the "
	  "check trust the CA that signed it, or not verify." },
	{ TLS_BY_LB, ALERT_BAD_CERTIFICATE,
	  "The check verifies the certificate and rejects it: give the service one whose name is "
	  "the one that the check asks for, with its whole chain, or let the check not verify." },
	{ TLS_BY_LB, ALERT_CERTIFICATE_UNKNOWN,
	  "The check verifies the certificate and rejects it: look at its name, its dates and its "
	  "chain, or let the check not verify." },
	{ TLS_BY_LB, ALERT_UNSUPPORTED_CERTIFICATE,
	  "Give the service a certificate of a kind that the check takes: its key type and use." },
	{ TLS_BY_LB, ALERT_PROTOCOL_VERSION,
	  "Let the service offer a TLS version that the check accepts (1.2 or newer, more often than "
	  "not)." },
	{ TLS_BY_LB, ALERT_HANDSHAKE_FAILURE, CIPHERS },
	{ TLS_BY_LB, ALERT_INSUFFICIENT_SECURITY,
	  "Give the service a certificate and ciphers as strong as the check demands: a longer key, "
	  "a newer signature algorithm." },
};

bool tls_ending_alert(const struct facts *f, struct tls_alert *out)
{
	const struct probe *p = f->p;
	const struct tls *t = f->records;

	*out = (struct tls_alert){ .by = TLS_BY_NOBODY };
	if (t) {
		/* unrecognized_name may be a warning: the handshake goes on */
		if (t->alert.by != TLS_BY_NOBODY &&
		    (t->alert.hidden || !t->complete_ns || t->complete_ns < t->alert.time_ns))
			*out = t->alert;
	} else if (f->tls && p->first_bytes_len >= 7 && p->first_bytes[0] == 0x15 &&
		   p->first_bytes[1] == 3 && p->first_bytes[5] <= 2) {
		*out = (struct tls_alert){ .by = TLS_BY_SERVICE, .number = p->first_bytes[6],
					   .after = TLS_WHAT_CLIENT_HELLO, .after_by = TLS_BY_LB,
					   .time_ns = p->first_byte_ns };
	}
	return out->by != TLS_BY_NOBODY;
}

static const char *advice_of(const struct facts *f, const struct tls_alert *alert)
{
	const struct tls *t = &f->p->tls;

	if (alert->by == TLS_BY_SERVICE && t->wants_certificate &&
	    (alert->hidden || alert->number == ALERT_HANDSHAKE_FAILURE))
		return CLIENT_CERTIFICATE;
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]) && !alert->hidden; i++)
		if (advices[i].by == alert->by && advices[i].number == alert->number)
			return advices[i].advice;
	return alert->by == TLS_BY_SERVICE ?
		       "See the service's log for that moment: it names the cause." :
		       "Let the check's client say why it ends the handshake: its log, or the command "
		       "below, which does the same.";
}

/* What the hello says about the cause. */
static void say_hello(const struct facts *f, const struct tls_alert *alert, struct diagnosis *d)
{
	const struct tls_hello *hello = &f->p->tls.client;
	const char *version = tls_version_name(hello->version);

	if (alert->hidden || alert->by != TLS_BY_SERVICE || !version)
		return;
	if (alert->number == ALERT_UNRECOGNIZED_NAME || alert->number == ALERT_MISSING_EXTENSION) {
		if (hello->sni[0])
			say(WHY(d), " The check asks for the name '%s'.", hello->sni);
		else if (!hello->cut)
			say(WHY(d), " The check names no server (no SNI).");
	} else if (alert->number == ALERT_PROTOCOL_VERSION) {
		if (!hello->cut)
			say(WHY(d), " The check offers %s at most.", version);
	} else if (alert->number == ALERT_NO_APPLICATION_PROTOCOL && hello->alpn[0]) {
		say(WHY(d), " The check offers %s.", hello->alpn);
	}
}

static void report_hidden(const struct facts *f, const struct tls_alert *alert, const char *who,
			  struct diagnosis *d)
{
	say(WHY(d), "%s ended the connection after %s with something of an alert's size: TLS encrypts "
		    "which. ", who, tls_after_words(alert->after, alert->after_by));
	if (alert->by == TLS_BY_LB)
		say(WHY(d), "More likely than not it does not accept the certificate: expired, of an "
			    "unknown CA, or for another name.");
	else if (f->p->tls.no_certificate)
		say(WHY(d), "The service had demanded a client certificate, and the load balancer has "
			    "none (certificate_required).");
	else if (f->p->tls.wants_certificate)
		say(WHY(d), "The service had demanded a client certificate, and does not accept that of "
			    "the load balancer.");
	else
		say(WHY(d), "The service's log names it.");
	if (alert->by == TLS_BY_LB)
		add_advice(d, "Look at the certificate's dates, its chain and its name: renew it, let "
			      "the service send the whole chain, or let the check not verify.");
	else
		add_advice(d, "%s", advice_of(f, alert));
}

void report_ending_alert(const struct facts *f, const struct tls_alert *alert, struct diagnosis *d)
{
	char who[48];

	if (alert->by == TLS_BY_LB)
		snprintf(who, sizeof(who), "The load balancer");
	else
		capitalised(process_words(f, who));
	if (alert->hidden) {
		report_hidden(f, alert, who, d);
	} else {
		say(WHY(d), "%s ended the handshake with alert %s (%u) after %s.", who,
		    tls_alert_name(alert->number), alert->number,
		    tls_after_words(alert->after, alert->after_by));
		say_hello(f, alert, d);
		add_advice(d, "%s", advice_of(f, alert));
	}
	show_handshake(f, d);
}

void show_handshake(const struct facts *f, struct diagnosis *d)
{
	SHOW_COMMAND(d, "openssl s_client -connect %s ", f->target);
	if (f->p->tls.client.sni[0])
		SHOW_COMMAND(d, "-servername %s ", f->p->tls.client.sni);
	SHOW_COMMAND(d, "</dev/null");
}
