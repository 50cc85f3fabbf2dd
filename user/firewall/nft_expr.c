// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A rule of nftables: what its expressions demand of a packet, and what they do with it. */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft.h"

#define NO_COUNTER SIZE_MAX

enum fw_verdict nft_verdict(uint32_t code)
{
	switch ((int32_t)code) {
	case NF_ACCEPT:
		return FW_ACCEPT;
	case NF_DROP:
		return FW_DROP;
	case NFT_JUMP:
		return FW_JUMP;
	case NFT_GOTO:
		return FW_GOTO;
	case NFT_RETURN:
		return FW_RETURN;
	case NFT_CONTINUE:
		return FW_CONTINUE;
	default:
		return FW_OTHER;
	}
}

void nft_keep(struct nft_rule_reader *r, enum fw_verdict verdict, const char *target)
{
	struct fw_rule *rule = fw_rule_add(r->rules, r->chain, r->kept);
	size_t size = r->draft.n * sizeof(*rule->cond);

	if (rule)
		rule->cond = fw_alloc(r->rules, size);
	if (!rule || !rule->cond) {
		r->err = -ENOMEM;
		return;
	}
	r->kept = true;
	rule->handle = r->draft.handle;
	rule->effect = r->draft.effect;
	rule->comment = r->draft.comment;
	rule->verdict = verdict;
	/* What stands ahead of conditions counts what does not match them, too. */
	rule->has_packets = r->counted == r->draft.n;
	rule->packets = rule->has_packets ? r->draft.packets : 0;
	rule->n = r->draft.n;
	if (size)
		memcpy(rule->cond, r->draft.cond, size);
	snprintf(rule->target, sizeof(rule->target), "%s", target ? target : "");
}

static void decide(struct nft_rule_reader *r, enum fw_verdict verdict, const char *target)
{
	nft_keep(r, verdict, target);
	r->done = true;
}

static void read_immediate(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	uint32_t to = nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_DREG);

	if (to != NFT_REG_VERDICT) {
		nft_register(r, to)->field = FW_UNKNOWN;
		return;
	}
	decide(r, nft_verdict(nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT)),
	       nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN));
}

static void translate(struct nft_rule_reader *r, bool destination)
{
	r->draft.effect = destination ? FW_EFFECT_DNAT : FW_EFFECT_SNAT;
	decide(r, destination ? FW_NAT : FW_ACCEPT, NULL);
}

static void queue(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	r->draft.effect = FW_EFFECT_QUEUE;
	decide(r, FW_OTHER, NULL);
}

/* iptables' TPROXY: what it does not accept it drops. */
static void proxy(struct nft_rule_reader *r)
{
	r->draft.effect = FW_EFFECT_TPROXY;
	decide(r, FW_ACCEPT, NULL);
}

/* nftables' own: without a socket that takes the packet the rule does not match. */
static void proxy_or_go_on(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	r->draft.effect = FW_EFFECT_TPROXY;
	nft_cannot_tell(r);
}

/* iptables-nft's, for what nftables has no expression. */
static void read_target(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);

	if (!name)
		return;
	if (!strcmp(name, "REJECT"))
		decide(r, FW_REJECT, NULL);
	else if (!strcmp(name, "DNAT") || !strcmp(name, "REDIRECT"))
		translate(r, true);
	else if (!strcmp(name, "SNAT") || !strcmp(name, "MASQUERADE"))
		translate(r, false);
	else if (!strcmp(name, "NFQUEUE"))
		queue(r, e);
	else if (!strcmp(name, "TPROXY"))
		proxy(r);
	else if (!strcmp(name, "SNPT") || !strcmp(name, "DNPT"))
		r->draft.effect = FW_EFFECT_REWRITE;
	else if (!strcmp(name, "SYNPROXY") || !strcmp(name, "NETMAP"))
		decide(r, FW_OTHER, NULL);
}

static void read_nat(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	translate(r, nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_DNAT);
}

static void masquerade(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	translate(r, false);
}

static void redirect(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	translate(r, true);
}

static void reject(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	decide(r, FW_REJECT, NULL);
}

/* fwd sends it out by another device, synproxy answers it: either way, it is gone. */
static void take_away(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	decide(r, FW_OTHER, NULL);
}

static void count(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	r->draft.packets = nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_PACKETS);
	r->counted = r->draft.n;
}

static void nothing(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
}

static void read_expression(struct nft_rule_reader *r, const struct nftnl_expr *e)
{
	static const struct {
		const char *name;
		void (*read)(struct nft_rule_reader *r, const struct nftnl_expr *e);
	} known[] = {
		{ "payload", nft_load_payload }, { "meta", nft_load_meta }, { "ct", nft_load_ct },
		{ "fib", nft_load_fib }, { "bitwise", nft_load_bitwise },
		{ "cmp", nft_compare }, { "range", nft_range }, { "lookup", nft_lookup },
		{ "immediate", read_immediate }, { "target", read_target }, { "nat", read_nat },
		{ "reject", reject }, { "masq", masquerade }, { "redir", redirect },
		{ "tproxy", proxy_or_go_on }, { "queue", queue }, { "fwd", take_away },
		{ "synproxy", take_away },
		{ "counter", count }, { "log", nothing }, { "notrack", nothing },
		{ "objref", nothing }, { "last", nothing }, { "dup", nothing },
	};
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

	for (size_t i = 0; name && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name)) {
			known[i].read(r, e);
			return;
		}
	/* It may leave something in a register, which then nobody knows. */
	memset(r->reg, 0, sizeof(r->reg));
	nft_cannot_tell(r);
}

int nft_rule_read(struct fw_rules *rules, struct nft_sets *sets, struct fw_chain *chain,
		  bool ipv6, struct nftnl_rule *nft)
{
	struct nft_rule_reader r = { .rules = rules, .sets = sets, .ipv6 = ipv6, .chain = chain,
				     .counted = NO_COUNTER };
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(nft);
	struct nftnl_expr *e;

	if (!iter)
		return -ENOMEM;
	r.draft.handle = nftnl_rule_get_u64(nft, NFTNL_RULE_HANDLE);
	while (!r.done && !r.err && (e = nftnl_expr_iter_next(iter)))
		read_expression(&r, e);
	nftnl_expr_iter_destroy(iter);
	if (!r.done && !r.err)
		nft_keep(&r, FW_CONTINUE, NULL);
	return r.err;
}
