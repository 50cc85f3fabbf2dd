// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ladder: BPF netfilter links (6.4) between the standard priorities of a
 * hook.  The last rung that a packet reached bounds the chain that stopped it.
 * Attached only while a netfilter drop is not explained: each rung costs every
 * packet of its hook.
 *
 * A program does not learn the priority it runs at, so there is one per rung;
 * the loader attaches rung N at rung_priority[N] (attach_netfilter.c).
 */
#include "compat.h"
#include "packet.h"

#define NF_ACCEPT 1

static __always_inline int passed(struct bpf_nf_ctx *ctx, __s32 priority)
{
	struct sk_buff *skb = ctx->skb;
	struct parsed p;
	struct flow *flow;
	struct hct_event *e;

	if (!parse_skb(skb, &p))
		return NF_ACCEPT;
	flow = flow_find(&p.tuple);
	if (!flow || flow_quiet(flow, false))
		return NF_ACCEPT;
	/* only what may be stopped and matter: first packets of each kind */
	if (p.tuple.protocol == IPPROTO_TCP && !(p.packet.tcp_flags & HCT_TCP_SYN) &&
	    !p.packet.payload_len)
		return NF_ACCEPT;
	e = event_begin(flow, &p.tuple, HCT_POINT_NETFILTER, HCT_EVENT_SHORT);
	if (!e)
		return NF_ACCEPT;
	e->packet = p.packet;
	if (p.reply)
		e->flags |= HCT_F_REPLY;
	__builtin_memset(&e->listener, 0, sizeof(struct hct_route));
	e->hook.hook = ctx->state->hook;
	e->hook.priority = priority;
	bpf_ringbuf_submit(e, 0);
	return NF_ACCEPT;
}

/* The priority that a rung reports is the one right below which everything let the packet pass. */
SEC("netfilter")
int rung_first(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, -400);
}

SEC("netfilter")
int rung_raw(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, -299);
}

SEC("netfilter")
int rung_mangle(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, -149);
}

SEC("netfilter")
int rung_dstnat(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, -99);
}

SEC("netfilter")
int rung_filter(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, 1);
}

SEC("netfilter")
int rung_security(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, 51);
}

SEC("netfilter")
int rung_srcnat(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, 101);
}
