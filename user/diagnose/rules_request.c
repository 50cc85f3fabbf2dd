// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules: the connection came about, and the application's part went wrong. */
#include "rule_sets.h"

#include <errno.h>
#include <string.h>


#define TLS_ALERT 0x15
#define TLS_HANDSHAKE 0x16

/* The check wanted an answer: a request came, or one had to. */
static bool wants_answer(const struct facts *f)
{
	return f->tcp && f->connected && (f->p->request_ns || f->s->expect_http);
}

enum match match_tcp_wrappers(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->tcp || !f->connected || !p->has_libwrap || p->libwrap.granted)
		return NO_MATCH;
	if (!p->has_process || p->process_accepted)
		return MATCH_CERTAIN;
	/* a server often forks before it asks: another pid of the same name will do */
	return p->pid == p->libwrap_pid || strcmp(p->comm, p->libwrap_comm) == 0 ? MATCH_CERTAIN :
										   MATCH_LIKELY;
}

enum match match_tls_alert(const struct facts *f)
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

enum match match_not_http(const struct facts *f)
{
	const struct probe *p = f->p;

	return wants_answer(f) && f->http && !f->tls && f->answered && p->first_bytes_len &&
			       !p->http_response.valid
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

enum match match_http_status(const struct facts *f)
{
	const struct probe *p = f->p;

	return wants_answer(f) && !f->tls && f->answered && p->http_response.valid &&
			       !facts_status_expected(f->s, p->http_response.status)
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

enum match match_app_closed(const struct facts *f)
{
	return wants_answer(f) && !f->p->first_byte_ns && f->host_end_ns &&
			       (!f->lb_end_ns || f->host_end_ns <= f->lb_end_ns)
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

enum match match_probe_aborted(const struct facts *f)
{
	return f->tcp && f->early && !f->p->first_byte_ns && !f->host_end_ns ? MATCH_CERTAIN
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

	if (!wants_answer(f) || !p->request_ns || p->first_byte_ns || p->read_ns)
		return NO_MATCH;
	/* where accept() itself is watched, that it did not come (in time) is seen */
	if (accept_watched(f))
		return p->accepted_ns && p->accepted_ns <= f->gave_up_ns ? NO_MATCH : MATCH_CERTAIN;
	if (p->accepted_ns)
		return NO_MATCH;
	if (p->unaccepted_ns > p->request_ns)
		return MATCH_CERTAIN;
	return facts_owner(f, &owner) == -ENOENT ? MATCH_LIKELY : NO_MATCH;
}

enum match match_app_slow(const struct facts *f)
{
	const struct probe *p = f->p;
	struct host_process owner;

	if (!wants_answer(f) || !p->request_ns || f->answered)
		return NO_MATCH;
	if (p->accepted_ns || p->read_ns || p->first_byte_ns)
		return MATCH_CERTAIN;
	return facts_owner(f, &owner) == 0 ? MATCH_LIKELY : MATCH_GUESS;
}
