// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kinds of packets that netfilter stopped (or rewrote), as far as they are remembered. */
#include "rule_kinds.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "nft_report.h"

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* Makes room: forgets the one that was met first and is at rest. */
static bool forget_one(struct kinds *kinds)
{
	struct kind *kind, *next;

	HASH_ITER(hh, kinds->all, kind, next) {
		if (kind->state == KIND_WATCHED || kind->pending)
			continue;
		HASH_DEL(kinds->all, kind);
		free(kind);
		return true;
	}
	return false;
}

struct kind *kinds_get(struct kinds *kinds, const struct kind_key *key)
{
	struct kind *kind;

	HASH_FIND(hh, kinds->all, key, sizeof(*key), kind);
	if (kind)
		return kind;
	if (HASH_COUNT(kinds->all) >= RULE_MAX_KINDS && !forget_one(kinds))
		return NULL;
	kind = calloc(1, sizeof(*kind));
	if (!kind)
		return NULL;
	kind->key = *key;
	HASH_ADD(hh, kinds->all, key, sizeof(kind->key), kind);
	if (kind->hh.tbl)
		return kind;
	free(kind);
	return NULL;
}

void kinds_clear(struct kinds *kinds)
{
	struct kind *kind, *next;

	HASH_ITER(hh, kinds->all, kind, next) {
		HASH_DEL(kinds->all, kind);
		free(kind);
	}
	kinds->n_watched = 0;
	kinds->n_pending = 0;
}

bool kind_set_state(struct kinds *kinds, struct kind *kind, enum kind_state state)
{
	size_t i = 0;

	while (i < kinds->n_watched && kinds->watched[i] != kind)
		i++;
	if (state == KIND_WATCHED && i == kinds->n_watched) {
		if (kinds->n_watched == RULE_MAX_WATCHED)
			return false;
		kinds->watched[kinds->n_watched++] = kind;
	} else if (state != KIND_WATCHED && i < kinds->n_watched) {
		kinds->watched[i] = kinds->watched[--kinds->n_watched];
	}
	kind->state = state;
	return true;
}

void kind_set_pending(struct kinds *kinds, struct kind *kind)
{
	if (kind->pending || kinds->n_pending == RULE_MAX_WATCHED)
		return;
	kind->pending = true;
	kinds->pending[kinds->n_pending++] = kind;
}

struct kind_key kind_key_of(const struct obs *o)
{
	struct kind_key key;

	memset(&key, 0, sizeof(key));
	key.netns = o->netns;
	key.protocol = o->tuple.protocol;
	key.reply = o->reply;
	memcpy(key.lb, o->tuple.lb, sizeof(key.lb));
	memcpy(key.target, o->tuple.target, sizeof(key.target));
	if (has_ports(key.protocol))
		key.port_be = o->tuple.target_port;
	key.opening = key.protocol == IPPROTO_TCP && o->packet.tcp_flags & HCT_TCP_SYN;
	return key;
}

static struct kind_alias *find_alias(struct kinds *kinds, const uint8_t target[16],
				     uint16_t port_be, uint8_t protocol)
{
	size_t n = kinds->n_aliases < RULE_MAX_ALIASES ? kinds->n_aliases : RULE_MAX_ALIASES;

	for (size_t i = 0; i < n; i++) {
		struct kind_alias *alias = &kinds->aliases[i];

		if (alias->protocol == protocol && alias->port_be == port_be &&
		    memcmp(alias->target, target, sizeof(alias->target)) == 0)
			return alias;
	}
	return NULL;
}

void kinds_note_alias(struct kinds *kinds, const struct obs *o)
{
	uint16_t port_be = has_ports(o->tuple.protocol) ? o->tuple.target_port : 0;
	struct kind_alias *alias = find_alias(kinds, o->tuple.target, port_be, o->tuple.protocol);

	if (!alias) {
		alias = &kinds->aliases[kinds->n_aliases++ % RULE_MAX_ALIASES];
		memcpy(alias->target, o->tuple.target, sizeof(alias->target));
		alias->port_be = port_be;
		alias->protocol = o->tuple.protocol;
	}
	memcpy(alias->inner, o->translation.addr, sizeof(alias->inner));
	alias->inner_port_be = port_be ? o->translation.port : 0;
}

bool kind_learn_inner(struct kinds *kinds, struct kind *kind)
{
	const struct kind_alias *alias =
		find_alias(kinds, kind->key.target, kind->key.port_be, kind->key.protocol);

	if (!alias || (kind->has_inner && kind->inner_port_be == alias->inner_port_be &&
		       memcmp(kind->inner, alias->inner, sizeof(kind->inner)) == 0))
		return false;
	kind->has_inner = true;
	kind->inner_port_be = alias->inner_port_be;
	memcpy(kind->inner, alias->inner, sizeof(kind->inner));
	return true;
}

static const struct prefix *prefix_of(const struct settings *s, const uint8_t lb[16])
{
	if (s->probe_from)
		return &s->probe_from->alone;
	for (size_t i = 0; i < s->n_from; i++)
		if (prefix_has(&s->from[i], lb))
			return &s->from[i];
	return NULL;
}

/* Adds WATCH, where it is not one that another kind has brought. */
static size_t add_watch(struct nft_watch *watches, size_t n, const struct nft_watch *watch)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(&watches[i], watch, sizeof(*watch)) == 0)
			return n;
	watches[n] = *watch;
	return n + 1;
}

size_t kind_add_watches(const struct kind *kind, const struct settings *settings, uint32_t netns,
			struct nft_watch *watches, size_t n)
{
	const struct prefix *prefix = prefix_of(settings, kind->key.lb);
	struct nft_watch watch;

	if (!prefix)
		return n;
	memset(&watch, 0, sizeof(watch));
	memcpy(watch.lb.addr, prefix->addr, sizeof(watch.lb.addr));
	watch.lb.len = prefix->len;
	memcpy(watch.target, kind->key.target, sizeof(watch.target));
	watch.port_be = kind->key.port_be;
	watch.protocol = kind->key.protocol;
	watch.reply = kind->key.reply;
	watch.opening = kind->key.opening;
	watch.bridge = kind->key.bridge;
	memcpy(watch.device, kind->device, sizeof(watch.device));
	n = add_watch(watches, n, &watch);
	if (!kind->has_inner || (!watch.reply && kind->key.netns == netns))
		return n;
	memcpy(watch.target, kind->inner, sizeof(watch.target));
	watch.port_be = kind->inner_port_be;
	return add_watch(watches, n, &watch);
}
