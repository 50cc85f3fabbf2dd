// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What rules counted since they were first asked about for packets of a kind. */
#include "rule_counters.h"

#include <stdlib.h>
#include <string.h>

#define MAX_KINDS 32
#define MAX_RULES 2048 /* of one kind; others do not count */

struct mark {
	uint64_t rule; /* its identity, as a hash */
	uint64_t packets;
};

struct baseline {
	struct host_packet kind;
	uint64_t fingerprint; /* of the rules that it was taken from */
	uint64_t used; /* serial number of the last question */
	struct mark *mark;
	size_t n;
};

struct rule_counters {
	struct baseline baseline[MAX_KINDS];
	size_t n;
	uint64_t serial;
};

struct rule_counters *rule_counters_new(void)
{
	return calloc(1, sizeof(struct rule_counters));
}

void rule_counters_free(struct rule_counters *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->baseline[i].mark);
	free(c);
}

#define HASH_START UINT64_C(14695981039346656037) /* FNV-1a */

static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * UINT64_C(1099511628211);
	return h;
}

static uint64_t hash_text(uint64_t h, const char *text)
{
	return hash_bytes(h, text ? text : "", text ? strlen(text) + 1 : 1);
}

static uint64_t hash_chain(uint64_t h, const struct fw_chain *chain)
{
	h = hash_text(h, chain->backend);
	h = hash_text(h, chain->family);
	h = hash_text(h, chain->table);
	return hash_text(h, chain->name);
}

/* nftables never uses a handle again; where there is none, the place and the text have to do. */
static uint64_t hash_rule(uint64_t h, const struct fw_rule *rule)
{
	if (rule->handle)
		return hash_bytes(h, &rule->handle, sizeof(rule->handle));
	h = hash_bytes(h, &rule->number, sizeof(rule->number));
	return hash_text(h, rule->text);
}

uint64_t rule_counters_fingerprint(const struct fw_rules *rules)
{
	uint64_t h = HASH_START;

	for (const struct fw_chain *c = rules->chains; c; c = c->next) {
		if (strcmp(c->backend, "iptables-legacy") != 0)
			continue;
		h = hash_chain(h, c);
		for (const struct fw_rule *r = c->rules; r; r = r->next)
			h = hash_rule(h, r);
	}
	return h;
}

static uint64_t identity(const struct walk_hit *hit)
{
	uint64_t h = hash_chain(HASH_START, hit->chain);

	return hit->rule ? hash_rule(h, hit->rule) : hash_text(h, "policy");
}

static bool packets_of(const struct walk_hit *hit, uint64_t *packets)
{
	*packets = hit->rule ? hit->rule->packets : hit->chain->policy_packets;
	return hit->rule ? hit->rule->has_packets : hit->chain->has_policy_packets;
}

/* Rules without a handle are known by their place: only in the same rules again. */
static bool is_the_same(const struct baseline *b, const struct walk_hit *hit, uint64_t fingerprint)
{
	return !hit->rule || hit->rule->handle || b->fingerprint == fingerprint;
}

/* The baseline's mark of RULE, which mostly stands at place I again. */
static const struct mark *find_mark(const struct baseline *b, uint64_t rule, size_t i)
{
	if (i < b->n && b->mark[i].rule == rule)
		return &b->mark[i];
	for (i = 0; i < b->n; i++)
		if (b->mark[i].rule == rule)
			return &b->mark[i];
	return NULL;
}

static void compare(const struct baseline *b, uint64_t fingerprint, const struct rule_hits *hits,
		    struct rule_count *out)
{
	for (size_t i = 0; i < hits->n; i++) {
		const struct mark *mark = find_mark(b, identity(&hits->hit[i]), i);
		uint64_t now;

		if (!mark || !is_the_same(b, &hits->hit[i], fingerprint) ||
		    !packets_of(&hits->hit[i], &now) || now < mark->packets)
			continue;
		out[i].known = true;
		out[i].hits = now - mark->packets;
	}
}

static struct baseline *find_kind(struct rule_counters *c, const struct host_packet *kind)
{
	for (size_t i = 0; i < c->n; i++)
		if (memcmp(&c->baseline[i].kind, kind, sizeof(*kind)) == 0)
			return &c->baseline[i];
	return NULL;
}

static struct baseline *make_room(struct rule_counters *c)
{
	struct baseline *oldest = &c->baseline[0];

	if (c->n < MAX_KINDS)
		return &c->baseline[c->n++];
	for (size_t i = 1; i < c->n; i++)
		if (c->baseline[i].used < oldest->used)
			oldest = &c->baseline[i];
	free(oldest->mark);
	memset(oldest, 0, sizeof(*oldest));
	return oldest;
}

/*
 * Takes down what is counted now, of rules that were not known before, too.
 * What OUT knows keeps its mark.  Without memory the kind is new the next time.
 */
static void take_down(struct baseline *b, uint64_t fingerprint, const struct rule_hits *hits,
		      const struct rule_count *out)
{
	size_t n = hits->n < MAX_RULES ? hits->n : MAX_RULES, used = 0;
	struct mark *mark = calloc(n + 1, sizeof(*mark));

	for (size_t i = 0; mark && i < n; i++) {
		uint64_t now;

		if (!packets_of(&hits->hit[i], &now))
			continue;
		mark[used++] = (struct mark){ identity(&hits->hit[i]),
					      out[i].known ? now - out[i].hits : now };
	}
	free(b->mark);
	b->mark = mark;
	b->n = used;
	b->fingerprint = fingerprint;
}

void rule_counters_read(struct rule_counters *c, const struct host_packet *kind,
			uint64_t fingerprint, const struct rule_hits *hits, struct rule_count *out)
{
	struct baseline *b = find_kind(c, kind);

	memset(out, 0, hits->n * sizeof(*out));
	if (!b) {
		b = make_room(c);
		memcpy(&b->kind, kind, sizeof(*kind));
	} else {
		compare(b, fingerprint, hits, out);
	}
	b->used = ++c->serial;
	take_down(b, fingerprint, hits, out);
}
