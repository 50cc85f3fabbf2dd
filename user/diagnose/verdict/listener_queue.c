// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: a queue of the listener is full. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/ask.h"
#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"

/* The kernel takes the SYN and stays silent: tcp_conn_request(), sk_acceptq_is_full(). */
static enum match match_accept_queue_full(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->tcp || !p->queue_full || p->established_ns || p->read_ns)
		return NO_MATCH;
	if (f->drop && f->place.netfilter)
		return NO_MATCH;
	return p->synack_ns ? MATCH_LIKELY : MATCH_CERTAIN;
}

bool facts_queue_overflowed(const struct facts *f)
{
	const struct probe *p = f->p;

	return f->tcp && !p->established_ns && p->drop.seen && !p->drop.reply && p->drop.reason &&
	       strcmp(p->drop.reason, "TCP_LISTEN_OVERFLOW") == 0;
}

/*
 * It filled up between SYN and ACK: the SYN-ACK is sent again, and the ACK has
 * no effect, or is answered with a reset (net.ipv4.tcp_abort_on_overflow).
 */
enum match match_accept_queue_overflow(const struct facts *f)
{
	const struct probe *p = f->p;
	struct host_listener l;

	if (!f->tcp || !p->ack_ns || p->established_ns || p->accepted_ns || p->read_ns ||
	    p->first_byte_ns)
		return NO_MATCH;
	if (facts_queue_overflowed(f))
		return MATCH_CERTAIN;
	if (!p->synack_retransmits && !(p->reset.seen && p->reset.has_socket))
		return NO_MATCH;
	return facts_listener(f, &l) && l.backlog > l.backlog_max ? MATCH_LIKELY : NO_MATCH;
}

/*
 * tcp_conn_request() (6.18): without cookies a SYN is ignored once the
 * listener's request sockets are as many as its backlog, or leave less than a
 * quarter of net.ipv4.tcp_max_syn_backlog.
 */
static enum match match_syn_queue_full(const struct facts *f)
{
	const struct probe *p = f->p;
	int64_t cookies, max;

	if (!f->tcp || f->connected || p->synack_ns || p->host_rst_ns || p->route_failed ||
	    !p->has_listener || !p->listener.found || !p->listener.syn_queue || f->early)
		return NO_MATCH;
	if ((f->drop && !f->drop->reply) || p->queue_full ||
	    ask_sysctl(f->given.host, "net.ipv4.tcp_syncookies", &cookies) || cookies)
		return NO_MATCH;
	if (p->listener.syn_queue >= p->listener.backlog_max)
		return MATCH_LIKELY;
	return ask_sysctl(f->given.host, "net.ipv4.tcp_max_syn_backlog", &max) == 0 &&
			       max - (int64_t)p->listener.syn_queue <= max / 4
		       ? MATCH_LIKELY
		       : NO_MATCH;
}

static void report_syn_queue_full(const struct facts *f, struct diagnosis *d)
{
	const struct hct_listener *listener = &f->p->listener;
	struct host_listener l = { 0 };
	int64_t max = 0;
	bool known = facts_listener(f, &l) && l.pid;
	bool by_sysctl = listener->syn_queue < listener->backlog_max &&
			 ask_sysctl(f->given.host, "net.ipv4.tcp_max_syn_backlog", &max) == 0;

	where_set(d, "socket", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->device_in);
	say(WHY(d), "%" PRIu32 " half-open connections wait at ", listener->syn_queue);
	if (known)
		say_process(WHY(d), &l);
	else
		say(WHY(d), "the listener");
	say(WHY(d), " on port %u", f->inner_port);
	if (by_sysctl)
		say(WHY(d), ", near the limit of %" PRId64 " (net.ipv4.tcp_max_syn_backlog)", max);
	else
		say(WHY(d), ", whose backlog is %" PRIu32, listener->backlog_max);
	say(WHY(d), ", and SYN cookies are off (net.ipv4.tcp_syncookies=0), so the kernel ignores "
		    "the SYN.");
	FIX_COMMAND(d, "sysctl -w net.ipv4.tcp_syncookies=1");
	add_advice(d, "Then see who opens connections and leaves them: a SYN flood, or replies that get "
		      "lost.");
	if (by_sysctl)
		add_advice(d, "Or raise net.ipv4.tcp_max_syn_backlog.");
	SHOW_COMMAND(d, "ss -tan state syn-recv");
}

static void report_accept_queue_full(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	struct host_listener l = { 0 };
	bool known = facts_listener(f, &l);
	uint32_t backlog = p->queue_full ? p->listener.backlog : l.backlog;
	uint32_t max = p->queue_full ? p->listener.backlog_max : l.backlog_max;
	int64_t somaxconn = 0;

	where_set(d, "socket", f->drop);
	if (known && l.pid) {
		say(WHY(d), "The accept queue of ");
		say_process(WHY(d), &l);
	} else {
		say(WHY(d), "The accept queue of the listener");
	}
	say(WHY(d),
	    " on port %u is full: %" PRIu32 " connections wait, %" PRIu32
	    " may%s. It does not accept fast enough, "
		    "so the kernel %s.",
	    f->inner_port, backlog, max, p->queue_full ? "" : " (asked after the probe)",
	    !p->ack_ns	     ? "ignores the SYN"
	    : p->host_rst_ns ? "refuses the connection"
			     : "ignores the connection");
	if (f->connected)
		d->code = f->late_code;
	if (p->host_rst_ns) {
		d->code = "CONNECT_INTERRUPT";
		say(WHY(d), " It answered with a reset, as net.ipv4.tcp_abort_on_overflow asks.");
	}
	if (say_socket_unit(f, d) || say_state(f, d))
		return;
	add_advice(d, "Find out why %s does not accept: see its log.",
		   known && l.comm[0] ? l.comm : "the process");
	if (ask_sysctl(f->given.host, "net.core.somaxconn", &somaxconn) == 0 &&
	    (int64_t)max >= somaxconn)
		add_advice(d, "Against bursts, raise net.core.somaxconn and the listen backlog in its "
			      "configuration, then restart it.");
	else
		add_advice(d, "Against bursts, raise the listen backlog in its configuration (up to "
			      "net.core.somaxconn), then restart it.");
	if (known && l.pid)
		show_threads(l.pid, d);
	else
		show_listeners(f, d);
}

const struct verdict verdict_accept_queue_full = {
	.id = "accept-queue-full",
	.code = "CONNECT_TIMEOUT",
	.step = "6",
	.summary = "accept queue full",
	.meaning = "The process does not take its connections fast enough: its queue is full, and "
		"the kernel drops new requests for it.",
	.evidence = "The listener's backlog was above its limit when the SYN came, and no SYN-ACK "
		"left.",
	.remedy = "Find out why the process does not accept (stuck, overloaded, out of file "
		"descriptors). A longer queue helps with bursts only: listen() backlog of the "
		"service and net.core.somaxconn.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(TC_INGRESS),
	.rule = { .absence = DEPARTURES, .match = match_accept_queue_full, .report = report_accept_queue_full },
};

const struct verdict verdict_syn_queue_full = {
	.id = "syn-queue-full",
	.code = "CONNECT_TIMEOUT",
	.step = "6",
	.summary = "SYN queue full",
	.meaning = "Too many connections to this listener are half open, and SYN cookies are off "
		"or not enough.",
	.evidence = "The listener's queue of half-open connections was full when the SYN came.",
	.remedy = "Set net.ipv4.tcp_syncookies to 1, raise net.ipv4.tcp_max_syn_backlog, and look "
		"for a SYN flood.",
	.outcome = OUTCOME_FAIL,
	.rule = { .absence = DEPARTURES, .match = match_syn_queue_full, .report = report_syn_queue_full },
};

const struct rule accept_queue_overflow = { .absence = POINT_BIT(SOCKET_STATE), .match = match_accept_queue_overflow, .report = report_accept_queue_full };
