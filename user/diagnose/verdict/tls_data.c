// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* TLS behind its handshake: what was asked inside, and whether it was answered. */
#include <inttypes.h>

#include "diagnose/verdict/application.h"
#include "diagnose/verdict/tls.h"

#define REACTION_NS UINT64_C(250000000) /* a client that has what it wants ends within this time */

enum { RECORD_ALERT = 0x15, RECORD_HANDSHAKE = 0x16 };

/* Without the records of both sides: a handshake that was answered is all there is to see. */
static enum match by_first_bytes(const struct facts *f)
{
	const struct probe *p = f->p;
	bool stuck = p->retransmits && (f->lb_end_ns ? f->lb_at_timeout : p->retransmits > 1);

	/* some were told, and not all of them: what is missing may have been the failure */
	if (p->tls.state & HCT_TLS_SEEN &&
	    (p->missing || p->lossy || !f->lb_end_ns || f->lb_at_timeout || f->host_ended_first))
		return NO_MATCH;

	return f->answered && p->first_bytes_len && p->first_bytes[0] == RECORD_HANDSHAKE &&
			       !(stuck && !f->given.cut_short)
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

/* HAProxy's ssl-hello-chk takes any handshake record or alert for health. */
static enum match hello_check(const struct facts *f)
{
	uint8_t first = f->p->first_bytes[0];

	return f->answered && f->p->first_bytes_len &&
			       (first == RECORD_HANDSHAKE || first == RECORD_ALERT)
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

/* Did the load balancer end it as one that has what it wants, whatever the time was? */
static bool ended_content(const struct facts *f, uint64_t since_ns)
{
	if (!f->lb_end_ns)
		return false;
	return !f->lb_at_timeout ||
	       (since_ns && f->lb_end_ns >= since_ns && f->lb_end_ns - since_ns <= REACTION_NS);
}

static enum match by_answer(const struct facts *f)
{
	const struct tls *t = f->records;

	if (!tls_answered(t, f->lb_at_timeout))
		return NO_MATCH;
	if (f->lb_end_ns && !ended_content(f, t->data_ns))
		return NO_MATCH;
	/* who ended it has no use for a last alert, which is sent again then */
	return f->extent.arrived || f->lb_end_ns ? MATCH_LIKELY : NO_MATCH;
}

enum match match_tls_pass(const struct facts *f)
{
	const struct tls *t = f->records;
	struct tls_alert alert;

	if (f->p->tls.hello_check)
		return hello_check(f);
	if (!t)
		return by_first_bytes(f);
	if (!t->complete_ns || tls_ending_alert(f, &alert))
		return NO_MATCH;
	if (t->asked_ns)
		return by_answer(f);
	if (f->lb_end_ns)
		return ended_content(f, t->complete_ns) ? MATCH_LIKELY : NO_MATCH;
	/* nobody ended it in time, or the service did: what the check waits for is not known */
	return f->host_end_ns ? NO_MATCH : MATCH_LIKELY;
}

enum match match_tls_unanswered(const struct facts *f)
{
	const struct tls *t = f->records;

	if (!t || !t->complete_ns || f->p->tls.hello_check)
		return NO_MATCH;
	if (t->asked_ns && !tls_answered(t, false))
		return MATCH_CERTAIN;
	/* one record may be a session ticket, and more of them not all that was to come */
	return f->lb_at_timeout || (f->host_ended_first && !t->asked_ns) ? MATCH_LIKELY : NO_MATCH;
}

void say_tls_unanswered(const struct facts *f, struct diagnosis *d)
{
	const struct tls *t = f->records;
	uint64_t asked = t->lb.data;
	char took[SPAN_TEXT_LEN];
	char who[48];

	say(WHY(d), "%s finished the TLS handshake after %s, ", capitalised(process_words(f, who)),
	    format_span(took, t->complete_ns - f->p->start_ns));
	if (!asked)
		say(WHY(d), "was asked nothing, and ");
	else
		say(WHY(d), "got %" PRIu64 " record%s of application data, and ", asked,
		    asked == 1 ? "" : "s");
	if (t->service.data && !tls_answered(t, true))
		say(WHY(d), "sent %s back", t->service.data == 1 ?
			    "one record that may be a session ticket" : "nothing but session tickets");
	else if (t->service.data)
		say(WHY(d), "answered without coming to an end");
	else
		say(WHY(d), asked ? "sent no application data back" : "said nothing");
}

void say_tls_pass(const struct facts *f, struct diagnosis *d)
{
	const struct tls *t = f->records;
	const char *version = tls_version(&f->p->tls);
	char took[SPAN_TEXT_LEN];

	if (f->p->tls.hello_check || !t) {
		say(WHY(d), "Answered the TLS handshake after %s.",
		    format_span(took, f->p->first_byte_ns - f->p->start_ns));
		return;
	}
	if (!t->asked_ns) {
		say(WHY(d), "Finished the %s handshake after %s.", version ? version : "TLS",
		    format_span(took, t->complete_ns - f->p->start_ns));
		return;
	}
	say(WHY(d), "Answered inside %s after %s.", version ? version : "TLS",
	    format_span(took, t->data_ns - f->p->start_ns));
}

void note_tls_pass(const struct facts *f, struct diagnosis *d)
{
	if (f->p->tls.hello_check)
		say(NOTE(d), "HAProxy's ssl-hello-chk takes any TLS record for health, an alert "
			     "included: whether the service speaks TLS with clients is not checked.");
	else if (f->records && !f->records->asked_ns)
		say(NOTE(d), "The check asked nothing inside the encryption: it goes by the handshake, or it "
			     "rejected the certificate without a word.");
	else
		say(NOTE(d), "The connection is encrypted: the status inside is not visible.");
}
