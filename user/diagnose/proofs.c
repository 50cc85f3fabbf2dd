// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which rule of the firewall stops which kind of packet, as far as proven. */
#include "proofs.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define MAX_PROOFS 1024 /* some 700 bytes each */

struct entry {
	struct proof_key key;
	struct proof proof;
	UT_hash_handle hh;
};

struct proofs {
	struct entry *by_key; /* in the order of their use, the latest last */
};

struct proofs *proofs_new(void)
{
	return calloc(1, sizeof(struct proofs));
}

void proofs_free(struct proofs *proofs)
{
	struct entry *entry, *next;

	if (!proofs)
		return;
	HASH_ITER(hh, proofs->by_key, entry, next) {
		HASH_DEL(proofs->by_key, entry);
		free(entry);
	}
	free(proofs);
}

void proof_key_of(struct proof_key *key, const struct hct_tuple *tuple,
		  const struct host_packet *packet)
{
	bool icmp = tuple->protocol == IPPROTO_ICMP || tuple->protocol == IPPROTO_ICMPV6;

	memset(key, 0, sizeof(*key));
	memcpy(key->lb, tuple->lb, sizeof(key->lb));
	memcpy(key->target, tuple->target, sizeof(key->target));
	key->port = icmp ? 0 : tuple->target_port;
	key->protocol = tuple->protocol;
	key->reply = packet->reply;
	key->inside = packet->netns != 0;
	key->begins = !!(packet->packet.tcp_flags & HCT_TCP_SYN);
	key->data = packet->packet.payload_len != 0;
	memcpy(key->hook, packet->hook, sizeof(key->hook));
	key->hook[sizeof(key->hook) - 1] = '\0';
}

/* Adds ENTRY behind all others. */
static bool append(struct proofs *proofs, struct entry *entry)
{
	HASH_ADD(hh, proofs->by_key, key, sizeof(entry->key), entry);
	return entry->hh.tbl != NULL;
}

struct proof *proofs_get(struct proofs *proofs, const struct proof_key *key, bool *first)
{
	struct entry *entry, *oldest;

	HASH_FIND(hh, proofs->by_key, key, sizeof(*key), entry);
	*first = !entry;
	if (entry) {
		HASH_DEL(proofs->by_key, entry);
	} else {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return NULL;
		entry->key = *key;
		oldest = proofs->by_key;
		if (HASH_COUNT(oldest) >= MAX_PROOFS) {
			HASH_DEL(proofs->by_key, oldest);
			free(oldest);
		}
	}
	if (!append(proofs, entry)) {
		free(entry);
		return NULL;
	}
	return &entry->proof;
}

bool same_rule(const struct host_rule *a, const struct host_rule *b)
{
	if (a->policy != b->policy || strcmp(a->family, b->family) != 0 ||
	    strcmp(a->table, b->table) != 0 || strcmp(a->chain, b->chain) != 0 ||
	    (strcmp(a->backend, "iptables-legacy") == 0) !=
		    (strcmp(b->backend, "iptables-legacy") == 0))
		return false;
	if (a->handle && b->handle)
		return a->handle == b->handle;
	return a->policy || strcmp(a->text, b->text) == 0;
}

/* FNV-1a */
static uint64_t add_text(uint64_t hash, const char *text)
{
	do {
		hash ^= (unsigned char)*text;
		hash *= UINT64_C(0x100000001b3);
	} while (*text++);
	return hash;
}

static uint64_t hash_of(const struct host_rules *walked, size_t n)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++) {
		const struct host_rule *r = &walked->r[i];

		hash = add_text(hash, r->family);
		hash = add_text(hash, r->table);
		hash = add_text(hash, r->chain);
		hash = add_text(hash, r->text);
	}
	return hash;
}

/* The place of RULE in WALKED; their number when it is not among them. */
static size_t place_of(const struct host_rule *rule, const struct host_rules *walked)
{
	for (size_t i = 0; i < walked->n && i < HOST_MAX_RULES; i++)
		if (same_rule(&walked->r[i], rule))
			return i;
	return walked->n < HOST_MAX_RULES ? walked->n : HOST_MAX_RULES;
}

void proof_learn(struct proof *proof, const struct host_rule *rule, const struct host_rules *walked)
{
	static const struct host_rules nothing;
	size_t place;

	if (!walked)
		walked = &nothing;
	place = place_of(rule, walked);
	proof->proven = true;
	proof->rule = *rule;
	proof->outside = place >= walked->n;
	proof->ahead = hash_of(walked, place);
}

bool proof_holds(const struct proof *proof, const struct host_rules *walked, struct host_rule *out)
{
	size_t place = place_of(&proof->rule, walked);
	bool outside = place >= walked->n;

	if (outside != proof->outside || hash_of(walked, place) != proof->ahead)
		return false;
	*out = outside ? proof->rule : walked->r[place];
	return strcmp(out->text, proof->rule.text) == 0;
}
