// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who took the probes of a target until now, as this run saw it. */
#include "served.h"

#include <arpa/inet.h>
#include <string.h>

#include "rules.h"

static uint64_t answered_ns(const struct probe *p)
{
	uint64_t last = p->synack_ns;

	if (p->first_byte_ns > last)
		last = p->first_byte_ns;
	return p->reply_ns > last ? p->reply_ns : last;
}

/* A SYNPROXY rule answers before any socket does. */
static bool is_firewalls_answer(const struct probe *p)
{
	return p->has_listener && !p->listener.found && !p->established_ns && !p->first_byte_ns;
}

static void note_answer(struct served *s, const struct probe *p, const struct diagnosis *d)
{
	struct hct_tuple inner = probe_inner_tuple(p);

	s->until_ns = answered_ns(p);
	s->spoke = d->outcome == OUTCOME_PASS || p->first_byte_ns || p->reply_ns;
	s->pid = p->has_process ? p->pid : 0;
	memset(s->comm, 0, sizeof(s->comm));
	if (s->pid)
		memcpy(s->comm, p->comm, sizeof(s->comm) - 1);
	s->forwarded = probe_forwarded(p);
	s->netns = p->inner_netns;
	memcpy(s->netns_name, p->inner_name, sizeof(s->netns_name));
	memcpy(s->addr, inner.target, sizeof(s->addr));
	s->port = ntohs(inner.target_port);
	s->listens_ns = 0;
}

void served_note(struct served *s, const struct host *host, uint64_t now_ns, const struct probe *p,
		 const struct diagnosis *d)
{
	struct host_listener l;

	switch (d->verdict) {
	case VERDICT_NO_LISTENER:
	case VERDICT_UDP_NO_LISTENER:
	case VERDICT_UNREACHABLE_SUPPRESSED:
		if (!listener_of_probe(host, p, &l) || !l.pid)
			return;
		/* the first time of that process is told: so the words stay the same */
		if (s->listens_ns && s->listens_pid == l.pid)
			return;
		s->listens_ns = now_ns;
		s->listens_pid = l.pid;
		memcpy(s->listens_comm, l.comm, sizeof(s->listens_comm));
		return;
	default:
		if (answered_ns(p) > s->until_ns && !is_firewalls_answer(p))
			note_answer(s, p, d);
	}
}
