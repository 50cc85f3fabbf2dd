// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The router of a missing way back, and what forbids that way: rules, routes and neighbours. */
#include "gateway.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "netlink.h"
#include "route_choice.h"
#include "vrf.h"

/* Tables whose number a new rule may take; a distribution names none of them. */
#define FREE_FIRST 100
#define FREE_COUNT 64

#define MAX_ALIVE 64

/* Routers that can be the one: the first, and whether there is another. */
struct routers {
	uint8_t addr[16];
	uint32_t n;
};

struct search {
	uint8_t family;
	uint32_t ifindex;
	struct route_choice *choice;
	uint64_t taken; /* a bit per table from FREE_FIRST on */
	struct routers by_route, by_default, neighbours;
	size_t n_alive; /* neighbours that answer, or did so last */
	uint8_t alive[MAX_ALIVE][16];
};

static void add_router(struct routers *r, const uint8_t addr[16])
{
	if (r->n && memcmp(r->addr, addr, 16) == 0)
		return;
	if (!r->n++)
		memcpy(r->addr, addr, 16);
}

static void take_table(struct search *s, uint32_t table)
{
	if (table >= FREE_FIRST && table < FREE_FIRST + FREE_COUNT)
		s->taken |= UINT64_C(1) << (table - FREE_FIRST);
}

/* ---- routes ---- */

struct route {
	struct table_route own;
	bool has_gateway;
	uint8_t gateway[16];
	uint32_t oif;
};

/* Of several next hops that leave by the device all count. */
static void read_next_hops(struct search *s, const struct nlattr *attr, struct route *route)
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
			if (route->has_gateway)
				add_router(&s->by_route, route->gateway);
			route->has_gateway = addr_widen(s->family, mnl_attr_get_payload(inner),
						   mnl_attr_get_payload_len(inner), route->gateway);
			route->oif = s->ifindex;
		}
	}
}

static void read_route(struct search *s, const struct nlmsghdr *nlh, struct route *route)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	*route = (struct route){ .own = { .type = rtm->rtm_type, .table = rtm->rtm_table,
					  .len = rtm->rtm_dst_len } };
	if (s->family == AF_INET)
		route->own.prefix[10] = route->own.prefix[11] = 0xff;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		const void *payload = mnl_attr_get_payload(attr);
		size_t len = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case RTA_TABLE:
			route->own.table = mnl_attr_get_u32(attr);
			break;
		case RTA_DST:
			addr_widen(s->family, payload, len, route->own.prefix);
			break;
		case RTA_PRIORITY:
			route->own.metric = mnl_attr_get_u32(attr);
			break;
		case RTA_OIF:
			route->oif = mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
			route->has_gateway = addr_widen(s->family, payload, len, route->gateway);
			break;
		case RTA_MULTIPATH:
			read_next_hops(s, attr, route);
			break;
		}
	}
}

/* The default route that IPv6 had ahead of 4.2 yields to any other. */
static bool is_no_refusal(const struct rtmsg *rtm)
{
	return rtm->rtm_protocol == RTPROT_KERNEL &&
	       (rtm->rtm_type == RTN_BLACKHOLE || rtm->rtm_type == RTN_UNREACHABLE ||
		rtm->rtm_type == RTN_PROHIBIT);
}

static int take_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct search *s = data;
	struct route route;

	if (rtm->rtm_family != s->family || rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	read_route(s, nlh, &route);
	take_table(s, route.own.table);
	if (!is_no_refusal(rtm) && !(rtm->rtm_flags & RTNH_F_DEAD))
		route_choice_offer(s->choice, &route.own);
	if (route.own.type != RTN_UNICAST || !route.has_gateway || route.oif != s->ifindex)
		return MNL_CB_OK;
	add_router(&s->by_route, route.gateway);
	if (!route.own.len && route.own.table == RT_TABLE_MAIN)
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
	mnl_attr_for_each(attr, nlh, sizeof(*ndm)) {
		if (mnl_attr_get_type(attr) != NDA_DST ||
		    !addr_widen(s->family, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr),
			   addr))
			continue;
		if (s->n_alive < MAX_ALIVE)
			memcpy(s->alive[s->n_alive++], addr, 16);
		if (s->family == AF_INET || ndm->ndm_flags & NTF_ROUTER)
			add_router(&s->neighbours, addr);
	}
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
	for (size_t i = 0; r->n == 1 && i < s->n_alive; i++)
		out->alive |= memcmp(s->alive[i], r->addr, 16) == 0;
	for (uint32_t i = 0; i < FREE_COUNT && !out->free_table; i++)
		if (!(s->taken & UINT64_C(1) << i))
			out->free_table = FREE_FIRST + i;
}

/* The rules first: they say which tables' routes count. */
static int ask_all(struct search *s)
{
	struct route_choice *choice = s->choice;
	int err = vrf_of_device(s->ifindex, &choice->vrf_table);

	if (err < 0)
		return err;
	choice->in_vrf = err > 0;
	err = route_choice_begin(choice);
	for (size_t i = 0; !err && i < choice->rules.n; i++)
		take_table(s, choice->rules.r[i].table);
	if (!err)
		err = dump(s, RTM_GETROUTE, sizeof(struct rtmsg), take_route);
	if (!err)
		err = dump(s, RTM_GETNEIGH, sizeof(struct ndmsg), take_neighbour);
	return err;
}

int gateway_find(const uint8_t target[16], const uint8_t lb[16], const char *device,
		 struct host_gateway *out)
{
	struct search s = { .ifindex = if_nametoindex(device) };
	int err;

	memset(out, 0, sizeof(*out));
	if (!s.ifindex)
		return -ENODEV;
	s.choice = calloc(1, sizeof(*s.choice));
	if (!s.choice)
		return -ENOMEM;
	s.family = addr_is_ipv4(lb) ? AF_INET : AF_INET6;
	s.choice->family = s.family;
	memcpy(s.choice->from, target, 16);
	memcpy(s.choice->to, lb, 16);
	err = ask_all(&s);
	if (!err) {
		answer(&s, out);
		route_choice_tell(s.choice, out);
	}
	free(s.choice);
	return err;
}
