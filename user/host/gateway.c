// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The router of a missing way back, and what forbids that way: rules, routes and neighbours. */
#include "gateway.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "netlink.h"

#define MAX_TABLES 16
/* Tables whose number a new rule may take; a distribution names none of them. */
#define FREE_FIRST 100
#define FREE_COUNT 64

/* Routers that can be the one: the first, and whether there is another. */
struct routers {
	uint8_t addr[16];
	uint32_t n;
};

struct search {
	uint8_t family;
	uint32_t ifindex;
	uint8_t target[16], lb[16];
	struct host_gateway *out;
	/* tables that answers of the target look in, in this order */
	uint32_t tables[MAX_TABLES];
	size_t n_tables;
	bool past_main;
	uint64_t taken; /* a bit per table from FREE_FIRST on */
	struct routers by_route, by_default, neighbours;
};

static void add_router(struct routers *r, const uint8_t addr[16])
{
	if (r->n && memcmp(r->addr, addr, 16) == 0)
		return;
	if (!r->n++)
		memcpy(r->addr, addr, 16);
}

/* Bytes of FAMILY as the 16 that addresses are told with.  False: of another length. */
static bool widen(uint8_t family, const void *bytes, size_t len, uint8_t out[16])
{
	memset(out, 0, 16);
	if (family == AF_INET && len == 4) {
		out[10] = out[11] = 0xff;
		memcpy(out + 12, bytes, 4);
		return true;
	}
	if (family != AF_INET6 || len != 16)
		return false;
	memcpy(out, bytes, 16);
	return true;
}

/* LEN counts the bits of the family's own form. */
static bool covers(const struct search *s, const uint8_t prefix[16], unsigned len,
		   const uint8_t addr[16])
{
	unsigned bits = len + (s->family == AF_INET ? 96 : 0);

	if (bits > 128 || memcmp(prefix, addr, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || (prefix[bits / 8] ^ addr[bits / 8]) >> (8 - bits % 8) == 0;
}

static void take_table(struct search *s, uint32_t table)
{
	if (table >= FREE_FIRST && table < FREE_FIRST + FREE_COUNT)
		s->taken |= UINT64_C(1) << (table - FREE_FIRST);
}

static bool is_looked_up(const struct search *s, uint32_t table)
{
	for (size_t i = 0; i < s->n_tables; i++)
		if (s->tables[i] == table)
			return true;
	return false;
}

static void deny(struct search *s, const struct host_denial *denial)
{
	if (!s->out->n_denials++)
		s->out->denial = *denial;
}

/* ---- rules ---- */

struct rule {
	uint8_t action;
	uint32_t table, priority;
	bool from, to;
	uint8_t src[16], dst[16];
	unsigned dst_len, src_len;
	bool else_too; /* it asks for more than addresses */
};

static void read_rule(const struct search *s, const struct nlmsghdr *nlh, struct rule *rule)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	*rule = (struct rule){ .action = header->action, .table = header->table,
			       .src_len = header->src_len, .dst_len = header->dst_len,
			       .else_too = header->tos || header->flags & FIB_RULE_INVERT };
	mnl_attr_for_each(attr, nlh, sizeof(*header)) {
		const void *payload = mnl_attr_get_payload(attr);
		size_t len = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case FRA_TABLE:
			rule->table = mnl_attr_get_u32(attr);
			break;
		case FRA_PRIORITY:
			rule->priority = mnl_attr_get_u32(attr);
			break;
		case FRA_SRC:
			rule->from = widen(s->family, payload, len, rule->src);
			break;
		case FRA_DST:
			rule->to = widen(s->family, payload, len, rule->dst);
			break;
		case FRA_SUPPRESS_PREFIXLEN: /* all bits set: it suppresses nothing */
			rule->else_too |= mnl_attr_get_u32(attr) != UINT32_MAX;
			break;
		case FRA_IIFNAME:
		case FRA_OIFNAME:
		case FRA_FWMARK:
		case FRA_UID_RANGE:
		case FRA_IP_PROTO:
		case FRA_SPORT_RANGE:
		case FRA_DPORT_RANGE:
		case FRA_L3MDEV:
			rule->else_too = true;
			break;
		}
	}
}

static void deny_by_rule(struct search *s, const struct rule *rule)
{
	static const char *const names[] = {
		[FR_ACT_BLACKHOLE] = "blackhole",
		[FR_ACT_UNREACHABLE] = "unreachable",
		[FR_ACT_PROHIBIT] = "prohibit",
	};
	struct host_denial denial = { .by_rule = true, .priority = rule->priority,
				      .only_destination = rule->to && !rule->from && !rule->else_too,
				      .prefix_len = rule->dst_len };

	snprintf(denial.type, sizeof(denial.type), "%s", names[rule->action]);
	memcpy(denial.prefix, rule->dst, 16);
	deny(s, &denial);
}

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	struct search *s = data;
	struct rule rule;

	read_rule(s, nlh, &rule);
	take_table(s, rule.table);
	if ((rule.from && !covers(s, rule.src, rule.src_len, s->target)) ||
	    (rule.to && !covers(s, rule.dst, rule.dst_len, s->lb)))
		return MNL_CB_OK;
	if (rule.action == FR_ACT_BLACKHOLE || rule.action == FR_ACT_UNREACHABLE ||
	    rule.action == FR_ACT_PROHIBIT) {
		deny_by_rule(s, &rule);
		return MNL_CB_OK;
	}
	if (rule.action != FR_ACT_TO_TBL || rule.else_too || s->n_tables == MAX_TABLES)
		return MNL_CB_OK;
	s->tables[s->n_tables++] = rule.table;
	s->past_main |= rule.table == RT_TABLE_MAIN;
	if (rule.from && !s->past_main && !s->out->table && rule.table != RT_TABLE_LOCAL)
		s->out->table = rule.table;
	return MNL_CB_OK;
}

/* ---- routes ---- */

struct route {
	uint8_t type;
	uint32_t table;
	unsigned len;
	uint8_t prefix[16];
	bool has_gateway;
	uint8_t gateway[16];
	uint32_t oif;
};

/* The first next hop of several that leaves by the device counts. */
static void read_next_hops(const struct search *s, const struct nlattr *attr, struct route *route)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attr);
	int left = mnl_attr_get_payload_len(attr);

	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		const struct nlattr *inner = (const void *)RTNH_DATA(hop);
		int len = hop->rtnh_len - (int)sizeof(*hop);

		if ((uint32_t)hop->rtnh_ifindex != s->ifindex)
			continue;
		for (; mnl_attr_ok(inner, len); len -= MNL_ALIGN(inner->nla_len),
		     inner = mnl_attr_next(inner)) {
			if (mnl_attr_get_type(inner) != RTA_GATEWAY)
				continue;
			route->has_gateway = widen(s->family, mnl_attr_get_payload(inner),
						   mnl_attr_get_payload_len(inner), route->gateway);
			route->oif = s->ifindex;
			return;
		}
	}
}

static void read_route(const struct search *s, const struct nlmsghdr *nlh, struct route *route)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	*route = (struct route){ .type = rtm->rtm_type, .table = rtm->rtm_table,
				 .len = rtm->rtm_dst_len };
	if (s->family == AF_INET)
		route->prefix[10] = route->prefix[11] = 0xff;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		const void *payload = mnl_attr_get_payload(attr);
		size_t len = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case RTA_TABLE:
			route->table = mnl_attr_get_u32(attr);
			break;
		case RTA_DST:
			widen(s->family, payload, len, route->prefix);
			break;
		case RTA_OIF:
			route->oif = mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
			route->has_gateway = widen(s->family, payload, len, route->gateway);
			break;
		case RTA_MULTIPATH:
			read_next_hops(s, attr, route);
			break;
		}
	}
}

/* Not the kernel's own, as the default that IPv6 had ahead of 4.2: it yields to any other. */
static void deny_by_route(struct search *s, const struct rtmsg *rtm, const struct route *route)
{
	struct host_denial denial = { .table = route->table, .prefix_len = route->len,
				      .only_destination = true };

	if (rtm->rtm_protocol == RTPROT_KERNEL || !is_looked_up(s, route->table) ||
	    !covers(s, route->prefix, route->len, s->lb))
		return;
	snprintf(denial.type, sizeof(denial.type), "%s",
		 route->type == RTN_BLACKHOLE	? "blackhole" :
		 route->type == RTN_UNREACHABLE ? "unreachable" :
						  "prohibit");
	memcpy(denial.prefix, route->prefix, 16);
	deny(s, &denial);
}

static int take_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct search *s = data;
	struct route route;

	if (rtm->rtm_family != s->family || rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	read_route(s, nlh, &route);
	take_table(s, route.table);
	if (route.type == RTN_BLACKHOLE || route.type == RTN_UNREACHABLE ||
	    route.type == RTN_PROHIBIT) {
		deny_by_route(s, rtm, &route);
		return MNL_CB_OK;
	}
	if (route.type != RTN_UNICAST || !route.has_gateway || route.oif != s->ifindex)
		return MNL_CB_OK;
	add_router(&s->by_route, route.gateway);
	if (!route.len && route.table == RT_TABLE_MAIN)
		add_router(&s->by_default, route.gateway);
	return MNL_CB_OK;
}

/* ---- neighbours ---- */

/*
 * Whoever passed the request on had to resolve our address first, and
 * arp_process() and ndisc_recv_ns() then keep an entry for who asked.
 */
static int take_neighbour(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct search *s = data;
	const struct nlattr *attr;
	uint8_t addr[16];

	if (ndm->ndm_family != s->family || (uint32_t)ndm->ndm_ifindex != s->ifindex ||
	    ndm->ndm_flags & NTF_PROXY ||
	    !(ndm->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)))
		return MNL_CB_OK;
	if (s->family == AF_INET6 && !(ndm->ndm_flags & NTF_ROUTER))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
		if (mnl_attr_get_type(attr) == NDA_DST &&
		    widen(s->family, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr),
			  addr))
			add_router(&s->neighbours, addr);
	return MNL_CB_OK;
}

/* ---- the question ---- */

static int dump(struct search *s, uint16_t type, size_t header_len, mnl_cb_t cb)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	uint8_t *family;

	nlh->nlmsg_type = type;
	/* rtmsg, fib_rule_hdr and ndmsg all begin with the family */
	family = mnl_nlmsg_put_extra_header(nlh, header_len);
	*family = s->family;
	return netlink_ask(NETLINK_ROUTE, nlh, true, cb, s, NULL);
}

static void answer(const struct search *s, struct host_gateway *out)
{
	const struct routers *r = &s->by_route;

	if (!r->n)
		r = &s->neighbours;
	else if (r->n > 1 && s->by_default.n)
		r = &s->by_default;
	out->n = r->n;
	out->by_neighbour = r == &s->neighbours;
	if (r->n == 1)
		memcpy(out->addr, r->addr, 16);
	for (uint32_t i = 0; i < FREE_COUNT && !out->free_table; i++)
		if (!(s->taken & UINT64_C(1) << i))
			out->free_table = FREE_FIRST + i;
}

int gateway_find(const uint8_t target[16], const uint8_t lb[16], const char *device,
		 struct host_gateway *out)
{
	struct search s = { .out = out, .ifindex = if_nametoindex(device) };
	int err;

	memset(out, 0, sizeof(*out));
	if (!s.ifindex)
		return -ENODEV;
	s.family = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)lb) ? AF_INET : AF_INET6;
	memcpy(s.target, target, 16);
	memcpy(s.lb, lb, 16);
	err = dump(&s, RTM_GETRULE, sizeof(struct fib_rule_hdr), take_rule);
	if (!err)
		err = dump(&s, RTM_GETROUTE, sizeof(struct rtmsg), take_route);
	if (!err)
		err = dump(&s, RTM_GETNEIGH, sizeof(struct ndmsg), take_neighbour);
	if (err)
		memset(out, 0, sizeof(*out));
	else
		answer(&s, out);
	return err;
}
