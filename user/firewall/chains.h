/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Base chains of nftables, iptables-nft and legacy iptables, as packets meet them. */
#ifndef HCT_CHAINS_H
#define HCT_CHAINS_H

#include "host/host.h"

/*
 * host_ops.chains, for the calling thread's network namespace.  Of chains with
 * one priority, the one made later runs first; between nftables and legacy
 * iptables that order is not known, and nftables is listed first.
 * -EINVAL: no such hook.
 */
int chains_read(bool ipv6, const char *hook, struct host_chains *out);

/*
 * Puts CHAIN in its place in OUT: behind everything of a lower priority, and
 * before (FIRST) or behind what has the same one.
 */
void chains_insert(struct host_chains *out, const struct host_chain *chain, bool first);

/*
 * Sets what host_chain says about the rules of its table, for the nftables
 * chains in OUT.  0 or -errno.
 */
int chains_note_rules(struct host_chains *out);

/*
 * Does the iptables match NAME, with its LEN bytes of DATA, ask for
 * conntrack's state invalid and no other?
 */
bool xt_matches_invalid(const char *name, const void *data, size_t len);

#define HCTRACE_TABLES "hctrace_" /* with a process number behind: trace/nft_table.c makes them */
/* Is TABLE of nftables one of hctrace's own?  They are no part of the firewall. */
bool nft_table_is_hctraces(const char *table);

/* A family of nftables as nft(8) calls it, from NFPROTO_*. */
const char *nft_family_name(uint32_t family);
/* "drop", "accept", …, as nftables reports it of a rule; NULL: its way goes on in another chain. */
const char *nft_verdict_name(uint32_t verdict);

/* Has iptables' table TABLE a chain at HOOK ("INPUT") with this PRIORITY? */
bool iptables_has(const char *table, const char *hook, int32_t priority);
/* The priority of that chain; 0 also when there is none. */
int32_t iptables_priority(const char *table, const char *hook);

/* Adds the chains that legacy iptables has at HOOK.  0 (also when there are none) or -errno. */
int chains_add_legacy(bool ipv6, const char *hook, struct host_chains *out);

#endif
