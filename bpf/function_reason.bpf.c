// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Kernels that give no reason with a drop (before 5.17), or not this one: results of
 * functions tell it in newer kernels' words.  Each notes it in the flow whose packet it
 * refused, and the drop that follows takes it along (drop.bpf.c).
 */
#include "compat.h"
#include "nat.h"

#define TCP_FLAGS_OFFSET 13 /* in the header */
#define EPERM 1
#define ENOMEM 12
#define EXDEV 18
#define EINVAL 22
#define ENOBUFS 105
enum { TCP_TW_SUCCESS = 0, TCP_TW_ACK = 2 };

static __always_inline __u32 netns_of_sock(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/* A packet for a socket has no device any more: NETNS is the socket's. */
static __always_inline int note_reason(const struct sk_buff *skb, __u32 netns, __u8 reason)
{
	struct hct_flow *flow;
	struct parsed p;

	if (!parse_skb(skb, &p) || p.reply)
		return 0;
	flow = flow_of_packet(&p, netns);
	if (flow)
		flow->reason = reason;
	return 0;
}

/* 127.0.0.0/8 */
static __always_inline bool is_loopback(__be32 addr)
{
	return (addr & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

/* fib_validate_source() says so: -EXDEV reverse-path filter, -EINVAL a source that cannot be. */
SEC("fexit/ip_route_input_noref")
int BPF_PROG(hct_route_refused, struct sk_buff *skb, __be32 daddr, __be32 saddr, __u8 tos,
	     struct net_device *dev, int err)
{
	if (err == -EXDEV)
		return note_reason(skb, netns_of_device(dev), HCT_REASON_RPFILTER);
	/* a destination that cannot be from outside is refused in the same way, before the source */
	if (err == -EINVAL && !is_loopback(daddr))
		return note_reason(skb, netns_of_device(dev), HCT_REASON_LOCAL_SOURCE);
	return 0;
}

/* Programs of control groups, filters of the socket, security modules. */
SEC("fexit/sk_filter_trim_cap")
int BPF_PROG(hct_filter_refused, struct sock *sk, struct sk_buff *skb, unsigned int cap, int err)
{
	return err == -EPERM ? note_reason(skb, netns_of_sock(sk), HCT_REASON_SOCKET_FILTER) : 0;
}

SEC("fexit/__udp_enqueue_schedule_skb")
int BPF_PROG(hct_buffer_refused, struct sock *sk, struct sk_buff *skb, int err)
{
	if (err == -ENOMEM)
		return note_reason(skb, netns_of_sock(sk), HCT_REASON_RCVBUFF);
	return err == -ENOBUFS ? note_reason(skb, netns_of_sock(sk), HCT_REASON_PROTO_MEM) : 0;
}

/* With these a connection begins. */
static __always_inline bool is_syn(const struct parsed *p)
{
	return (p->packet.tcp_flags & (HCT_TCP_SYN | HCT_TCP_ACK | HCT_TCP_RST)) == HCT_TCP_SYN;
}

/*
 * A SYN for a connection that is there: tcp_validate_incoming() refuses each one, and
 * frees it in a way that is no drop (__kfree_skb), so that is told here.
 */
SEC("fentry/tcp_validate_incoming")
int BPF_PROG(hct_syn_refused, struct sock *sk, struct sk_buff *skb, const void *th)
{
	struct hct_flow *flow;
	struct hct_event *e;
	struct parsed p;
	__u8 flags = 0;
	__u32 netns;

	/* everybody's packets come by here: one byte tells of nearly all that they are none */
	bpf_probe_read_kernel(&flags, sizeof(flags), th + TCP_FLAGS_OFFSET);
	if (!(flags & HCT_TCP_SYN) || !parse_skb(skb, &p) || p.reply || !is_syn(&p))
		return 0;
	netns = netns_of_sock(sk);
	flow = flow_of_packet(&p, netns);
	if (!flow || flow_quiet(flow, true))
		return 0;
	e = event_begin(flow, &p.tuple, HCT_POINT_DROP, sizeof(*e));
	if (!e)
		return 0;
	e->packet = p.packet;
	e->netns = netns;
	__builtin_memset(&e->drop, 0, sizeof(e->drop));
	e->drop.reason = HCT_REASON_BASE + HCT_REASON_INVALID_SYN;
	event_submit(e);
	return 0;
}

/* The same for one in TIME_WAIT, which a SYN may take the place of; then a drop does follow. */
static __always_inline int note_too_old(const struct inet_timewait_sock *tw,
					const struct sk_buff *skb, int status)
{
	struct hct_flow *flow;
	struct parsed p;

	if (status != TCP_TW_SUCCESS && status != TCP_TW_ACK)
		return 0;
	if (!parse_skb(skb, &p) || p.reply || !is_syn(&p))
		return 0;
	flow = flow_of_packet(&p, BPF_CORE_READ(tw, __tw_common.skc_net.net, ns.inum));
	if (flow)
		flow->reason = HCT_REASON_INVALID_SYN;
	return 0;
}

SEC("fexit/tcp_timewait_state_process")
int BPF_PROG(hct_syn_too_old, struct inet_timewait_sock *tw, struct sk_buff *skb, void *th,
	     __u32 *isn, int status)
{
	return note_too_old(tw, skb, status);
}

SEC("fexit/tcp_timewait_state_process")
int BPF_PROG(hct_syn_too_old_v3, struct inet_timewait_sock *tw, struct sk_buff *skb, void *th,
	     int status)
{
	return note_too_old(tw, skb, status);
}
