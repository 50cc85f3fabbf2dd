// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* nftables' statements, which do something, in nft's syntax. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_log.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft_statement.h"

void render_verdict(char *out, size_t size, int32_t code, const char *chain)
{
	static const struct {
		int32_t code;
		const char *name;
	} known[] = {
		{ NF_ACCEPT, "accept" },   { NF_DROP, "drop" },		{ NFT_RETURN, "return" },
		{ NFT_JUMP, "jump" },	   { NFT_GOTO, "goto" },	{ NFT_CONTINUE, "continue" },
	};

	snprintf(out, size, "…");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].code == code)
			snprintf(out, size, "%s%s%s", known[i].name, chain && *chain ? " " : "",
				 chain ? chain : "");
}

static void put_immediate(struct render_rule *r, const struct nftnl_expr *e)
{
	uint32_t to = nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_DREG), len = 0;
	char verdict[96];

	if (to == NFT_REG_VERDICT) {
		render_verdict(verdict, sizeof(verdict),
			       (int32_t)nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT),
			       nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN));
		render_put(r, "%s", verdict);
	} else {
		const void *value = nftnl_expr_get(e, NFTNL_EXPR_IMM_DATA, &len);
		struct render_term *reg = render_register(r, to);

		*reg = (struct render_term){ .constant = value && len <= 16, .len = (uint8_t)len };
		if (reg->constant)
			memcpy(reg->value, value, len);
	}
}

static void put_reject(struct render_rule *r, const struct nftnl_expr *e)
{
	static const struct {
		uint8_t type; /* 4, 6: ICMP of which; 0: icmpx */
		uint8_t code;
		const char *name;
	} known[] = {
		{ 4, 0, "net-unreachable" }, { 4, 1, "host-unreachable" },
		{ 4, 2, "prot-unreachable" }, { 4, 3, "port-unreachable" },
		{ 4, 9, "net-prohibited" }, { 4, 10, "host-prohibited" },
		{ 4, 13, "admin-prohibited" }, { 6, 0, "no-route" },
		{ 6, 1, "admin-prohibited" }, { 6, 3, "addr-unreachable" },
		{ 6, 4, "port-unreachable" }, { 6, 5, "policy-fail" }, { 6, 6, "reject-route" },
		{ 0, NFT_REJECT_ICMPX_NO_ROUTE, "no-route" },
		{ 0, NFT_REJECT_ICMPX_PORT_UNREACH, "port-unreachable" },
		{ 0, NFT_REJECT_ICMPX_HOST_UNREACH, "host-unreachable" },
		{ 0, NFT_REJECT_ICMPX_ADMIN_PROHIBITED, "admin-prohibited" },
	};
	uint32_t how = nftnl_expr_get_u32(e, NFTNL_EXPR_REJECT_TYPE);
	uint8_t code = nftnl_expr_get_u8(e, NFTNL_EXPR_REJECT_CODE);
	uint8_t type = how == NFT_REJECT_ICMPX_UNREACH ? 0 : r->v6 ? 6 : 4;
	bool one_family = !strcmp(r->family, "ip") || !strcmp(r->family, "ip6");

	if (how == NFT_REJECT_TCP_RST) {
		render_put(r, "reject with tcp reset");
		return;
	}
	if ((!type && code == NFT_REJECT_ICMPX_PORT_UNREACH) ||
	    (one_family && code == (type == 4 ? 3 : 4))) {
		render_put(r, "reject");
		return;
	}
	for (size_t i = 0; (!type || r->told) && i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].type == type && known[i].code == code) {
			render_put(r, "reject with %s %s",
				   !type ? "icmpx" : type == 4 ? "icmp" : "icmpv6",
				   known[i].name);
			return;
		}
	render_put(r, "reject with …");
}

/* The constant in the register that attribute ATTR of E names; NULL: there is none. */
static const struct render_term *constant(struct render_rule *r, const struct nftnl_expr *e,
					  uint16_t attr)
{
	const struct render_term *reg = NULL;

	if (nftnl_expr_is_set(e, attr))
		reg = render_register(r, nftnl_expr_get_u32(e, attr));
	return reg && reg->constant ? reg : NULL;
}

/* "10.0.0.1-10.0.0.9:80" from the four registers of E that ATTR are; false: not so simple. */
static bool put_target(struct render_rule *r, const struct nftnl_expr *e, const uint16_t attr[4],
		       bool v6, char *out, size_t size)
{
	char from[64] = "", to[64] = "";
	const struct render_term *t[4];
	uint16_t port[2] = { 0 };
	bool both;

	for (int i = 0; i < 4; i++) {
		t[i] = attr[i] ? constant(r, e, attr[i]) : NULL;
		if (attr[i] && nftnl_expr_is_set(e, attr[i]) && !t[i])
			return false;
	}
	for (int i = 0; i < 2; i++) {
		if (t[i])
			inet_ntop(v6 ? AF_INET6 : AF_INET, t[i]->value, i ? to : from, sizeof(to));
		if (t[2 + i])
			port[i] = (uint16_t)(t[2 + i]->value[0] << 8 | t[2 + i]->value[1]);
	}
	both = t[1] && strcmp(from, to);
	snprintf(out, size, "%s%s%s%s%s", v6 && t[0] && t[2] ? "[" : "", from, both ? "-" : "",
		 both ? to : "", v6 && t[0] && t[2] ? "]" : "");
	if (t[2])
		snprintf(out + strlen(out), size - strlen(out),
			 t[3] && port[1] != port[0] ? ":%u-%u" : ":%u", port[0], port[1]);
	return true;
}

static void put_nat(struct render_rule *r, const struct nftnl_expr *e)
{
	static const uint16_t attr[] = { NFTNL_EXPR_NAT_REG_ADDR_MIN, NFTNL_EXPR_NAT_REG_ADDR_MAX,
					 NFTNL_EXPR_NAT_REG_PROTO_MIN,
					 NFTNL_EXPR_NAT_REG_PROTO_MAX };
	bool v6 = nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_FAMILY) == NFPROTO_IPV6;
	bool told = nftnl_expr_is_set(e, NFTNL_EXPR_NAT_REG_ADDR_MIN) &&
		    !strcmp(r->family, "inet");
	char target[160];

	if (!put_target(r, e, attr, v6, target, sizeof(target)))
		snprintf(target, sizeof(target), "…");
	render_put(r, "%s%s to %s",
		   nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_SNAT ? "snat" : "dnat",
		   !told ? "" : v6 ? " ip6" : " ip", target);
}

static void put_redirect(struct render_rule *r, const struct nftnl_expr *e)
{
	static const uint16_t attr[] = { 0, 0, NFTNL_EXPR_REDIR_REG_PROTO_MIN,
					 NFTNL_EXPR_REDIR_REG_PROTO_MAX };
	char target[160];

	if (!put_target(r, e, attr, false, target, sizeof(target)))
		snprintf(target, sizeof(target), "…");
	render_put(r, "redirect%s%s", *target ? " to " : "", target);
}

static void put_masquerade(struct render_rule *r, const struct nftnl_expr *e)
{
	static const uint16_t attr[] = { 0, 0, NFTNL_EXPR_MASQ_REG_PROTO_MIN,
					 NFTNL_EXPR_MASQ_REG_PROTO_MAX };
	char target[160];

	if (!put_target(r, e, attr, false, target, sizeof(target)))
		snprintf(target, sizeof(target), "…");
	render_put(r, "masquerade%s%s", *target ? " to " : "", target);
}

static void put_tproxy(struct render_rule *r, const struct nftnl_expr *e)
{
	static const uint16_t attr[] = { NFTNL_EXPR_TPROXY_REG_ADDR, 0,
					 NFTNL_EXPR_TPROXY_REG_PORT, 0 };
	uint32_t family = nftnl_expr_get_u32(e, NFTNL_EXPR_TPROXY_FAMILY);
	bool told = family != NFPROTO_UNSPEC && !strcmp(r->family, "inet");
	char target[160];

	if (!put_target(r, e, attr, family == NFPROTO_IPV6, target, sizeof(target)))
		snprintf(target, sizeof(target), "…");
	render_put(r, "tproxy%s to %s", !told ? "" : family == NFPROTO_IPV6 ? " ip6" : " ip",
		   target);
}

static void put_limit(struct render_rule *r, const struct nftnl_expr *e)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 1, "second" }, { 60, "minute" }, { 3600, "hour" }, { 86400, "day" },
		      { 604800, "week" } };
	uint64_t rate = nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_RATE);
	uint64_t unit = nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_UNIT);
	uint32_t burst = nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_BURST);
	bool over = nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_FLAGS) & NFT_LIMIT_F_INV;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].seconds == unit &&
		    nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_TYPE) == NFT_LIMIT_PKTS) {
			render_put(r, "limit rate %s%llu/%s", over ? "over " : "",
				   (unsigned long long)rate, units[i].name);
			if (burst != 5) /* what nft takes when it is not told */
				render_put(r, "burst %u packets", burst);
			return;
		}
	render_put(r, "limit rate …");
}

static void put_log(struct render_rule *r, const struct nftnl_expr *e)
{
	static const char *const levels[] = { "emerg", "alert", "crit", "err", "warn", "notice",
					      "info", "debug" };
	const char *prefix = nftnl_expr_is_set(e, NFTNL_EXPR_LOG_PREFIX)
				     ? nftnl_expr_get_str(e, NFTNL_EXPR_LOG_PREFIX) : NULL;
	uint32_t level = nftnl_expr_is_set(e, NFTNL_EXPR_LOG_LEVEL)
				 ? nftnl_expr_get_u32(e, NFTNL_EXPR_LOG_LEVEL) : 4;
	uint32_t flags = nftnl_expr_is_set(e, NFTNL_EXPR_LOG_FLAGS)
				 ? nftnl_expr_get_u32(e, NFTNL_EXPR_LOG_FLAGS) : 0;
	bool more = level != 4 && level < 8;

	render_put(r, prefix ? "log prefix \"%s\"" : "log", prefix);
	if (more)
		render_put(r, "level %s", levels[level]);
	if (nftnl_expr_is_set(e, NFTNL_EXPR_LOG_GROUP))
		render_put(r, "group %u", nftnl_expr_get_u16(e, NFTNL_EXPR_LOG_GROUP));
	if (flags & NF_LOG_MASK)
		render_put(r, "flags …");
}

static void put_queue(struct render_rule *r, const struct nftnl_expr *e)
{
	uint16_t first = nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_NUM);
	uint16_t total = nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_TOTAL);
	uint16_t flags = nftnl_expr_is_set(e, NFTNL_EXPR_QUEUE_FLAGS)
				 ? nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_FLAGS) : 0;
	const char *how = (flags & 3) == 3 ? " flags bypass,fanout"
			  : flags & NFT_QUEUE_FLAG_BYPASS ? " flags bypass"
			  : flags & NFT_QUEUE_FLAG_CPU_FANOUT ? " flags fanout" : "";

	if (nftnl_expr_is_set(e, NFTNL_EXPR_QUEUE_SREG_QNUM))
		render_put(r, "queue%s to …", how);
	else if (total > 1)
		render_put(r, "queue%s to %u-%u", how, first, first + total - 1);
	else
		render_put(r, "queue%s to %u", how, first);
}

static void put_counter(struct render_rule *r, const struct nftnl_expr *e)
{
	render_put(r, "counter");
}

static void put_notrack(struct render_rule *r, const struct nftnl_expr *e)
{
	render_put(r, "notrack");
}

static void put_object(struct render_rule *r, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_OBJREF_IMM_NAME);

	if (name && nftnl_expr_get_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE) == NFT_OBJECT_COUNTER)
		render_put(r, "counter name \"%s\"", name);
	else
		render_unknown(r);
}

static void put_xt_match(struct render_rule *r, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME);

	render_put(r, "xt match \"%s\"", name ? name : "…");
}

static void put_xt_target(struct render_rule *r, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);

	render_put(r, "xt target \"%s\"", name ? name : "…");
}

void render_expression(struct render_rule *r, const struct nftnl_expr *e)
{
	static const struct {
		const char *name;
		void (*put)(struct render_rule *r, const struct nftnl_expr *e);
	} known[] = {
		{ "immediate", put_immediate }, { "reject", put_reject }, { "nat", put_nat },
		{ "redir", put_redirect }, { "masq", put_masquerade },
		{ "tproxy", put_tproxy }, { "limit", put_limit },
		{ "log", put_log }, { "queue", put_queue }, { "counter", put_counter },
		{ "notrack", put_notrack }, { "objref", put_object }, { "match", put_xt_match },
		{ "target", put_xt_target },
	};
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

	for (size_t i = 0; name && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name)) {
			known[i].put(r, e);
			return;
		}
	if (name && (render_load(r, e, name) || render_test(r, e, name)))
		return;
	/* It may leave something in a register, which then nobody knows. */
	memset(r->reg, 0, sizeof(r->reg));
	render_unknown(r);
}
