/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Expressions of nftables' rules, and elements of its sets; the inside of firewall_nft.c. */
#ifndef HCT_FIREWALL_NFT_H
#define HCT_FIREWALL_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libnftnl/rule.h>

#include "firewall.h"

/* Puts rule NFT behind those of CHAIN; each element of a verdict map as a rule.  0 or -errno. */
int nft_rule_read(struct fw_rules *rules, struct fw_chain *chain, bool ipv6,
		  struct nftnl_rule *nft);

struct nft_element {
	uint8_t lo[16], hi[16]; /* both ends belong to it */
	uint8_t len; /* of both, as the key is long */
	bool any; /* the catch-all element */
	int32_t verdict; /* of a verdict map */
	char chain[64];
};

struct nft_elements {
	struct nft_element *element;
	size_t n;
};

/*
 * Reads set NAME of TABLE, whose key must have LEN bytes (-EMSGSIZE: it has
 * not, it is a concatenation).  0 or -errno; free with nft_elements_free().
 */
int nft_elements_read(const char *family, const char *table, const char *name, uint8_t len,
		      struct nft_elements *out);
void nft_elements_free(struct nft_elements *set);

#endif
