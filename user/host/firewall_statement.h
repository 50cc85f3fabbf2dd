/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One rule of nftables on its way to text; the inside of firewall_render.c. */
#ifndef HCT_FIREWALL_STATEMENT_H
#define HCT_FIREWALL_STATEMENT_H

#include <stdarg.h>

#include "firewall_nft.h"
#include "firewall_render.h"
#include "firewall_text.h"

#define RENDER_STATEMENTS 64
#define RENDER_TEXT_LEN 2048

struct render_rule {
	const char *family, *table;
	struct nft_sets *sets;
	char text[RENDER_TEXT_LEN]; /* of its statements, each terminated */
	size_t used, n, at[RENDER_STATEMENTS];
	bool cut; /* not all of it has room */
	struct render_term reg[NFT_REGISTERS], nowhere;
	/* Statements that a later one can make superfluous: 1 + their place; 0: none. */
	size_t says_proto, says_family;
	uint8_t proto; /* of the transport header, 0: not told */
	bool v6; /* the network header is IPv6's */
	bool told; /* and that is sure */
	/* The last statement, when it is a lower bound: of what, and which. */
	struct { size_t n; struct render_term term; uint8_t value[16]; } bound;
};

/*
 * NFT, of a table, in nft's syntax, without its handle; what is not understood is
 * "…".  0 or -ENOMEM.
 */
int render_rule(const char *family, const char *table, struct nft_sets *sets,
		const struct nftnl_rule *nft, char *out, size_t size);

void render_put(struct render_rule *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void render_unknown(struct render_rule *r);
void render_imply(struct render_rule *r, size_t *dependency);

/* Adds what E says to R. */
void render_expression(struct render_rule *r, const struct nftnl_expr *e);

/* ---- what it loads: all but the verdicts and the like ---- */

struct render_term *render_register(struct render_rule *r, uint32_t number);
/* Loads a register, or writes one to where it can be loaded from; false: E, NAME, does neither. */
bool render_load(struct render_rule *r, const struct nftnl_expr *e, const char *name);
/* Compares a register, or looks it up; false: E, NAME, does neither. */
bool render_test(struct render_rule *r, const struct nftnl_expr *e, const char *name);

/* "accept", "jump web" */
void render_verdict(char *out, size_t size, int32_t code, const char *chain);

#endif
