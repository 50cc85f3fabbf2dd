// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A firewall rule, policy or chain that did something, in words. */
#include "advice_rule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fw_owner.h"

static bool is_nft(const struct host_rule *rule)
{
	return strcmp(rule->backend, "nft") == 0;
}

const char *rule_words(const struct host_rule *rule, char *out, size_t size)
{
	struct fw_owner owner;
	char by[128] = "";

	out[0] = '\0';
	if (rule->policy)
		say(out, size, "the policy (drop) of ");
	else if (rule->handle && (is_nft(rule) || !rule->number))
		say(out, size, "the rule with handle %" PRIu64 " in ", rule->handle);
	else if (rule->number)
		say(out, size, "rule %u of ", rule->number);
	else
		say(out, size, "a rule of ");
	say(out, size, "chain %.63s", rule->chain);
	if (is_nft(rule))
		say(out, size, " %s table %.11s %.63s", rule->policy ? "in" : "of", rule->family,
		    rule->table);
	else
		say(out, size, ", table %.63s", rule->table);
	say(out, size, " (%.23s", rule->backend);
	if (fw_owner_of(rule, &owner))
		say(out, size, "; %s", fw_owner_words(&owner, by, sizeof(by)));
	say(out, size, ")%s", is_nft(rule) ? "" : ",");
	return out;
}

static const char *backend_words(const struct culprit *c)
{
	if (c->named)
		return c->rule.backend;
	if (c->found)
		return c->chain.backend;
	switch (c->place.backend) {
	case NF_BACKEND_NFT:
		return "nft";
	case NF_BACKEND_LEGACY:
		return "iptables-legacy";
	case NF_BACKEND_EBTABLES:
		return "ebtables";
	case NF_BACKEND_UNKNOWN:
		break;
	}
	return "";
}

static void where_rule(struct where *w, const struct culprit *c)
{
	const struct host_rule *r = &c->rule;

	snprintf(w->family, sizeof(w->family), "%s", r->family);
	snprintf(w->table, sizeof(w->table), "%s", r->table);
	snprintf(w->chain, sizeof(w->chain), "%s", r->chain);
	if (!w->hook[0])
		snprintf(w->hook, sizeof(w->hook), "%.15s", r->hook);
	w->policy = r->policy;
	w->rule = r->policy ? 0 : r->number;
	w->handle = r->policy ? 0 : r->handle;
	snprintf(w->text, sizeof(w->text), "%s", r->policy ? "policy drop" : r->text);
	w->named = true;
	w->confidence = c->confidence;
}

void where_culprit(struct diagnosis *d, const struct culprit *c,
		   const struct probe_incident *incident)
{
	struct where *w = &d->where;

	where_set(d, "netfilter", incident);
	snprintf(w->backend, sizeof(w->backend), "%s", backend_words(c));
	snprintf(w->hook, sizeof(w->hook), "%s", c->place.hook);
	if (c->named) {
		where_rule(w, c);
		return;
	}
	if (!c->found)
		return;
	snprintf(w->family, sizeof(w->family), "%s", c->chain.family);
	snprintf(w->table, sizeof(w->table), "%s", c->chain.table);
	snprintf(w->chain, sizeof(w->chain), "%s", c->chain.chain);
}

const char *rule_action(const struct culprit *c, bool *unanswered)
{
	*unanswered = c->place.queue || (c->named && c->rule.kind == RULE_QUEUE);
	return *unanswered ? "handed" : "dropped";
}

const char *queue_words(const struct culprit *c, bool unanswered)
{
	if (!unanswered)
		return "";
	return c->place.queue ? " to a program by NFQUEUE, and none was there or it said no" :
				" to a program by NFQUEUE, and none answered";
}

/* ---- sentences ---- */

/* "A rule in chain INPUT of table filter (iptables-legacy) DID." */
static void say_chain(const struct culprit *c, bool refused, const char *did, struct diagnosis *d)
{
	if (c->found && !refused && strcmp(c->chain.policy, "drop") == 0)
		say(WHY(d), "A rule or the policy (drop) of chain %.63s in table %.63s (%s) ",
		    c->chain.chain, c->chain.table, c->chain.backend);
	else if (c->found)
		say(WHY(d), "A rule in chain %.63s of table %.63s (%s) ", c->chain.chain,
		    c->chain.table, c->chain.backend);
	else
		say(WHY(d), "A firewall rule%s%s%s%s ", c->place.hook[0] ? " at hook " : "",
		    c->place.hook, backend_words(c)[0] ? " of " : "", backend_words(c));
	say(WHY(d), "%s.", did);
	if (!c->found && c->n_candidates > 1)
		say(WHY(d), " It is in one of: %s.", c->candidates);
}

static void say_candidate(const struct host_rule *rule, bool first, struct diagnosis *d)
{
	char words[256];
	size_t len;

	rule_words(rule, words, sizeof(words));
	len = strlen(words);
	if (len && words[len - 1] == ',')
		words[len - 1] = '\0';
	say(WHY(d), "%s %s", first ? ":" : ";", words);
	if (rule->text[0])
		say(WHY(d), ": %.120s%s", rule->text, strlen(rule->text) > 120 ? "..." : "");
}

static void say_candidates(const struct culprit *c, const char *did, struct diagnosis *d)
{
	size_t n = c->n_others < CULPRIT_OTHERS ? c->n_others : CULPRIT_OTHERS;

	if (!c->n_others) { /* not all rules could be read */
		say(WHY(d), "A firewall rule %s, perhaps this one", did);
		say_candidate(&c->rule, true, d);
		return;
	}
	say(WHY(d), "One of these %s", did);
	say_candidate(&c->rule, true, d);
	for (size_t i = 0; i < n; i++)
		say_candidate(&c->others[i], false, d);
	if (c->n_others == n + 1)
		say(WHY(d), "; or one more");
	else if (c->n_others > n)
		say(WHY(d), "; or one of %zu more", c->n_others - n);
}

/*
 * What the firewall did can be certain where the rule is only likely: then both
 * are apart, "The firewall DID; most likely by rule 1 of chain INPUT".  Behind
 * another sentence that one has said what is certain.
 */
static void say_rule(const struct culprit *c, const char *did, struct diagnosis *d)
{
	bool likely = c->confidence == CONFIDENCE_LIKELY;
	size_t start = strlen(d->why), len;
	bool apart = likely && d->confidence == CONFIDENCE_CERTAIN && !start;
	char words[256];

	rule_words(&c->rule, words, sizeof(words));
	len = strlen(words);
	if (apart && len && words[len - 1] == ',')
		words[len - 1] = '\0';
	if (apart)
		say(WHY(d), "The firewall %s; most likely by %s", did, words);
	else
		say(WHY(d), "%s%s %s", likely ? "Most likely " : "", words, did);
	if (!likely && d->why[start] >= 'a' && d->why[start] <= 'z')
		d->why[start] = (char)(d->why[start] - 'a' + 'A');
	if (c->rule.policy)
		say(WHY(d), ": no rule before it accepts it.");
	else if (c->rule.text[0])
		say(WHY(d), ": %s", c->rule.text);
	else
		say(WHY(d), ".");
}

void end_sentence(struct diagnosis *d)
{
	size_t len = strlen(d->why);

	if (len && d->why[len - 1] != '.')
		say(WHY(d), ".");
}

void say_culprit(const struct facts *f, const struct culprit *c, bool refused, const char *did,
		 struct diagnosis *d)
{
	if (!c->named) {
		say_chain(c, refused, did, d);
	} else if (c->confidence == CONFIDENCE_GUESS) {
		say_candidates(c, did, d);
	} else {
		say_rule(c, did, d);
	}
	if (!f->s->passive || (c->named && c->confidence == CONFIDENCE_CERTAIN))
		return;
	end_sentence(d);
	say(WHY(d), " Which rule it was, --passive cannot prove unless the rule counts; a run "
		    "without it does.");
}
