/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A rule of nftables that traces one kind of packet. */
#ifndef HCT_NFT_TRACE_RULE_H
#define HCT_NFT_TRACE_RULE_H

#include <stdio.h> /* libnftnl's headers need FILE */
#include <libnftnl/rule.h>

#include "nft_table.h"

/*
 * "ip saddr … tcp dport … limit rate 50/second burst 20 packets meta nftrace
 * set 1" for WATCH, in CHAIN of TABLE.  It never asks conntrack, which would
 * switch that on.  NULL: no memory.  Free it with nftnl_rule_free().
 */
struct nftnl_rule *nft_trace_rule(uint32_t family, const char *table, const char *chain,
				  const struct nft_watch *watch);

#endif
