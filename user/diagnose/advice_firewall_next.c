// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What stands behind a rule: a probe that a command lets pass there may meet another one that drops
 * it, or its answer, as where INPUT and OUTPUT both have the policy "drop".  Then one command does
 * not help.
 */
#include "advice_rule.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "nf_packet.h"

/* What is met next: at the same hook behind the rule, and at the hooks that follow. */
static const struct next {
	const char *hook;
	const char *then; /* "" the hooks of an answer that leaves this host */
	bool reply; /* is that about the answer? */
} nexts[] = {
	{ "INPUT", "", true },
	{ "FORWARD", "FORWARD", true },
	{ "OUTPUT", "POSTROUTING", true },
};

static int32_t priority_of(const struct culprit *c)
{
	return c->named ? c->rule.priority : c->chain.priority;
}

/* The first rule that surely drops a packet at HOOK with a priority ABOVE that. */
static bool find_drop(const struct facts *f, const char *hook, bool reply, int32_t above,
		      struct culprit *out)
{
	struct probe_incident incident = { .reply = reply };
	struct nf_place place = { .netfilter = true, .hook = hook };
	struct host_packet packet;
	struct host_rules rules;

	memset(out, 0, sizeof(*out));
	if (f->tcp)
		incident.packet.tcp_flags = HCT_TCP_SYN | (reply ? HCT_TCP_ACK : 0);
	incident.time_ns = f->given.now_ns;
	if (!nf_packet_of(f->p, &incident, &place, f->given.kernel, &packet))
		return false;
	packet.above = above;
	if (ask_rules(f->given.host, &packet, &rules))
		return false;
	for (size_t i = 0; i < rules.n && i < HOST_MAX_RULES; i++) {
		const struct host_rule *r = &rules.r[i];

		if (!r->surely || r->invalid_only ||
		    (r->kind != RULE_DROP && r->kind != RULE_REJECT) ||
		    strcmp(r->family, "bridge") == 0)
			continue;
		out->named = true;
		out->confidence = CONFIDENCE_LIKELY;
		out->reply = reply;
		out->rule = *r;
		out->place = place;
		out->outer = memcmp(&packet.tuple, &f->p->tuple, sizeof(packet.tuple)) == 0;
		return true;
	}
	return false;
}

size_t culprits_next(const struct facts *f, const struct culprit *c, struct culprit out[NEXT_MAX])
{
	const char *hook = c->place.hook ? c->place.hook : "";
	size_t n = 0;

	if (!hook[0] || !c->place.netfilter || c->inside || c->too_big || c->place.bridge || (!c->named && !c->found))
		return 0;
	n += find_drop(f, hook, c->reply, priority_of(c), &out[n]);
	/* of a datagram no answer is asked for */
	for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++)
		if (strcmp(nexts[i].hook, hook) == 0 && !f->udp &&
		    !(c->reply && strcmp(nexts[i].hook, "FORWARD") == 0))
			n += find_drop(f, nexts[i].then, nexts[i].reply, INT32_MIN, &out[n]);
	return n;
}
