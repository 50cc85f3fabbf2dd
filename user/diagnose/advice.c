// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Advice: shared words, and what to say of a probe that passed, or that nothing explains. */
#include "advice.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "ask.h"
#include "reasons.h"
#include "stream/points.h"
#include "rule_sets.h"

void say(char *text, size_t size, const char *format, ...)
{
	size_t used = strnlen(text, size);
	va_list args;

	if (used >= size)
		return;
	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

void where_set(struct diagnosis *d, const char *layer, const struct probe_incident *incident)
{
	struct where *w = &d->where;

	snprintf(w->layer, sizeof(w->layer), "%s", layer);
	if (!incident)
		return;
	snprintf(w->device, sizeof(w->device), "%s", incident->device);
	snprintf(w->function, sizeof(w->function), "%s",
		 incident->function ? incident->function : "");
	snprintf(w->reason, sizeof(w->reason), "%s", incident->reason ? incident->reason : "");
}

const char *packet_words(const struct facts *f, const struct probe_incident *incident)
{
	uint8_t flags = incident->packet.tcp_flags;

	if (f->udp)
		return incident->reply ? "answer" : "datagram";
	if (f->icmp)
		return incident->reply ? "echo reply" : "echo request";
	if (flags & HCT_TCP_SYN)
		return incident->reply ? "SYN-ACK" : "SYN";
	if (incident->packet.payload_len)
		return incident->reply ? "answer" : "request";
	return incident->reply ? "reply" : flags ? "ACK" : "request";
}

const char *on_device(char out[IFNAMSIZ + 8], const char *device)
{
	snprintf(out, IFNAMSIZ + 8, device[0] ? " on %.15s" : "", device);
	return out;
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
	} else if (f->tls) {
		say(NOTE(d), "The connection is encrypted: the status inside is not visible.");
	} else if (f->tcp && !f->lb_end_ns && !p->request_ns && !f->host_end_ns) {
		say(NOTE(d), "The connection came about, but the load balancer kept it open past "
			     "the timeout.");
	} else if (f->icmp && p->device_out[0] && p->device_in[0] && !p->left_where_it_came) {
		say(NOTE(d), "The reply left by %s, the request came in by %s.", p->device_out,
		    p->device_in);
	}
}

void tell_healthy(const struct facts *f, struct diagnosis *d)
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
		say(WHY(d), "Answered the TLS handshake after %s.", took);
	else if (f->tcp && known)
		say(WHY(d), "The connection came about in %s.", took);
	else if (f->tcp)
		say(WHY(d), "The connection came about.");
	else
		say(WHY(d), "Answered after %s.", took);
	note_healthy(f, d);
}

void tell_probe_aborted(const struct facts *f, struct diagnosis *d)
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
	say(FIX(d),
	    "Nothing to do on this host unless it repeats: then compare --timeout (%s) with the "
	    "check's own setting, and --protocol with the check's protocol.",
	    timeout);
}

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
	size_t n;

	for (int i = 0; i < HCT_POINT_COUNT; i++)
		if (!point_costs(i, &n)) /* an extra: nothing depends on it */
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
		say(FIX(d), "Wait for the next probe; when events keep getting lost, watch less "
			    "with --port.");
	else if (content_unseen(f->p) || (f->tcp && !f->connected && !f->p->has_listener))
		say(FIX(d), "Run without --passive, as root: only then hctrace sees what request and "
			    "answer say, and the listener's queue.");
	else if (f->given.unattached & (POINT_BIT(TC_INGRESS) | POINT_BIT(TC_EGRESS)))
		say(FIX(d), "Run without --passive, as root, so that all of it can be seen.");
	else
		say(FIX(d), "Wait for the next probe; then save one with 'hctrace --save FILE' and "
			    "have it looked at.");
}

void tell_unproven(const struct facts *f, const struct rule *rule, struct diagnosis *d)
{
	say(WHY(d), "It looks like %s, but that rests on nothing else having been seen.",
	    verdict_info(rule->verdict)->id);
	say_blind_spots(f, rule->absence, d);
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
	else if (f->answered)
		say(WHY(d), "The application answered, but it cannot be told whether the load "
			    "balancer liked it.");
	else
		say(WHY(d), "A request came over the connection, but no answer was seen in %s.",
		    took);
}

void tell_unknown(const struct facts *f, struct diagnosis *d)
{
	if (f->tcp)
		say_tcp_progress(f, d);
	else
		say(WHY(d), "The %s arrived, but no answer was seen, and nothing says why.",
		    f->what);
	say_blind_spots(f, UINT32_MAX, d);
	fix_unknown(f, d);
}
