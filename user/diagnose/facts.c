// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What follows from a probe's observations, before any rule looks at it. */
#include "rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "answer.h"
#include "ask.h"

#define NS_PER_SEC UINT64_C(1000000000)
#define REACTION_NS UINT64_C(250000000) /* a client that has what it wants ends within this time */
#define ROUND_SECOND_NS UINT64_C(60000000) /* this near to a full second, an end is a timeout */
#define TLS_HANDSHAKE 0x16
#define WAITED_NS UINT64_C(5000000) /* who only connects has ended by then, as a rule */

static uint64_t first_of(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* Timeouts are whole seconds: an end at such a distance is one, whatever --timeout says. */
static bool is_round_second(uint64_t took)
{
	return took + ROUND_SECOND_NS >= NS_PER_SEC &&
	       (took + ROUND_SECOND_NS) % NS_PER_SEC <= 2 * ROUND_SECOND_NS;
}

static bool is_early(const struct facts *f)
{
	uint64_t took = f->lb_end_ns - f->p->start_ns;
	uint64_t limit = f->timeout_ns / 2 > NS_PER_SEC ? f->timeout_ns / 2 : NS_PER_SEC;

	if (!f->lb_end_ns)
		return false;
	if (limit > f->timeout_ns / 10 * 9)
		limit = f->timeout_ns / 10 * 9;
	return !is_round_second(took) && took < limit;
}

static bool is_at_timeout(const struct facts *f)
{
	uint64_t took = f->lb_end_ns - f->p->start_ns;

	return f->lb_end_ns && (took >= f->timeout_ns / 10 * 9 || is_round_second(took));
}

/* It connected and left: a check that goes by the handshake, whenever that came about. */
static bool is_ended_at_handshake(const struct facts *f)
{
	uint64_t shaken = f->p->ack_ns > f->p->synack_ns ? f->p->ack_ns : f->p->synack_ns;

	return f->lb_end_ns && shaken && !f->p->midway && f->lb_end_ns >= shaken &&
	       f->lb_end_ns - shaken <= REACTION_NS;
}

/* Did it end as soon as it had the status, whatever was still to come? */
static bool is_satisfied_by_status(const struct facts *f)
{
	/* most of those that go by the status wait for the end of the head */
	uint64_t status = f->p->head_ns && (!f->lb_end_ns || f->p->head_ns <= f->lb_end_ns)
				  ? f->p->head_ns
				  : f->p->status_ns;

	return status && f->lb_end_ns >= status && f->lb_end_ns - status <= REACTION_NS &&
	       !f->lb_at_timeout;
}

/* Of HTTP the first bytes are no answer: its status line is. */
static bool is_answered(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->tcp)
		return p->reply_ns != 0;
	if (f->spoken.result == READ_INCOMPLETE)
		return false;
	if (f->http && !f->tls && p->first_bytes_len && !p->answer.broken)
		return p->status_ns && p->status_ns <= f->gave_up_ns;
	return p->first_byte_ns && p->first_byte_ns <= f->gave_up_ns;
}

static bool is_replied(const struct facts *f)
{
	uint64_t replied = f->tcp ? f->p->first_byte_ns : f->p->reply_ns;

	return replied && (!f->tcp || replied <= f->gave_up_ns);
}

/* --lb names one that never waits for more than the handshake. */
static bool only_connects(const struct facts *f)
{
	return f->s->preset_given && f->s->preset->tcp == TCP_CHECK_CONNECTS;
}

/*
 * Who only connects does not wait until the service ends the connection; who had
 * seen that when it ended its side had waited for a greeting.  libwrap's refusal
 * is such an end only where a greeting is due.
 */
static bool is_hung_up_on(const struct facts *f)
{
	static const char *const greet[] = { "sshd", "vsftpd", "in.ftpd", "proftpd", "smtpd", "dovecot" };
	const struct probe *p = f->p;
	bool greets = !p->has_libwrap || p->libwrap.granted;

	if (only_connects(f))
		return false;
	for (size_t i = 0; i < sizeof(greet) / sizeof(greet[0]) && !greets; i++)
		greets = strncmp(p->libwrap.daemon, greet[i], strlen(greet[i])) == 0;
	return greets && f->connected && !p->request_ns && !p->first_byte_ns && p->accepted_ns &&
	       p->lb_fin_after_ours && !f->given.http_target && !f->s->expect_http;
}

static bool is_connected(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->tcp)
		return false;
	if (p->ack_ns || p->request_ns || p->established_ns)
		return true;
	/* many checks end with a reset straight after the SYN-ACK; near the timeout it gives up */
	return p->synack_ns && f->lb_end_ns >= p->synack_ns &&
	       f->lb_end_ns - p->start_ns < f->timeout_ns / 10 * 9;
}

/* Is INCIDENT why there was no answer, or did the probe get past it? */
static bool explains(const struct facts *f, const struct probe_incident *incident)
{
	const struct probe *p = f->p;
	uint64_t gone = f->host_end_ns;

	if (!incident->seen)
		return false;
	if (!f->tcp)
		return !p->reply_ns || (incident->reply && incident->time_ns >= p->reply_ns);
	/* a SYNPROXY rule of the firewall has answered the SYN: what comes then meets the rules again */
	if (incident->stage == STAGE_CONNECT && !(incident->packet.tcp_flags & HCT_TCP_SYN) &&
	    f->connected && !incident->reply)
		return !p->established_ns && !p->accepted_ns && !p->read_ns && !p->first_byte_ns &&
		       !(p->reset.seen && !p->reset.has_socket) &&
		       (!f->lb_end_ns || f->lb_at_timeout);
	if (incident->stage == STAGE_CONNECT || incident->packet.tcp_flags & HCT_TCP_SYN)
		return !f->connected;
	if (incident->reply)
		return !f->early && (!p->first_byte_ns || incident->time_ns >= p->first_byte_ns);
	/* what comes for a connection that the application has closed is dropped, too */
	if (gone && gone <= incident->time_ns && !nf_place(incident).netfilter)
		return false;
	return !p->read_ns && !p->first_byte_ns && !p->unread;
}

static void find_range(struct facts *f)
{
	const struct settings *s = f->s;

	for (size_t i = 0; i < s->n_from; i++) {
		const struct prefix *prefix = &s->from[i];
		unsigned bytes = prefix->len / 8, bits = prefix->len % 8;

		if (prefix->len > 128 || memcmp(prefix->addr, f->p->tuple.lb, bytes) != 0)
			continue;
		if (bits && (prefix->addr[bytes] ^ f->p->tuple.lb[bytes]) >> (8 - bits))
			continue;
		format_prefix(f->range, prefix);
		return;
	}
	snprintf(f->range, sizeof(f->range), "%s", f->lb);
}

static void put_in_words(struct facts *f)
{
	const struct probe *p = f->p;
	struct hct_tuple inner = probe_inner_tuple(p);

	f->port = ntohs(p->tuple.target_port);
	f->protocol = f->tcp ? "tcp" : f->udp ? "udp" : "icmp";
	format_addr(f->lb, p->tuple.lb);
	format_addr(f->address, p->tuple.target);
	format_endpoint(f->target, p->tuple.target, f->icmp ? 0 : f->port);
	find_range(f);
	f->inner_port = ntohs(inner.target_port);
	format_addr(f->inner_address, inner.target);
	format_endpoint(f->inner_target, inner.target, f->icmp ? 0 : f->inner_port);
	if (probe_forwarded(p))
		snprintf(f->inside, sizeof(f->inside), " in %.63s",
			 p->inner_name[0] ? p->inner_name : "the container");
	if (p->has_process)
		snprintf(f->process, sizeof(f->process), "%s (pid %u)", p->comm, p->pid);
	else
		snprintf(f->process, sizeof(f->process), "the application");
	snprintf(f->what, sizeof(f->what), "%s",
		 f->tcp	  ? "SYN"
		 : f->udp ? "datagram"
			  : "echo request");
}

/* Of what was lost any may have been a record. */
static bool has_all_records(const struct probe *p)
{
	return !p->missing && (!p->lossy || p->lb_fin_ns || p->lb_rst_ns);
}

void facts_derive(struct facts *f, const struct case_facts *given)
{
	const struct probe *p = given->probe;

	memset(f, 0, sizeof(*f));
	f->given = *given;
	f->p = p;
	f->s = given->settings;
	f->tcp = p->tuple.protocol == IPPROTO_TCP;
	f->udp = p->tuple.protocol == IPPROTO_UDP;
	f->icmp = !f->tcp && !f->udp;
	f->v6 = !addr_is_ipv4(p->tuple.target);
	probe_reading(p, &f->spoken);
	f->http = f->tcp && (p->http_request.valid || (f->s->expect_http && !f->spoken.application));
	f->only_connects = only_connects(f);
	f->gaps = p->missing || p->lossy;
	f->asks = f->udp && f->spoken.application;
	f->tls = (p->request_bytes_len && p->request_bytes[0] == TLS_HANDSHAKE) ||
		 p->tls.state & HCT_TLS_SEEN;
	f->records = tls_followed(&p->tls) && has_all_records(p) ? &p->tls : NULL;
	f->timeout_ns = f->s->timeout_ns;
	f->lb_end_ns = first_of(probe_lb_end_ns(p), f->records ? f->records->lb.closing_ns : 0);
	f->host_end_ns = first_of(first_of(p->host_fin_ns, p->host_rst_ns), p->app_close_ns);
	/* who hears the close_notify may be faster with its end than the service with its FIN */
	if (f->records)
		f->host_end_ns = first_of(f->host_end_ns, f->records->service.closing_ns);
	/* a process that resets closes its socket first, and no FIN leaves */
	f->host_reset = p->host_rst_ns && (!p->host_fin_ns || p->host_rst_ns < p->host_fin_ns);
	f->gave_up_ns = f->lb_end_ns ? f->lb_end_ns : p->start_ns + f->timeout_ns;
	f->early = is_early(f);
	f->lb_at_timeout = is_at_timeout(f);
	f->host_ended_first = f->host_end_ns && (!f->lb_end_ns || f->host_end_ns <= f->lb_end_ns);
	f->connected = is_connected(f);
	f->ended_at_handshake = is_ended_at_handshake(f);
	f->awaits_greeting = f->connected && !p->request_ns && !p->first_byte_ns &&
			     f->lb_at_timeout && !f->ended_at_handshake &&
			     !f->given.http_target && !f->s->expect_http;
	f->hung_up_on = is_hung_up_on(f);
	f->waited = p->host_fin_ns > p->ack_ns + WAITED_NS;
	f->answered = is_answered(f);
	f->replied = is_replied(f);
	f->satisfied_by_status = is_satisfied_by_status(f);
	f->judges = client_judges(f->s, p);
	probe_extent(p, &f->extent);
	if (explains(f, &p->drop))
		f->drop = &p->drop;
	else if (explains(f, &p->last_drop))
		f->drop = &p->last_drop;
	if (f->drop)
		f->place = nf_place(f->drop);
	f->late_code = f->connected ? "RECV_RESPONSE_TIMEOUT" : "CONNECT_TIMEOUT";
	put_in_words(f);
}

bool facts_status_expected(const struct settings *s, int status)
{
	for (size_t i = 0; i < s->n_expect; i++)
		if (status >= s->expect[i].first && status <= s->expect[i].last)
			return true;
	return s->n_expect == 0 && status >= 200 && status <= 399;
}

int probe_listeners(const struct host *host, const struct probe *p, struct host_listeners *out)
{
	struct hct_tuple tuple = probe_inner_tuple(p);
	uint16_t port = ntohs(tuple.target_port);

	if (!probe_forwarded(p))
		return ask_listeners(host, tuple.protocol, port, out);
	memset(out, 0, sizeof(*out));
	return p->inner_netns ? ask_listeners_in(host, p->inner_netns, tuple.protocol, port, out)
			      : -ENODATA;
}

int facts_owner(const struct facts *f, struct host_process *out)
{
	struct hct_tuple tuple = probe_inner_tuple(f->p);

	memset(out, 0, sizeof(*out));
	return probe_forwarded(f->p) ? -ENODATA : ask_owner(f->given.host, &tuple, out);
}

/* Did a socket take it, whatever the host says now? */
static bool was_taken(const struct probe *p)
{
	return p->synack_ns || p->established_ns || p->reply_ns ||
	       (p->has_listener && p->listener.found && !p->reset.seen);
}

bool listener_of_probe(const struct host *host, const struct probe *p, struct host_listener *out)
{
	struct hct_tuple tuple = probe_inner_tuple(p);
	uint16_t port = ntohs(tuple.target_port);
	const struct host_listener *best = NULL, *other_device = NULL;
	struct host_listeners all;
	struct arrival in;

	if (probe_listeners(host, p, &all))
		return false;
	probe_arrival(host, p, &in);
	for (size_t i = 0; i < all.n && i < HOST_MAX_LISTENERS; i++) {
		const struct host_listener *l = &all.l[i];
		enum listener_fit fit;

		if (l->port != port || l->other_netns)
			continue;
		fit = listener_fit(l, tuple.target, &in);
		if (fit == LISTENER_OF_DEVICE && !other_device)
			other_device = l; /* a bridge, or a VRF, that the device belongs to */
		if (fit == LISTENER_TAKES && (!best || listener_preference(l, tuple.target) >
							       listener_preference(best, tuple.target)))
			best = l;
	}
	if (!best && was_taken(p))
		best = other_device;
	if (best)
		*out = *best;
	return best != NULL;
}

bool facts_listener(const struct facts *f, struct host_listener *out)
{
	return listener_of_probe(f->given.host, f->p, out);
}

bool facts_refusal(const struct facts *f, struct host_wrappers *out)
{
	const struct probe *p = f->p;
	const struct host *host = f->given.host;
	struct host_listener l;
	int err = ask_wrappers(host, p->libwrap_pid, p->libwrap.daemon, p->tuple.lb, out);

	/* who asked may have been a child that is gone; its parent sees the same files */
	if (err && facts_listener(f, &l) && l.pid)
		err = ask_wrappers(host, l.pid, p->libwrap.daemon, p->tuple.lb, out);
	return !err && !out->granted && out->file[0];
}
