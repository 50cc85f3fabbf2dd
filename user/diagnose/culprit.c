// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which rule or policy of the firewall did it. */
#include "culprit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "verdict/report.h"
#include "ask.h"
#include "nf_packet.h"
#include "proofs.h"
#include "rules.h"

/* What is known of the packet's end, and what the host says about it. */
struct search {
	const struct facts *f;
	const struct probe_incident *incident;
	struct nf_place place;
	bool rejected;
	struct host_packet packet;
	bool askable; /* packet is filled in */
	struct proof *proof; /* NULL: no memory for one, or nobody keeps them */
	bool walked; /* rules is filled in */
	int err; /* of asking for them */
	struct host_rules rules;
};

bool facts_rejected(const struct facts *f)
{
	const struct probe *p = f->p;

	if (nf_place(&p->icmp_sent).reject || nf_place(&p->reset).reject)
		return true;
	if (!f->drop || f->drop->reply || !f->place.netfilter)
		return false;
	/*
	 * nf_send_reset() builds its RST itself, and icmp_send has a tracepoint
	 * only since 6.11: what is left is the answer on the wire and the drop.
	 */
	if (f->place.reject || p->icmp_left_ns || p->icmp_sent.seen)
		return true;
	return f->tcp && p->host_rst_ns && !p->reset.seen;
}

/* The drop, or, of a REJECT whose drop was not seen, the answer; NULL: neither. */
static const struct probe_incident *choose_incident(const struct facts *f, bool rejected,
						    struct nf_place *place)
{
	const struct probe *p = f->p;
	const struct probe_incident *sent = p->icmp_sent.seen ? &p->icmp_sent : &p->reset;
	struct nf_place answered = nf_place(sent);

	if (!rejected || !answered.reject) {
		*place = f->place;
		return f->drop && f->place.netfilter ? f->drop : NULL;
	}
	if (!f->drop || !f->place.netfilter) {
		*place = answered;
		return sent;
	}
	*place = f->place;
	if (!place->hook[0]) {
		place->hook = answered.hook;
		place->bridge = answered.bridge;
	}
	return f->drop;
}

static bool is_legacy(const char *backend)
{
	return strcmp(backend, "iptables-legacy") == 0;
}

static bool backend_fits(const struct search *s, const char *backend, const char *family)
{
	if ((strcmp(family, "bridge") == 0) != s->place.bridge)
		return false;
	switch (s->place.backend) {
	case NF_BACKEND_NFT:
		return !is_legacy(backend);
	case NF_BACKEND_LEGACY:
		return is_legacy(backend);
	case NF_BACKEND_EBTABLES:
		return false;
	case NF_BACKEND_UNKNOWN:
		break;
	}
	return !is_legacy(s->packet.backend) || is_legacy(backend);
}

/* ---- candidates ---- */

/* Can RULE, by what it does, have ended the packet's way so? */
static bool can_end(const struct search *s, const struct host_rule *rule)
{
	if (s->rejected)
		return rule->kind == RULE_REJECT || rule->kind == RULE_UNKNOWN;
	if (s->place.queue)
		return rule->kind == RULE_QUEUE || rule->kind == RULE_UNKNOWN;
	return rule->kind == RULE_DROP || rule->kind == RULE_REJECT || rule->kind == RULE_QUEUE ||
	       rule->kind == RULE_TPROXY || rule->kind == RULE_UNKNOWN;
}

static bool can_rewrite(const struct host_rule *rule, bool reply)
{
	if (rule->kind == RULE_REWRITE)
		return true;
	return rule->kind == (reply ? RULE_SNAT : RULE_DNAT);
}

/* Keeps what KEEP says, unless that would be nothing. */
static void narrow(struct host_rules *rules, bool (*keep)(const struct host_rule *rule))
{
	size_t n = 0;

	for (size_t i = 0; i < rules->n; i++)
		n += keep(&rules->r[i]);
	if (!n || n == rules->n)
		return;
	n = 0;
	for (size_t i = 0; i < rules->n; i++)
		if (keep(&rules->r[i]))
			rules->r[n++] = rules->r[i];
	rules->n = n;
}

static bool is_drop(const struct host_rule *rule)
{
	return rule->kind == RULE_DROP || rule->kind == RULE_TPROXY || rule->kind == RULE_UNKNOWN;
}

/* It counted, or cannot tell. */
static bool may_have_counted(const struct host_rule *rule)
{
	return !rule->counted || rule->hits;
}

/* The best of RULES: the first that such a packet surely matches, else the first likely one. */
static size_t best_of(const struct host_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->r[i].surely)
			return i;
	for (size_t i = 0; i < rules->n; i++)
		if (!rules->r[i].invalid_only) /* few packets are */
			return i;
	return 0;
}

/*
 * Names the best of RULES, which can all have done it.  COUNTABLE: what did it
 * has counted at least one such packet since it was first asked for.
 */
static void choose(const struct host_rules *rules, bool countable, struct culprit *out)
{
	struct host_rules left = *rules;
	size_t best;

	if (countable)
		narrow(&left, may_have_counted);
	best = best_of(&left);
	out->named = true;
	out->rule = left.r[best];
	if (countable && left.n == 1 && left.r[0].counted && left.r[0].hits && !left.truncated)
		out->confidence = CONFIDENCE_CERTAIN;
	else if (left.n == 1 && !left.truncated && !left.incomplete)
		out->confidence = CONFIDENCE_LIKELY;
	else
		out->confidence = CONFIDENCE_GUESS;
	for (size_t i = 0; i < left.n; i++) {
		if (i == best)
			continue;
		if (out->n_others < CULPRIT_OTHERS)
			out->others[out->n_others] = left.r[i];
		out->n_others++;
	}
}

/*
 * Was such a packet dropped after the rules were first asked for, and before
 * the reading of counters that S has?
 */
static bool is_countable(const struct search *s)
{
	const struct facts *f = s->f;
	const struct probe_incident *last = &f->p->last_drop;
	uint64_t asked = s->proof ? s->proof->asked_ns : 0, when = s->incident->time_ns;

	if (!asked || f->given.now_ns < s->rules.age_ns)
		return false;
	if (when <= asked && last->seen && last->reply == s->incident->reply &&
	    last->inside == s->incident->inside)
		when = last->time_ns;
	return when > asked && when < f->given.now_ns - s->rules.age_ns;
}

static bool within(const struct search *s, int32_t priority)
{
	return priority > s->packet.above && priority < s->packet.below;
}

/* Asks for the rules that PACKET can have met; what cannot have done it is left out. */
static void ask_for(struct search *s, const struct host_packet *packet)
{
	size_t n = 0;

	s->err = ask_rules(s->f->given.host, packet, &s->rules);
	s->walked = !s->err;
	if (!s->walked)
		return;
	if (s->rules.n > HOST_MAX_RULES)
		s->rules.n = HOST_MAX_RULES;
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct host_rule *r = &s->rules.r[i];

		if (can_end(s, r) && backend_fits(s, r->backend, r->family) &&
		    within(s, r->priority))
			s->rules.r[n++] = *r;
	}
	s->rules.n = n;
}

/* Counters are kept by kind, which has no bounds; they matter where all found is outside. */
static void walk(struct search *s)
{
	struct host_packet any;

	if (!s->askable)
		return;
	any = nf_packet_unbound(&s->packet);
	ask_for(s, &any);
	if (s->proof && !s->proof->asked_ns)
		s->proof->asked_ns = s->f->given.now_ns;
	if (s->walked && !s->rules.n &&
	    (s->packet.above != any.above || s->packet.below != any.below))
		ask_for(s, &s->packet);
	/* a REJECT whose answer was held back is possible, but nothing to begin with */
	if (!s->rejected)
		narrow(&s->rules, is_drop);
}

/* ---- proofs ---- */

/* RULE as nftables reported it; its text and number as the host knows them. */
static void look_up_rule(const struct host *host, const struct probe_rule *seen,
			 struct host_rule *out)
{
	const struct obs_rule *rule = &seen->rule;

	if (ask_rule(host, seen->inside ? seen->netns : 0, rule->family, rule->table, rule->chain,
		     rule->handle, out) == 0)
		return;
	memset(out, 0, sizeof(*out));
	snprintf(out->backend, sizeof(out->backend), "nft");
	snprintf(out->family, sizeof(out->family), "%s", rule->family);
	snprintf(out->table, sizeof(out->table), "%s", rule->table);
	snprintf(out->chain, sizeof(out->chain), "%s", rule->chain);
	out->handle = rule->handle;
	out->policy = !rule->handle;
	out->kind = strcmp(rule->verdict, "queue") == 0 ? RULE_QUEUE : RULE_DROP;
}

/* What the walk knows of the same rule besides. */
static void add_walked(const struct search *s, struct host_rule *rule)
{
	for (size_t i = 0; s->walked && i < s->rules.n; i++) {
		const struct host_rule *r = &s->rules.r[i];

		if (!same_rule(r, rule))
			continue;
		if (!rule->text[0])
			snprintf(rule->text, sizeof(rule->text), "%s", r->text);
		if (!rule->number)
			rule->number = r->number;
		rule->invalid_only |= r->invalid_only;
		return;
	}
}

/* nftables itself said so. */
static bool by_trace(struct search *s, struct culprit *out)
{
	const struct probe_rule *seen = &s->f->p->rule_end;

	if (!seen->seen || seen->reply != s->incident->reply || seen->inside != s->incident->inside)
		return false;
	look_up_rule(s->f->given.host, seen, &out->rule);
	add_walked(s, &out->rule);
	out->named = true;
	out->confidence = CONFIDENCE_CERTAIN;
	if (s->proof)
		proof_learn(s->proof, &out->rule, s->walked ? &s->rules : NULL);
	return true;
}

/* Proven by an earlier probe, and nothing has changed since. */
static bool by_proof(struct search *s, struct culprit *out)
{
	const struct host_rule *known = &s->proof->rule;
	struct host_rule now;

	if (!s->proof->proven)
		return false;
	out->rule = *known;
	if (!s->walked && s->err != -ENODATA) { /* too many questions just now */
		out->named = true;
		out->confidence = CONFIDENCE_LIKELY;
		return true;
	}
	if (s->walked && !proof_holds(s->proof, &s->rules, &out->rule)) {
		s->proof->proven = false;
		return false;
	}
	if (!s->walked || s->proof->outside) {
		bool askable = known->handle || (known->policy && !is_legacy(known->backend));

		if (!askable ||
		    ask_rule(s->f->given.host, s->packet.netns, known->family, known->table,
			     known->chain, known->handle, &now) ||
		    strcmp(now.text, known->text) != 0) {
			s->proof->proven = false;
			return false;
		}
		out->rule = now;
	}
	if (!out->rule.handle)
		out->rule.handle = known->handle;
	out->named = true;
	out->confidence = CONFIDENCE_CERTAIN;
	return true;
}

static bool by_walk(struct search *s, struct culprit *out)
{
	if (!s->walked || !s->rules.n)
		return false;
	choose(&s->rules, is_countable(s), out);
	if (out->confidence == CONFIDENCE_CERTAIN && s->proof)
		proof_learn(s->proof, &out->rule, &s->rules);
	return true;
}

/* ---- chains alone ---- */

static void by_chains(const struct search *s, struct culprit *out)
{
	struct host_chains chains;
	char hook[32];

	snprintf(hook, sizeof(hook), "%s%s", s->place.bridge ? "bridge " : "", s->place.hook);
	/* of a container's chains this host knows nothing */
	if (!s->place.hook[0] || s->incident->inside ||
	    ask_chains(s->f->given.host, s->f->v6, hook, &chains))
		return;
	for (size_t i = 0; i < chains.n && i < HOST_MAX_CHAINS; i++) {
		const struct host_chain *c = &chains.c[i];

		/* NAT chains decide about addresses; a DROP in them is refused by iptables */
		if (strcmp(c->table, "nat") == 0 || !backend_fits(s, c->backend, c->family))
			continue;
		if (s->askable && !within(s, c->priority))
			continue;
		if (out->n_candidates++ == 0)
			out->chain = *c;
		say(out->candidates, sizeof(out->candidates), "%s%.16s %.12s %.30s %.30s",
		    out->candidates[0] ? ", " : "", c->backend, c->family, c->table, c->chain);
	}
	out->found = out->n_candidates == 1 && !chains.truncated;
}

static void search_rule(struct search *s, struct culprit *out)
{
	const struct facts *f = s->f;
	struct proof_key key;
	bool first;

	out->place = s->place;
	out->inside = s->incident->inside;
	out->reply = s->incident->reply;
	s->askable = nf_packet_of(f->p, s->incident, &s->place, f->given.kernel, &s->packet);
	out->outer = memcmp(&s->packet.tuple, &f->p->tuple, sizeof(s->packet.tuple)) == 0;
	if (s->askable && f->given.proofs) {
		proof_key_of(&key, &f->p->tuple, &s->packet);
		s->proof = proofs_get(f->given.proofs, &key, &first);
	}
	walk(s);
	/* nftables reports the rules that the probe's own packets met, and no others */
	if ((!out->too_big && by_trace(s, out)) || (s->proof && by_proof(s, out)) ||
	    by_walk(s, out))
		return;
	by_chains(s, out);
}

void culprit_find(const struct facts *f, struct culprit *out)
{
	struct search s = { .f = f, .rejected = facts_rejected(f) };

	memset(out, 0, sizeof(*out));
	s.incident = choose_incident(f, s.rejected, &s.place);
	out->place = s.place;
	if (s.incident)
		search_rule(&s, out);
}

void culprit_of_too_big(const struct facts *f, struct culprit *out)
{
	struct search s = { .f = f, .incident = &f->p->too_big, .place = nf_place(&f->p->too_big) };

	memset(out, 0, sizeof(*out));
	out->too_big = true;
	out->place = s.place;
	if (s.incident->seen && s.place.netfilter)
		search_rule(&s, out);
}

/* ---- addresses ---- */

/* Of the rules that nftables reported, the only one that changes addresses. */
static bool by_nat_trace(const struct facts *f, bool reply, struct culprit *out)
{
	struct host_rule rule;
	size_t n = 0;

	for (size_t i = 0; i < PROBE_MAX_NAT; i++) {
		const struct probe_rule *seen = &f->p->rule_nat[i];

		if (!seen->seen || seen->reply != reply || seen->inside)
			continue;
		look_up_rule(f->given.host, seen, &rule);
		if (!can_rewrite(&rule, reply) || (n && same_rule(&rule, &out->rule)))
			continue;
		out->rule = rule;
		n++;
	}
	out->named = n == 1;
	out->confidence = CONFIDENCE_CERTAIN;
	return out->named;
}

bool culprit_of_rewrite(const struct facts *f, bool reply, struct culprit *out)
{
	struct host_packet packet;
	struct host_rules rules;
	size_t n = 0;

	memset(out, 0, sizeof(*out));
	out->reply = reply;
	out->outer = true;
	out->place.hook = reply ? "" : "PREROUTING";
	if (!by_nat_trace(f, reply, out)) {
		nf_packet_rewritten(f->p, reply, &packet);
		if (ask_rules(f->given.host, &packet, &rules))
			return false;
		for (size_t i = 0; i < rules.n && i < HOST_MAX_RULES; i++)
			if (can_rewrite(&rules.r[i], reply))
				rules.r[n++] = rules.r[i];
		rules.n = n;
		if (!n)
			return false;
		choose(&rules, true, out);
	}
	if (out->rule.hook[0])
		out->place.hook = out->rule.hook;
	return true;
}

bool culprit_is_invalid_only(const struct culprit *c)
{
	if (!c->named || !c->rule.invalid_only || c->n_others > CULPRIT_OTHERS)
		return false;
	for (size_t i = 0; i < c->n_others; i++)
		if (!c->others[i].invalid_only)
			return false;
	return true;
}
