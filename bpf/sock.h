/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a TCP socket to its flow, and what an event tells of a socket. */
#ifndef BPF_SOCK_H
#define BPF_SOCK_H

#include "nat.h"

static __always_inline struct hct_flow *flow_of_sock(const struct sock *sk, struct hct_tuple *t,
						     __u32 *netns)
{
	if (!tuple_from_sock(&sk->__sk_common, t, netns))
		return NULL;
	/* tcp_set_state(TCP_CLOSE) gives the port back before it tells of the change */
	if (!t->target_port)
		t->target_port = BPF_CORE_READ((const struct inet_sock *)sk, inet_sport);
	return flow_in(t, *netns);
}

/* Who holds the socket and what lies unread in it. */
static __always_inline void fill_sock(struct hct_event *e, const struct sock *sk)
{
	const struct tcp_sock *tcp = (const struct tcp_sock *)sk;

	__builtin_memset(&e->listener, 0, sizeof(struct hct_route));
	/* sock_graft() in accept() gives the socket a struct socket; before it has none */
	e->sock.accepted = BPF_CORE_READ(sk, sk_socket) != NULL;
	e->sock.unread = BPF_CORE_READ(tcp, rcv_nxt) - BPF_CORE_READ(tcp, copied_seq);
}

#endif
