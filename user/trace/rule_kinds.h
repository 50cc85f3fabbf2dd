/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kinds of packets that netfilter stopped (or rewrote), as far as they are remembered. */
#ifndef HCT_RULE_KINDS_H
#define HCT_RULE_KINDS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft_table.h"
#include "stream/obs.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define RULE_MAX_KINDS 4096
#define RULE_MAX_WATCHED 16 /* at the same time */
#define RULE_MAX_ALIASES 64

/* Cleared before it is filled: it is a hash key. */
struct kind_key {
	uint32_t netns; /* where it happened */
	uint16_t port_be; /* the target's; 0 for an echo */
	uint8_t protocol;
	uint8_t reply;
	uint8_t lb[16], target[16];
	uint8_t opening; /* TCP: SYN or SYN-ACK */
	uint8_t rewritten; /* asked for what changed its addresses; else for what stopped it */
	uint8_t bridge;
	char hook[17];
};

enum kind_state {
	KIND_RESTING, /* to be watched when it happens */
	KIND_WATCHED,
	KIND_NAMED, /* its rule was reported: the same until the ruleset changes */
	KIND_GIVEN_UP, /* no report came, or none can come */
};

struct kind {
	struct kind_key key;
	enum kind_state state;
	bool traced; /* watched by nftables' trace */
	bool foreign; /* what stopped it is not nftables */
	bool pending; /* it happened since the last look at the ruleset */
	char device[IFNAMSIZ]; /* at INGRESS */
	bool has_inner; /* behind a DNAT: */
	uint8_t inner[16];
	uint16_t inner_port_be;
	uint16_t last_lb_port; /* of the last drop */
	bool has_over; /* TCP: since the watch began, the probe from this port was diagnosed */
	uint16_t over_lb_port;
	uint32_t generation; /* of the ruleset, when it was watched last */
	uint64_t since_ns; /* when its watch began */
	uint64_t last_ns; /* when it was stopped last; rewritten: diagnosed */
	uint64_t looked_ns; /* when the ruleset was looked at for it last */
	uint64_t reported_ns; /* first report of its watch; 0 none */
	unsigned drops; /* since its watch has been at work */
	unsigned rungs; /* drops of those that told a rung of the ladder */
	unsigned again; /* times that it was watched again */
	UT_hash_handle hh;
};

/* The other address that a target has behind its DNAT. */
struct kind_alias {
	uint8_t target[16], inner[16];
	uint16_t port_be, inner_port_be;
	uint8_t protocol;
};

struct kinds {
	struct kind *all; /* in the order in which they were met */
	struct kind *watched[RULE_MAX_WATCHED];
	size_t n_watched;
	struct kind *pending[RULE_MAX_WATCHED];
	size_t n_pending;
	struct kind_alias aliases[RULE_MAX_ALIASES];
	size_t n_aliases;
};

/* The kind of KEY, made where it is new; NULL: no room. */
struct kind *kinds_get(struct kinds *kinds, const struct kind_key *key);
void kinds_clear(struct kinds *kinds);
/* A change of state.  False: it cannot be watched, as too many are. */
bool kind_set_state(struct kinds *kinds, struct kind *kind, enum kind_state state);
/* Puts KIND among those to be looked at; no room: its next time will come. */
void kind_set_pending(struct kinds *kinds, struct kind *kind);
/* The key of the packet that O is about, all but hook and bridge. */
struct kind_key kind_key_of(const struct obs *o);

/* A TRANSLATION of a request. */
void kinds_note_alias(struct kinds *kinds, const struct obs *o);
/* Gives KIND the address that its target is known to have behind a DNAT.  True: a new one. */
bool kind_learn_inner(struct kinds *kinds, struct kind *kind);

/*
 * Adds to the N WATCHES what traces KIND, at most two; the new N.  NETNS is the
 * watched namespace: there a request has the address of its DNAT nowhere ahead
 * of it, while a reply has it until it passes conntrack on its way out.
 */
size_t kind_add_watches(const struct kind *kind, const struct settings *settings, uint32_t netns,
			struct nft_watch *watches, size_t n);

#endif
