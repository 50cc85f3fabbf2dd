// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Route look-ups by rtnetlink, told as `ip route get` tells them. */
#include "routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "devices.h"
#include "netlink.h"
#include "sysctl.h"

/* An address as netlink wants it. */
struct address {
	uint8_t family;
	uint8_t len;
	uint8_t bytes[16];
};

/* What a look-up answered. */
struct answer {
	uint8_t type; /* RTN_* */
	uint32_t table;
	uint32_t oif;
	struct address gateway; /* len 0: none */
	struct address source; /* preferred source, len 0: none */
};

static struct address address_of(const uint8_t addr[16])
{
	struct address a = { .family = AF_INET6, .len = 16 };

	memcpy(a.bytes, addr, 16);
	if (addr_is_ipv4(addr)) {
		a.family = AF_INET;
		a.len = 4;
		memcpy(a.bytes, addr + 12, 4);
	}
	return a;
}

static void set_address(struct address *a, uint8_t family, const void *bytes, size_t len)
{
	if ((family != AF_INET || len != 4) && (family != AF_INET6 || len != 16))
		return;
	a->family = family;
	a->len = len;
	memcpy(a->bytes, bytes, len);
}

static int take_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct answer *answer = data;
	const struct nlattr *attr;

	answer->type = rtm->rtm_type;
	answer->table = rtm->rtm_table;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		const void *payload = mnl_attr_get_payload(attr);
		const struct rtvia *via = payload;
		size_t len = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case RTA_TABLE:
			if (len >= sizeof(uint32_t))
				answer->table = mnl_attr_get_u32(attr);
			break;
		case RTA_OIF:
			if (len >= sizeof(uint32_t))
				answer->oif = mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
			set_address(&answer->gateway, rtm->rtm_family, payload, len);
			break;
		case RTA_VIA: /* struct rtvia: a gateway of the other family */
			if (len > sizeof(*via))
				set_address(&answer->gateway, via->rtvia_family, via->rtvia_addr,
					    len - sizeof(*via));
			break;
		case RTA_PREFSRC:
			set_address(&answer->source, rtm->rtm_family, payload, len);
			break;
		}
	}
	return MNL_CB_OK;
}

static int send_look_up(const struct address *dst, const struct address *src, uint32_t flags,
			mnl_cb_t cb, void *data, bool *refused)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = dst->family;
	rtm->rtm_flags = flags;
	rtm->rtm_dst_len = dst->len * 8;
	mnl_attr_put(nlh, RTA_DST, dst->len, dst->bytes);
	if (src) {
		rtm->rtm_src_len = src->len * 8;
		mnl_attr_put(nlh, RTA_SRC, src->len, src->bytes);
	}
	return netlink_ask(NETLINK_ROUTE, nlh, false, cb, data, refused);
}

/* SRC may be NULL.  *REFUSED: the error is the look-up's answer. */
static int look_up(const struct address *dst, const struct address *src, struct answer *answer,
		   bool *refused)
{
	memset(answer, 0, sizeof(*answer));
	return send_look_up(dst, src, RTM_F_LOOKUP_TABLE, take_route, answer, refused);
}

static bool is_local(const struct address *addr)
{
	struct answer answer;
	bool refused;

	return look_up(addr, NULL, &answer, &refused) == 0 && answer.type == RTN_LOCAL;
}

/* DATA: char[16] of host_route or host_hop. */
static int take_neighbour(const struct nlmsghdr *nlh, void *data)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} states[] = {
		{ NUD_INCOMPLETE, "INCOMPLETE" }, { NUD_REACHABLE, "REACHABLE" },
		{ NUD_STALE, "STALE" },		  { NUD_DELAY, "DELAY" },
		{ NUD_PROBE, "PROBE" },		  { NUD_FAILED, "FAILED" },
		{ NUD_NOARP, "NOARP" },		  { NUD_PERMANENT, "PERMANENT" },
	};
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	char *out = data;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (ndm->ndm_state & states[i].bit)
			snprintf(out, sizeof(((struct host_route *)0)->neighbour), "%s",
				 states[i].name);
	return MNL_CB_OK;
}

/* Leaves "" when the kernel has no entry: it was never needed, or aged out. */
static void ask_neighbour(const struct address *addr, uint32_t ifindex, char out[16])
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	nlh->nlmsg_type = RTM_GETNEIGH;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = addr->family;
	ndm->ndm_ifindex = ifindex;
	mnl_attr_put(nlh, NDA_DST, addr->len, addr->bytes);
	netlink_ask(NETLINK_ROUTE, nlh, false, take_neighbour, out, NULL);
}

/* False: there is none. */
static bool map_address(uint8_t out[16], const struct address *addr)
{
	memset(out, 0, 16);
	if (addr->family == AF_INET) {
		out[10] = out[11] = 0xff;
		memcpy(out + 12, addr->bytes, 4);
	} else {
		memcpy(out, addr->bytes, 16);
	}
	return addr->len != 0;
}

/* ---- several next hops ---- */

/* The next hops of a route, in the order in which the kernel has them. */
struct hops {
	size_t n;
	bool truncated;
	bool objects;
	struct {
		uint32_t oif;
		struct address gateway; /* len 0: none */
	} hop[HOST_MAX_HOPS];
};

static void take_hop(struct hops *out, uint8_t family, const struct rtnexthop *hop)
{
	const struct nlattr *attr;
	struct address gateway = { 0 };

	if (out->n == HOST_MAX_HOPS) {
		out->truncated = true;
		return;
	}
	mnl_attr_for_each_payload((void *)RTNH_DATA(hop), hop->rtnh_len - RTNH_LENGTH(0)) {
		const struct rtvia *via = mnl_attr_get_payload(attr);
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == RTA_GATEWAY)
			set_address(&gateway, family, via, len);
		else if (mnl_attr_get_type(attr) == RTA_VIA && len > sizeof(*via))
			set_address(&gateway, via->rtvia_family, via->rtvia_addr,
				    len - sizeof(*via));
	}
	out->hop[out->n].oif = (uint32_t)hop->rtnh_ifindex;
	out->hop[out->n++].gateway = gateway;
}

static int take_hops(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct hops *out = data;

	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		const struct rtnexthop *hop = mnl_attr_get_payload(attr);
		int left = mnl_attr_get_payload_len(attr);

		out->objects |= mnl_attr_get_type(attr) == RTA_NH_ID;
		if (mnl_attr_get_type(attr) != RTA_MULTIPATH)
			continue;
		for (; RTNH_OK(hop, left); hop = RTNH_NEXT(hop)) {
			take_hop(out, rtm->rtm_family, hop);
			left -= RTNH_ALIGN(hop->rtnh_len);
		}
	}
	return MNL_CB_OK;
}

/*
 * Does the kernel choose among those next hops alone that may answer?  Of objects
 * it does: nexthop_select_path().  fib_select_multipath() and rt6_score_route()
 * do so by a setting.
 */
static bool passes_over(uint8_t family)
{
	int64_t value;

	if (family == AF_INET)
		return !sysctl_read("net.ipv4.fib_multipath_use_neigh", &value) && value;
	return !sysctl_read("net.ipv6.conf.all.forwarding", &value) && !value;
}

/*
 * The look-up names the next hop that the addresses alone lead to, and with the
 * ports it can be another one: so ask for the route itself.  Next hop objects
 * are told in the same form.
 */
static void ask_hops(const struct address *dst, const struct address *src, struct host_route *out)
{
	struct hops hops = { 0 };
	bool refused;

	if (send_look_up(dst, src, RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH, take_hops, &hops,
			 &refused) ||
	    hops.n < 2)
		return;
	out->truncated = hops.truncated;
	out->passes_over = hops.objects || passes_over(dst->family);
	for (size_t i = 0; i < hops.n; i++) {
		const struct address *gateway = &hops.hop[i].gateway;
		struct host_hop *hop = &out->hop[out->n];

		if (device_name(hops.hop[i].oif, hop->device))
			continue; /* it can be gone meanwhile */
		hop->has_gateway = map_address(hop->gateway, gateway);
		ask_neighbour(gateway->len ? gateway : dst, hops.hop[i].oif, hop->neighbour);
		out->n++;
	}
}

__attribute__((format(printf, 2, 3)))
static void add(char text[HOST_TEXT_LEN], const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, HOST_TEXT_LEN - len, format, args);
	va_end(args);
}

static void add_address(char text[HOST_TEXT_LEN], const char *word, const struct address *addr)
{
	char name[INET6_ADDRSTRLEN];

	if (addr->len && inet_ntop(addr->family, addr->bytes, name, sizeof(name)))
		add(text, "%s%s", word, name);
}

static const char *type_prefix(uint8_t type)
{
	switch (type) {
	case RTN_LOCAL:
		return "local ";
	case RTN_BROADCAST:
		return "broadcast ";
	case RTN_ANYCAST:
		return "anycast ";
	case RTN_MULTICAST:
		return "multicast ";
	default:
		return "";
	}
}

static void tell(struct host_route *out, const struct address *dst, const struct address *src,
		 const struct answer *answer)
{
	add_address(out->text, type_prefix(answer->type), dst);
	if (src)
		add_address(out->text, " from ", src);
	add_address(out->text, answer->gateway.family == dst->family ? " via " : " via inet6 ",
		    &answer->gateway);
	if (out->device[0])
		add(out->text, " dev %s", out->device);
	if (answer->table && answer->table != RT_TABLE_MAIN && answer->table != RT_TABLE_LOCAL)
		add(out->text, " table %u", answer->table);
	if (!src)
		add_address(out->text, " src ", &answer->source);
}

int routes_back(const uint8_t target[16], const uint8_t lb[16], struct host_route *out)
{
	struct address dst = address_of(lb), src = address_of(target);
	const struct address *from;
	struct answer answer;
	bool refused;
	int err;

	memset(out, 0, sizeof(*out));
	if (dst.family != src.family)
		return -EINVAL;
	/*
	 * ip_route_output_key_hash_rcu() (6.1) answers -EINVAL both for a source
	 * that is not ours and for a blackhole route: so ask whose address it is.
	 */
	from = is_local(&src) ? &src : NULL;
	err = look_up(&dst, from, &answer, &refused);
	if (err && !refused)
		return err;
	out->err = err;
	if (err)
		return 0;

	err = answer.oif ? device_name(answer.oif, out->device) : 0;
	if (err && err != -ENODEV) /* which is gone meanwhile */
		return err;
	out->has_gateway = map_address(out->gateway, &answer.gateway);
	tell(out, &dst, from, &answer);
	if (answer.type == RTN_UNICAST)
		ask_hops(&dst, from, out);
	if (answer.oif && answer.type == RTN_UNICAST)
		ask_neighbour(answer.gateway.len ? &answer.gateway : &dst, answer.oif,
			      out->neighbour);
	return 0;
}
