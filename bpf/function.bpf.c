// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Results of kernel functions (fexit), where they prove more than tracepoints do.
 * Only on kernels that let functions be watched (function_try.c).
 */
#include "compat.h"
#include "sock.h"

static __always_inline int report_accepted(const struct sock *sk)
{
	struct hct_tuple t;
	struct hct_flow *flow;
	struct hct_event *e;
	__u32 netns = 0;

	if (!sk)
		return 0;
	flow = flow_of_sock(sk, &t, &netns);
	if (!flow || flow->users || flow->unfollowed)
		return 0;
	e = event_begin(flow, &t, HCT_POINT_ACCEPTED, HCT_EVENT_SHORT);
	if (!e)
		return 0;
	e->netns = netns;
	fill_sock(e, sk);
	e->sock.accepted = 1; /* sock_graft() comes right behind */
	e->sock.in_process = 1;
	event_process(e);
	event_submit(e);
	return 0;
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(hct_accepted, struct sock *listener, struct proto_accept_arg *arg, struct sock *sk)
{
	return report_accepted(sk);
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(hct_accepted_v5, struct sock *listener, int flags, int *err, bool kern, struct sock *sk)
{
	return report_accepted(sk);
}
