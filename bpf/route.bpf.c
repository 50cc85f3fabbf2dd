// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Route look-ups for replies: tracepoints fib_table_lookup and
 * fib6_table_lookup.  A look-up that finds nothing for the SYN-ACK leaves no
 * other trace: inet_csk_route_req() returns NULL and the SYN is consumed.
 *
 * The tracepoint fires once per table, so that several "nothing here" may come
 * before the answer: user space takes the last.  Misses of the local table are
 * normal and left out.
 */
#include "compat.h"
#include "emit.h"

#define RT_TABLE_LOCAL 255
#define ENETUNREACH 101
#define EHOSTUNREACH 113
#define EINVAL 22
#define EACCES 13

enum { RTN_BLACKHOLE = 6, RTN_UNREACHABLE = 7, RTN_PROHIBIT = 8, RTN_THROW = 9 };

/*
 * Is NH, of an IPv4 route, one of several next hops?  It lies in the route, or in
 * a next hop object (5.3), of which only its groups are known: then it may be.
 */
static __always_inline bool one_of_several(const struct fib_nh_common *nh)
{
	const struct fib_nh *own = (const void *)nh;
	struct fib_info *route = BPF_CORE_READ(own, nh_parent);
	const void *first = route ? __builtin_preserve_access_index(&route->fib_nh) : NULL;
	struct list_head *groups, *head;
	struct nexthop *object;
	struct nh_info *info;

	if (first == nh)
		return BPF_CORE_READ(route, fib_nhs) > 1;
	if (!bpf_core_type_exists(struct nh_info))
		return false;
	info = (void *)nh - bpf_core_field_offset(struct nh_info, fib_nhc);
	object = BPF_CORE_READ(info, nh_parent);
	if (!object || BPF_CORE_READ(object, nh_info) != info)
		return false;
	head = __builtin_preserve_access_index(&object->grp_list);
	groups = BPF_CORE_READ(object, grp_list.next);
	return groups && groups != head;
}

/* NETNS: where it was looked up, 0 where only the route's device tells. */
static __always_inline int report_route(struct hct_tuple *t, __u32 netns, __u32 table,
					const struct fib_nh_common *nh, __s32 err, bool several)
{
	struct net_device *dev = nh && !err ? ARG_READ(nh, nhc_dev) : NULL;
	/* once for each table, or nearly: a rule can pass over what a table has, as others do with marks */
	__u8 told = 1 << (table & 7);
	struct hct_flow *flow;
	struct hct_event *e;

	if (dev)
		netns = netns_of_arg_device(dev);
	flow = !netns || netns == config.netns ? flow_find(t) : NULL;
	if (flow) {
		netns = config.netns;
	} else {
		flow = flow_by_alias(t);
		if (netns != config.netns)
			dev = NULL; /* its number means nothing here */
	}
	if (!flow || flow_quiet(flow, true))
		return 0;
	/* a container's failed look-up comes before its first reply, this host's behind that */
	if (!netns && flow->inner_reply)
		netns = config.netns;
	if (err) {
		/* once a SYN-ACK has left, this is somebody else's look-up (a router in this kernel) */
		if (table == RT_TABLE_LOCAL || flow->synack)
			return 0;
	} else if (flow->routed & told) {
		return 0;
	} else {
		flow->routed |= told;
	}
	e = event_begin(flow, t, HCT_POINT_ROUTE, HCT_EVENT_SHORT);
	if (!e)
		return 0;
	e->flags |= HCT_F_REPLY;
	e->netns = netns;
	__builtin_memset(&e->route, 0, sizeof(e->route));
	e->route.err = err;
	e->route.table = table;
	e->route.several = several;
	if (dev)
		e->route.oif = BPF_CORE_READ(dev, ifindex);
	if (nh && !err) {
		__u8 family = BPF_CORE_READ(nh, nhc_gw_family);

		if (family == AF_INET) {
			e->route.has_gateway = 1;
			map_ipv4(e->route.gateway, BPF_CORE_READ(nh, nhc_gw.ipv4));
		} else if (family == AF_INET6) {
			e->route.has_gateway = 1;
			BPF_CORE_READ_INTO((struct in6_addr *)e->route.gateway, nh, nhc_gw.ipv6);
		}
	}
	event_submit(e);
	return 0;
}

SEC("tp_btf/fib_table_lookup")
int BPF_PROG(hct_route, __u32 table, const struct flowi4 *flow, const struct fib_nh_common *nh, int err)
{
	struct hct_tuple t = {};
	__be32 daddr = ARG_READ(flow, daddr);

	if (!in_range_ipv4(daddr))
		return 0;
	t.protocol = ARG_READ(flow, __fl_common.flowic_proto);
	t.lb_port = ARG_READ(flow, uli.ports.dport);
	t.target_port = ARG_READ(flow, uli.ports.sport);
	map_ipv4(t.lb, daddr);
	map_ipv4(t.target, ARG_READ(flow, saddr));
	return report_route(&t, 0, table, nh, err, nh && !err && one_of_several(nh));
}

static __always_inline __s32 ipv6_route_error(__u8 type)
{
	switch (type) { /* as ip6_rt_type_to_error() */
	case RTN_BLACKHOLE:
		return -EINVAL;
	case RTN_PROHIBIT:
		return -EACCES;
	case RTN_THROW:
	case RTN_UNREACHABLE:
		return -EHOSTUNREACH;
	default:
		return 0;
	}
}

SEC("tp_btf/fib6_table_lookup")
int BPF_PROG(hct_route6, const struct net *net, const struct fib6_result *res, struct fib6_table *table,
	     const struct flowi6 *flow)
{
	const struct fib6_nh *nh;
	const struct fib6_info *route;
	struct hct_tuple t = {};
	bool several = false;
	__s32 err;

	BPF_CORE_READ_INTO((struct in6_addr *)t.lb, flow, daddr);
	if (!in_range((const __u32 *)t.lb))
		return 0;
	BPF_CORE_READ_INTO((struct in6_addr *)t.target, flow, saddr);
	t.protocol = ARG_READ(flow, __fl_common.flowic_proto);
	t.lb_port = ARG_READ(flow, uli.ports.dport);
	t.target_port = ARG_READ(flow, uli.ports.sport);
	err = ipv6_route_error(ARG_READ(res, fib6_type));
	nh = err ? NULL : ARG_READ(res, nh);
	route = err ? NULL : ARG_READ(res, f6i);
	if (route)
		several = BPF_CORE_READ(route, fib6_nsiblings) || BPF_CORE_READ(route, nh, is_group);
	return report_route(&t, ARG_READ(net, ns.inum), ARG_READ(table, tb6_id),
			    nh ? &nh->nh_common : NULL, err, several);
}
