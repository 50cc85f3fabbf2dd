/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Expressions of nftables' rules, and elements of its sets; the inside of nft.c. */
#ifndef HCT_FIREWALL_NFT_H
#define HCT_FIREWALL_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h> /* libnftnl's headers need FILE */

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "firewall.h"

/* What an expression has put into a register. */
struct nft_content {
	enum fw_field field;
	uint8_t len; /* bytes loaded, from the field's start; more than it has: also of the next */
	bool index; /* a device's number instead of its name */
	bool host_order; /* a number of 4 bytes, of a field that may be shorter */
	bool masked;
	uint8_t mask[16];
};

#define NFT_REGISTERS 20 /* of 32 bits */

struct nft_sets;

struct nft_rule_reader {
	struct fw_rules *rules;
	struct nft_sets *sets;
	bool ipv6;
	struct fw_chain *chain;
	struct fw_rule draft; /* the rule being read */
	size_t counted; /* conditions that stand before its counter */
	struct nft_content reg[NFT_REGISTERS], nowhere;
	bool kept; /* at least once, for one element of a map */
	bool done; /* its verdict is known */
	int err;
};

/* Puts rule NFT behind those of CHAIN; each element of a verdict map as a rule.  0 or -errno. */
int nft_rule_read(struct fw_rules *rules, struct nft_sets *sets, struct fw_chain *chain,
		  bool ipv6, struct nftnl_rule *nft);

/* ---- what an expression puts into a register ---- */

struct nft_content *nft_register(struct nft_rule_reader *r, uint32_t number);
void nft_load_payload(struct nft_rule_reader *r, const struct nftnl_expr *e);
void nft_load_meta(struct nft_rule_reader *r, const struct nftnl_expr *e);
void nft_load_ct(struct nft_rule_reader *r, const struct nftnl_expr *e);
void nft_load_fib(struct nft_rule_reader *r, const struct nftnl_expr *e);
void nft_load_bitwise(struct nft_rule_reader *r, const struct nftnl_expr *e);
/* VALUE of LEN bytes, as the kernel keeps what C holds, in FIELD's form. */
void nft_value(const struct nft_content *c, const uint8_t *value, uint32_t len, uint8_t out[16]);

/* ---- what an expression demands of it ---- */

struct fw_condition *nft_condition(struct nft_rule_reader *r, enum fw_field field, size_t n,
				   struct fw_range **range);
void nft_cannot_tell(struct nft_rule_reader *r);
void nft_compare(struct nft_rule_reader *r, const struct nftnl_expr *e);
void nft_range(struct nft_rule_reader *r, const struct nftnl_expr *e);
void nft_lookup(struct nft_rule_reader *r, const struct nftnl_expr *e);

/* ---- what it does with the packet ---- */

/* Puts the draft with VERDICT behind the chain's rules. */
void nft_keep(struct nft_rule_reader *r, enum fw_verdict verdict, const char *target);
/* The same of an NF_* or NFT_* verdict. */
enum fw_verdict nft_verdict(uint32_t code);

#define NFT_KEY_MAX 64 /* NFT_REG32_COUNT * NFT_REG32_SIZE */

struct nft_element {
	uint8_t lo[NFT_KEY_MAX], hi[NFT_KEY_MAX]; /* both ends belong to it */
	bool any; /* the catch-all element */
	int32_t verdict; /* of a verdict map */
	char *chain; /* NULL: none */
	char *comment; /* of an element with a verdict; NULL: none */
};

struct nft_elements {
	struct nft_element *element; /* a catch-all element is the last one */
	size_t n;
	size_t len; /* bytes of a key */
};

/* The sets of the namespace, each read when it is first asked for; begins all zero. */
struct nft_sets {
	struct nft_set *set;
	size_t n, room;
	bool listed;
};

/*
 * The elements of set NAME of TABLE; in a concatenation's key each field has
 * whole words of 4 bytes, and LO and HI are to be taken field by field.  NULL:
 * they cannot be had.  They belong to SETS.
 */
const struct nft_elements *nft_elements_get(struct nft_sets *sets, const char *family,
					    const char *table, const char *name);
void nft_sets_free(struct nft_sets *sets);

#endif
