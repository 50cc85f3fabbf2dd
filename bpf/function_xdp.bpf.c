// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What other people's XDP programs do with packets of the range: fexit on such
 * a program, of which each gets an object of its own (attach_xdp_program.c).
 */
#include "compat.h"
#include "nat.h"

/* The program that is watched; of one object, so not shared as `config` is. */
const volatile struct {
	__u32 id;
	char name[HCT_PROGRAM_NAME_LEN];
} watched SEC(".rodata.watched") = {};

#define VLAN_HLEN 4

/* The IP header's place behind DATA, 0: no IP. */
static __always_inline __u32 ip_offset(const unsigned char *data, bool *v6)
{
	__be16 type = 0;
	__u32 offset = ETH_HLEN;

	bpf_probe_read_kernel(&type, sizeof(type), data + offset - 2);
	if (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)) {
		offset += VLAN_HLEN;
		bpf_probe_read_kernel(&type, sizeof(type), data + offset - 2);
	}
	*v6 = type == bpf_htons(ETH_P_IPV6);
	return *v6 || type == bpf_htons(ETH_P_IP) ? offset : 0;
}

SEC("fexit/xdp")
int BPF_PROG(hct_xdp_verdict, struct xdp_buff *xdp, int action)
{
	struct packet_source s = {};
	struct net_device *dev;
	struct hct_flow *flow;
	struct hct_event *e;
	struct parsed p;
	__u32 offset;
	bool v6;

	if (action == XDP_PASS)
		return 0;
	dev = xdp->rxq->dev;
	if (netns_of_arg_device(dev) != config.netns)
		return 0;
	s.head = xdp->data;
	offset = ip_offset(s.head, &v6);
	if (!offset || !parse_ip(&s, offset, v6, INBOUND, &p) || p.reply)
		return 0;
	flow = flow_of(&p, dev->ifindex, HCT_POINT_XDP_VERDICT);
	if (!flow || flow_quiet(flow, true))
		return 0;
	e = event_begin(flow, &p.tuple, HCT_POINT_XDP_VERDICT, HCT_EVENT_SHORT);
	if (!e)
		return 0;
	e->packet = p.packet;
	e->ifindex = dev->ifindex;
	__builtin_memset(&e->xdp, 0, sizeof(struct hct_route));
	e->xdp.action = action;
	e->xdp.program_id = watched.id;
	for (int i = 0; i < HCT_PROGRAM_NAME_LEN; i++)
		e->xdp.program[i] = watched.name[i];
	event_submit(e);
	return 0;
}
