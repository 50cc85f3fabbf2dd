// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The route of a packet that comes in, from rtnetlink, and what makes a marked one local. */
#include "forward_route.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "base/address.h"
#include "devices.h"
#include "netlink.h"

/* Tables whose number a new rule may take; a distribution names none of them. */
#define FREE_FIRST 100
#define FREE_COUNT 64

struct search {
	uint8_t family;
	uint32_t mark;
	uint64_t taken; /* a bit per table from FREE_FIRST on */
	struct host_forward_route *out;
};

static void take_table(struct search *s, uint32_t table)
{
	if (table >= FREE_FIRST && table < FREE_FIRST + FREE_COUNT)
		s->taken |= UINT64_C(1) << (table - FREE_FIRST);
}

/* ---- the look-up ---- */

struct found {
	uint8_t type, prefix_len;
	uint32_t oif;
	bool has_gateway;
	uint8_t gateway[16];
};

static int take_found(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct found *found = data;
	const struct nlattr *attr;

	found->type = rtm->rtm_type;
	found->prefix_len = rtm->rtm_dst_len;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == RTA_OIF && len >= sizeof(uint32_t))
			found->oif = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) != RTA_GATEWAY || (len != 4 && len != 16))
			continue;
		found->has_gateway = true;
		memset(found->gateway, 0, sizeof(found->gateway));
		if (len == 4)
			found->gateway[10] = found->gateway[11] = 0xff;
		memcpy(found->gateway + 16 - len, mnl_attr_get_payload(attr), len);
	}
	return MNL_CB_OK;
}

/* MATCHED: the route as it stands in its table, with its prefix; else what a packet gets of it. */
static int look_up(const struct search *s, const uint8_t lb[16], const uint8_t target[16],
		   uint32_t ifindex, bool matched, struct found *found, bool *refused)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	size_t len = s->family == AF_INET ? 4 : 16;
	struct rtmsg *rtm;

	memset(found, 0, sizeof(*found));
	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = s->family;
	rtm->rtm_flags = matched ? RTM_F_FIB_MATCH : 0;
	rtm->rtm_dst_len = rtm->rtm_src_len = (uint8_t)(len * 8);
	mnl_attr_put(nlh, RTA_DST, len, target + 16 - len);
	mnl_attr_put(nlh, RTA_SRC, len, lb + 16 - len);
	mnl_attr_put_u32(nlh, RTA_IIF, ifindex);
	if (s->mark)
		mnl_attr_put_u32(nlh, RTA_MARK, s->mark);
	return netlink_ask(NETLINK_ROUTE, nlh, false, take_found, found, refused);
}

static int find_route(const struct search *s, const uint8_t lb[16], const uint8_t target[16],
		      uint32_t ifindex)
{
	struct host_forward_route *out = s->out;
	struct found found, matched;
	bool refused;
	int err = look_up(s, lb, target, ifindex, false, &found, &refused);

	if (err && !refused)
		return err;
	out->err = err;
	if (err)
		return 0;
	out->local = found.type == RTN_LOCAL;
	out->has_gateway = found.has_gateway;
	memcpy(out->gateway, found.gateway, sizeof(out->gateway));
	/* of multipath routes, or where it is not told: not by a default route, then */
	out->by_default = !look_up(s, lb, target, ifindex, true, &matched, &refused) &&
			  !matched.prefix_len && !out->local;
	err = found.oif ? device_name(found.oif, out->device) : 0;
	return err == -ENODEV ? 0 : err; /* it can be gone meanwhile */
}

/* ---- what makes a marked packet local ---- */

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(nlh);
	uint32_t table = header->table, mark = 0, mask = UINT32_MAX;
	const struct nlattr *attr;
	struct search *s = data;

	mnl_attr_for_each(attr, nlh, sizeof(*header)) {
		if (mnl_attr_get_payload_len(attr) < sizeof(uint32_t))
			continue;
		switch (mnl_attr_get_type(attr)) {
		case FRA_TABLE:
			table = mnl_attr_get_u32(attr);
			break;
		case FRA_FWMARK:
			mark = mnl_attr_get_u32(attr);
			break;
		case FRA_FWMASK:
			mask = mnl_attr_get_u32(attr);
			break;
		}
	}
	take_table(s, table);
	if (header->action == FR_ACT_TO_TBL && mark && (s->mark & mask) == mark &&
	    !s->out->mark_table)
		s->out->mark_table = table;
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	uint32_t table = rtm->rtm_table;
	const struct nlattr *attr;
	struct search *s = data;

	if (rtm->rtm_family != s->family || rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
		if (mnl_attr_get_type(attr) == RTA_TABLE &&
		    mnl_attr_get_payload_len(attr) >= sizeof(uint32_t))
			table = mnl_attr_get_u32(attr);
	take_table(s, table);
	if (rtm->rtm_type == RTN_LOCAL && !rtm->rtm_dst_len && !s->out->local_table)
		s->out->local_table = table;
	return MNL_CB_OK;
}

static int dump(struct search *s, uint16_t type, size_t header_len, mnl_cb_t cb)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	uint8_t *family;

	nlh->nlmsg_type = type;
	/* rtmsg and fib_rule_hdr both begin with the family */
	family = mnl_nlmsg_put_extra_header(nlh, header_len);
	*family = s->family;
	return netlink_ask(NETLINK_ROUTE, nlh, true, cb, s, NULL);
}

static int find_tables(struct search *s)
{
	int err = dump(s, RTM_GETRULE, sizeof(struct fib_rule_hdr), take_rule);

	if (!err)
		err = dump(s, RTM_GETROUTE, sizeof(struct rtmsg), take_route);
	for (uint32_t i = 0; i < FREE_COUNT && !s->out->free_table; i++)
		if (!(s->taken & UINT64_C(1) << i))
			s->out->free_table = FREE_FIRST + i;
	return err;
}

int forward_route_find(const uint8_t lb[16], const uint8_t target[16], const char *device,
		       uint32_t mark, struct host_forward_route *out)
{
	struct search s = { .out = out, .mark = mark };
	uint32_t ifindex = if_nametoindex(device);
	int err;

	memset(out, 0, sizeof(*out));
	if (!ifindex)
		return -ENODEV;
	s.family = addr_is_ipv4(target) ? AF_INET : AF_INET6;
	err = find_route(&s, lb, target, ifindex);
	if (!err && mark)
		err = find_tables(&s);
	if (err)
		memset(out, 0, sizeof(*out));
	return err;
}
