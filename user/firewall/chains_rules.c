// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the rules of nftables do with packets that conntrack calls invalid. */
#include "chains.h"

#include <errno.h>
#include <stdio.h> /* libnftnl's headers need FILE */
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_state.h>
#include <string.h>

#include "host/netlink.h"

/* NF_CT_STATE_INVALID_BIT, XT_CONNTRACK_STATE_INVALID and XT_STATE_INVALID alike. */
#define INVALID 1u

/* What one rule is made of, as far as it matters. */
struct rule_sum {
	bool invalid; /* matches ct state invalid */
	bool drops;
	bool looks_up; /* a map may hold verdicts */
};

static bool is_named(const struct nftnl_expr *expr, const char *name)
{
	return !strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_NAME), name);
}

/* -m conntrack --ctstate INVALID, and -m state --state INVALID. */
bool xt_matches_invalid(const char *name, const void *data, size_t len)
{
	struct xt_conntrack_mtinfo3 ct;
	struct xt_state_info state;

	if (!strcmp(name, "conntrack") && len >= sizeof(ct)) {
		memcpy(&ct, data, sizeof(ct));
		return ct.match_flags & XT_CONNTRACK_STATE && ct.state_mask == INVALID &&
		       !(ct.invert_flags & XT_CONNTRACK_STATE);
	}
	if (!strcmp(name, "state") && len >= sizeof(state)) {
		memcpy(&state, data, sizeof(state));
		return state.statemask == INVALID;
	}
	return false;
}

static bool is_xt_invalid(const struct nftnl_expr *expr)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_MT_NAME);
	uint32_t len;
	const void *info = nftnl_expr_get(expr, NFTNL_EXPR_MT_INFO, &len);

	return name && info && xt_matches_invalid(name, info, len);
}

static bool is_drop(const struct nftnl_expr *expr)
{
	const char *target;

	if (is_named(expr, "immediate"))
		return nftnl_expr_is_set(expr, NFTNL_EXPR_IMM_VERDICT) &&
		       nftnl_expr_get_u32(expr, NFTNL_EXPR_IMM_VERDICT) == NF_DROP;
	if (is_named(expr, "reject") || is_named(expr, "queue"))
		return true;
	if (!is_named(expr, "target"))
		return false;
	target = nftnl_expr_get_str(expr, NFTNL_EXPR_TG_NAME);
	return target && (!strcmp(target, "DROP") || !strcmp(target, "REJECT"));
}

static int look_at_expr(struct nftnl_expr *expr, void *data)
{
	struct rule_sum *sum = data;
	uint32_t len;
	const uint32_t *mask;

	if (is_drop(expr)) {
		sum->drops = true;
	} else if (is_named(expr, "bitwise")) { /* ct state & invalid */
		mask = nftnl_expr_get(expr, NFTNL_EXPR_BITWISE_MASK, &len);
		sum->invalid |= mask && len == sizeof(*mask) && *mask == INVALID;
	} else if (is_named(expr, "match")) {
		sum->invalid |= is_xt_invalid(expr);
	} else if (is_named(expr, "lookup") && nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_DREG)) {
		sum->looks_up = true;
	}
	return 0;
}

static bool uses_ct_state(struct nftnl_rule *rule)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	struct nftnl_expr *expr;
	bool found = false;

	while (iter && (expr = nftnl_expr_iter_next(iter)))
		found |= (is_named(expr, "ct") &&
			  nftnl_expr_get_u32(expr, NFTNL_EXPR_CT_KEY) == NFT_CT_STATE) ||
			 is_named(expr, "match");
	if (iter)
		nftnl_expr_iter_destroy(iter);
	return found;
}

static void note(struct host_chains *out, struct nftnl_rule *rule)
{
	const char *table = nftnl_rule_get_str(rule, NFTNL_RULE_TABLE);
	const char *family = nft_family_name(nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY));
	struct rule_sum sum = { 0 };
	bool by_state;

	nftnl_expr_foreach(rule, look_at_expr, &sum);
	by_state = sum.drops && sum.invalid && uses_ct_state(rule);
	for (size_t i = 0; i < out->n; i++) {
		struct host_chain *c = &out->c[i];

		if (strcmp(c->family, family) || strncmp(c->table, table, sizeof(c->table) - 1))
			continue;
		c->drops_invalid |= by_state;
		c->drops_else |= sum.looks_up || (sum.drops && !by_state);
	}
}

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	if (nftnl_rule_nlmsg_parse(nlh, rule) == 0 && nftnl_rule_is_set(rule, NFTNL_RULE_TABLE))
		note(data, rule);
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

int chains_note_rules(struct host_chains *out)
{
	char buf[256] __attribute__((aligned(8)));
	int err, tries = NETLINK_TRIES;
	bool refused;

	do {
		struct nlmsghdr *nlh =
			nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, NFPROTO_UNSPEC, 0, 0);

		err = netlink_ask(NETLINK_NETFILTER, nlh, true, take_rule, out, &refused);
	} while (err == -EINTR && --tries);
	return err;
}
