// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TCP sockets of a flow: state changes, resets in both directions,
 * retransmissions, and the first read by a process.
 */
#include "compat.h"
#include "sock.h"

#define SHUTDOWN_MASK 3
enum { TCP_ESTABLISHED = 1, TCP_FIN_WAIT1 = 4, TCP_CLOSE = 7, TCP_CLOSE_WAIT = 8, TCP_LAST_ACK = 9 };

/*
 * The flow of a connection that was just established at another address or
 * port of this host than the load balancer's packets name (REDIRECT).
 */
static __always_inline struct hct_flow *flow_redirected(const struct sock *sk, struct hct_tuple *t)
{
	struct parsed p = { .tuple = *t };

	/* tcp_create_openreq_child() starts it right behind the SYN */
	p.packet.seq = BPF_CORE_READ((const struct tcp_sock *)sk, rcv_nxt) - 1;
	p.packet.tcp_flags = HCT_TCP_SYN;
	if (!flow_translated(&p, 0))
		return NULL;
	*t = p.tuple;
	return flow_find(t);
}

/*
 * Does the change come from the process in whose context we are?  close() and
 * shutdown() make FIN_WAIT1 and LAST_ACK; close() with unread data goes to
 * CLOSE at once, after tcp_close() has set both shutdown bits (a received reset
 * sets them later, in tcp_done()).
 */
static __always_inline bool by_process(const struct sock *sk, int old, int new)
{
	if (new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK)
		return true;
	return new == TCP_CLOSE && (old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT) &&
	       BPF_CORE_READ(sk, sk_shutdown) == SHUTDOWN_MASK;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(hct_socket_state, const struct sock *sk, const int old, const int new)
{
	struct hct_tuple t;
	__u32 netns = 0;
	struct hct_flow *flow = flow_of_sock(sk, &t, &netns);
	struct hct_event *e;

	if (!flow && netns == config.netns && new == TCP_ESTABLISHED)
		flow = flow_redirected(sk, &t);
	if (!flow || flow_quiet(flow, true))
		return 0;
	e = event_begin(flow, &t, HCT_POINT_SOCKET_STATE, HCT_EVENT_SHORT);
	if (!e)
		return 0;
	e->netns = netns;
	fill_sock(e, sk);
	e->sock.old_state = old;
	e->sock.new_state = new;
	e->sock.in_process = by_process(sk, old, new);
	if (e->sock.in_process)
		event_process(e);
	event_submit(e);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(hct_reset_received, const struct sock *sk)
{
	struct hct_tuple t;
	__u32 netns = 0;
	struct hct_flow *flow = flow_of_sock(sk, &t, &netns);
	struct hct_event *e;

	if (!flow || flow_quiet(flow, true))
		return 0;
	e = event_begin(flow, &t, HCT_POINT_RESET_RECEIVED, HCT_EVENT_SHORT);
	if (!e)
		return 0;
	e->netns = netns;
	fill_sock(e, sk);
	event_submit(e);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(hct_reset_sent, const struct sock *sk, const struct sk_buff *skb)
{
	struct parsed p = {};
	struct hct_flow *flow;
	struct hct_event *e;
	__u32 netns;

	if (skb) { /* in answer to a packet */
		if (!parse_skb(skb, &p) || p.reply)
			return 0;
		netns = netns_of_skb(skb);
		flow = flow_of_packet(&p, netns);
	} else if (!sk || !tuple_from_sock(&sk->__sk_common, &p.tuple, &netns)) {
		return 0;
	} else {
		flow = flow_in(&p.tuple, netns);
	}
	if (!flow || flow_quiet(flow, true))
		return 0;
	e = event_begin(flow, &p.tuple, HCT_POINT_RESET_SENT, sizeof(*e));
	if (!e)
		return 0;
	e->packet = p.packet;
	e->netns = netns;
	e->flags |= HCT_F_REPLY;
	e->reset.has_socket = sk != NULL;
	e->reset.stack_len = event_stack(ctx, e->reset.stack);
	event_submit(e);
	return 0;
}

/* ISN: of the SYN that is answered again; a later one on the same ports is a flow of its own. */
static __always_inline int report_retransmit(const struct sock_common *sk, __u8 point, __u32 isn)
{
	struct hct_tuple t;
	struct hct_flow *flow;
	struct hct_event *e;
	__u32 netns;

	if (!tuple_from_sock(sk, &t, &netns))
		return 0;
	flow = flow_in(&t, netns);
	if (!flow || flow_quiet(flow, false))
		return 0;
	if (point == HCT_POINT_RETRANSMIT_SYNACK && flow->isn != isn)
		return 0;
	e = event_begin(flow, &t, point, HCT_EVENT_SHORT);
	if (!e)
		return 0;
	e->netns = netns;
	e->flags |= HCT_F_REPLY;
	__builtin_memset(&e->listener, 0, sizeof(struct hct_route));
	event_submit(e);
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(hct_retransmit_synack, const struct sock *sk, const struct request_sock *req)
{
	return report_retransmit(&req->__req_common, HCT_POINT_RETRANSMIT_SYNACK,
				 BPF_CORE_READ((const struct tcp_request_sock *)req, rcv_isn));
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(hct_retransmit, const struct sock *sk)
{
	return report_retransmit(&sk->__sk_common, HCT_POINT_RETRANSMIT, 0);
}

/* tcp_recvmsg_locked() calls tcp_rcv_space_adjust() after each piece that it copied to the process. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(hct_app_read, struct sock *sk)
{
	struct hct_tuple t;
	__u32 netns = 0;
	struct hct_flow *flow = flow_of_sock(sk, &t, &netns);
	struct hct_event *e;

	if (!flow || flow->read || flow_quiet(flow, false))
		return 0;
	flow->read = 1;
	e = event_begin(flow, &t, HCT_POINT_APP_READ, HCT_EVENT_SHORT);
	if (!e)
		return 0;
	e->netns = netns;
	fill_sock(e, sk);
	e->sock.in_process = 1;
	event_process(e);
	event_submit(e);
	return 0;
}
