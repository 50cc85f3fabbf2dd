// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Gateways and refusals of all routing tables, from rtnetlink. */
#include "route_list.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "addresses.h"
#include "devices.h"
#include "netlink.h"

/* A router with the whole internet's routes has some million of them. */
#define MAX_LOOKED_AT 50000

struct reader {
	struct route_list *out;
	size_t seen;
};

static bool is_same(const struct listed_route *a, const struct listed_route *b)
{
	if (a->table != b->table || a->refuses != b->refuses ||
	    address_is_ipv6(a->dst) != address_is_ipv6(b->dst))
		return false;
	if (a->refuses)
		return a->len == b->len && memcmp(a->dst, b->dst, 16) == 0;
	return strcmp(a->device, b->device) == 0 && memcmp(a->gateway, b->gateway, 16) == 0;
}

static void add(struct route_list *out, const struct listed_route *route)
{
	for (size_t i = 0; i < out->n; i++)
		if (is_same(&out->r[i], route)) {
			if (route->len < out->r[i].len)
				out->r[i] = *route;
			return;
		}
	if (out->n == MAX_LISTED_ROUTES)
		out->truncated = true;
	else
		out->r[out->n++] = *route;
}

static bool set_addr(uint8_t out[16], uint8_t family, const struct nlattr *attr)
{
	size_t len = family == AF_INET ? 4 : 16;

	if (!attr || mnl_attr_get_payload_len(attr) != len)
		return false;
	memset(out, 0, 16);
	if (family == AF_INET)
		out[10] = out[11] = 0xff;
	memcpy(out + 16 - len, mnl_attr_get_payload(attr), len);
	return true;
}

/* A next hop: its device by number, its gateway (NULL: none). */
static int add_hop(struct route_list *out, struct listed_route *route, uint8_t family,
		   unsigned ifindex, const struct nlattr *gateway)
{
	int err;

	if (!set_addr(route->gateway, family, gateway) || !ifindex)
		return 0;
	err = device_name(ifindex, route->device);
	if (!err)
		add(out, route);
	return err == -ENODEV ? 0 : err; /* it can be gone meanwhile */
}

static int add_hops(struct route_list *out, struct listed_route *route, uint8_t family,
		    const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath), err = 0;

	while (!err && RTNH_OK(hop, left)) {
		const struct nlattr *attr, *gateway = NULL;

		mnl_attr_for_each_payload((void *)RTNH_DATA(hop), hop->rtnh_len - RTNH_LENGTH(0))
			if (mnl_attr_get_type(attr) == RTA_GATEWAY)
				gateway = attr;
		err = add_hop(out, route, family, (unsigned)hop->rtnh_ifindex, gateway);
		left -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
	return err;
}

/* The attributes of a route that matter here; NULL: it has none. */
struct attributes {
	const struct nlattr *of[RTA_MAX + 1];
};

static int keep_attribute(const struct nlattr *attr, void *data)
{
	struct attributes *a = data;

	if (mnl_attr_type_valid(attr, RTA_MAX) > 0)
		a->of[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static bool is_refusal(uint8_t type)
{
	return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT;
}

static int add_route(struct route_list *out, const struct rtmsg *rtm, const struct attributes *a)
{
	bool v6 = rtm->rtm_family == AF_INET6;
	struct listed_route route = {
		.table = a->of[RTA_TABLE] ? mnl_attr_get_u32(a->of[RTA_TABLE]) : rtm->rtm_table,
		.len = (uint8_t)(rtm->rtm_dst_len + (v6 ? 0 : 96)),
		.refuses = is_refusal(rtm->rtm_type),
	};

	if (route.table == RT_TABLE_LOCAL)
		return 0;
	if (!v6)
		route.dst[10] = route.dst[11] = 0xff;
	set_addr(route.dst, rtm->rtm_family, a->of[RTA_DST]);
	if (route.refuses)
		add(out, &route);
	if (rtm->rtm_type != RTN_UNICAST)
		return 0;
	if (a->of[RTA_MULTIPATH])
		return add_hops(out, &route, rtm->rtm_family, a->of[RTA_MULTIPATH]);
	return add_hop(out, &route, rtm->rtm_family,
		       a->of[RTA_OIF] ? mnl_attr_get_u32(a->of[RTA_OIF]) : 0, a->of[RTA_GATEWAY]);
}

static int take_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct attributes attributes = { 0 };
	struct reader *reader = data;
	int err;

	if (++reader->seen > MAX_LOOKED_AT) {
		reader->out->truncated = true;
		return MNL_CB_STOP;
	}
	if ((rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*rtm), keep_attribute, &attributes);
	err = add_route(reader->out, rtm, &attributes);
	errno = -err;
	return err ? MNL_CB_ERROR : MNL_CB_OK;
}

int route_list_read(struct route_list *out)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	char buf[256] __attribute__((aligned(8)));
	int err = 0, tries = NETLINK_TRIES;

	do {
		memset(out, 0, sizeof(*out));
		for (size_t i = 0; i < 2 && (!i || !err); i++) {
			struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
			struct reader reader = { .out = out };
			struct rtmsg *rtm;

			nlh->nlmsg_type = RTM_GETROUTE;
			rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
			rtm->rtm_family = families[i];
			err = netlink_ask(NETLINK_ROUTE, nlh, true, take_route, &reader, NULL);
		}
	} while (err == -EINTR && --tries);
	return err;
}

const struct listed_route *route_list_gateway(const struct route_list *list, const char *device,
					      bool v6)
{
	const struct listed_route *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < list->n; i++) {
		const struct listed_route *r = &list->r[i];
		int rank = (r->table == RT_TABLE_MAIN) * 2 + (r->len == (v6 ? 0 : 96));

		if (r->refuses || address_is_ipv6(r->dst) != v6 || strcmp(r->device, device) != 0 ||
		    rank <= best_rank)
			continue;
		best = r;
		best_rank = rank;
	}
	return best;
}
