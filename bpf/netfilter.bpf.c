// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ladder: BPF netfilter links (6.4) between the standard priorities of a
 * hook.  A rung sends nothing up: it notes in the flow that the packet came
 * this far, and a drop tells the last rung, which bounds the chain that stopped
 * the packet.  Attached only while a netfilter drop is not explained: each rung
 * costs every packet of its hook.
 *
 * A program does not learn the priority it runs at, so there is one per rung;
 * the loader attaches rung N at rung_priority[N] (attach_netfilter.c).
 */
#include "compat.h"
#include "nat.h"

#define NF_ACCEPT 1

static __always_inline int passed(struct bpf_nf_ctx *ctx, __s32 priority)
{
	struct parsed p;
	struct hct_tuple original;
	struct hct_flow *flow;

	if (!parse_skb(ctx->skb, &p))
		return NF_ACCEPT;
	flow = flow_find(&p.tuple);
	if (!flow)
		flow = flow_of_client(&p, &original); /* behind the DNAT */
	if (flow) {
		flow->rung.hook = ctx->state->hook;
		flow->rung.priority = priority;
		flow->rung.valid = HCT_RUNG_PASSED;
	}
	return NF_ACCEPT;
}

/* The priority that a rung reports is the one right below which everything let the packet pass. */
SEC("netfilter")
int hct_rung_first(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, -400);
}

SEC("netfilter")
int hct_rung_raw(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, -299);
}

SEC("netfilter")
int hct_rung_mangle(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, -149);
}

SEC("netfilter")
int hct_rung_dstnat(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, -99);
}

SEC("netfilter")
int hct_rung_filter(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, 1);
}

SEC("netfilter")
int hct_rung_security(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, 51);
}

SEC("netfilter")
int hct_rung_srcnat(struct bpf_nf_ctx *ctx)
{
	return passed(ctx, 101);
}
