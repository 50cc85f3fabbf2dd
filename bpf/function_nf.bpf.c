// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Functions of netfilter's modules, where the kernel lets functions be watched:
 * which rule of nftables decided, and which table of iptables-legacy dropped.
 * Attached only while a netfilter drop is not explained.
 *
 * __nft_trace_packet() is called for each rule that a packet met, in all of the
 * host, while some rule somewhere says "meta nftrace set": the loader puts one
 * into a network namespace of its own (nft_key.c), so the host's ruleset stays as
 * it is.
 */
#include "compat.h"
#include "nat.h"

enum { NF_DROP = 0, NF_ACCEPT = 1, NF_QUEUE = 3, NF_VERDICT_MASK = 0xff };
enum { TRACE_POLICY = 1, TRACE_RULE = 3 }; /* enum nft_trace_types */
enum { CHAIN_NAT = 2 }; /* enum nft_chain_types */
#define MAX_RULES (1 << 20) /* of a chain */

/* What one of nftables' chains decided about a packet. */
struct decision {
	const struct sk_buff *skb;
	const struct nf_hook_state *state;
	const struct nft_base_chain *base;
	const struct nft_rule_dp *rule; /* NULL: the policy */
	__u32 verdict;
};

/* It ends a packet's way, or may have changed its addresses. */
static __always_inline bool matters(const struct decision *d)
{
	const struct nft_base_chain *base = d->base; /* what CO-RE reads is none of our own */

	if ((__s32)d->verdict < 0) /* continue, jump, goto, return */
		return false;
	switch (d->verdict & NF_VERDICT_MASK) {
	case NF_DROP:
	case NF_QUEUE:
		return true;
	case NF_ACCEPT:
		return d->rule && BPF_CORE_READ(base, type, type) == CHAIN_NAT;
	default:
		return false;
	}
}

/* An event of a decision that matters about a packet of a flow, without its chain; else NULL. */
static __always_inline struct hct_event_rule *decision_begin(const struct decision *d)
{
	struct hct_flow stranger = {}; /* user space joins it as it joins nftables' own reports */
	const struct nf_hook_state *state = d->state;
	const struct nft_rule_dp *rule = d->rule;
	struct hct_event_rule *r;
	struct hct_tuple *known;
	struct net_device *dev;
	struct parsed p;
	__u32 netns;

	if (!matters(d) || !parse_skb(d->skb, &p))
		return NULL;
	/* whose it is tells user space by the headers; here it is enough that one comes from there */
	known = client_place(&p.tuple);
	if (!known || !is_same_source(known, &p.tuple))
		return NULL;
	netns = BPF_CORE_READ(state, net, ns.inum);
	r = (struct hct_event_rule *)event_begin(&stranger, &p.tuple, HCT_POINT_NFT_TRACE, sizeof(*r));
	if (!r)
		return NULL;
	r->event.packet = p.packet;
	r->event.netns = netns;
	if (p.reply)
		r->event.flags |= HCT_F_REPLY;
	dev = p.reply ? BPF_CORE_READ(state, out) : BPF_CORE_READ(state, in);
	if (dev && netns == config.netns)
		r->event.ifindex = BPF_CORE_READ(dev, ifindex);
	__builtin_memset(&r->event.rule, 0, sizeof(r->event.rule));
	r->event.rule.verdict = d->verdict;
	if (rule)
		r->event.rule.handle = BPF_CORE_READ_BITFIELD_PROBED(rule, handle);
	return r;
}

static __always_inline void decision_submit(struct hct_event_rule *r, const struct nft_chain *chain)
{
	const struct nft_table *table = BPF_CORE_READ(chain, table);

	r->event.rule.family = BPF_CORE_READ_BITFIELD_PROBED(table, family);
	bpf_probe_read_kernel_str(r->table, sizeof(r->table), BPF_CORE_READ(table, name));
	bpf_probe_read_kernel_str(r->chain, sizeof(r->chain), BPF_CORE_READ(chain, name));
	event_submit(r);
}

SEC("fentry/__nft_trace_packet")
int BPF_PROG(hct_nft_rule_v3, struct nft_traceinfo *info, const struct nft_chain *chain, int type)
{
	const struct nft_base_chain *base = info->basechain;
	struct hct_event_rule *r;
	struct decision d = {};

	if (!info->trace || (type != TRACE_RULE && type != TRACE_POLICY))
		return 0;
	d.skb = info->pkt->skb;
	d.state = info->pkt->state;
	d.base = base;
	if (type == TRACE_RULE) {
		d.rule = info->rule;
		d.verdict = BPF_CORE_READ(info, verdict, code);
	} else {
		d.verdict = BPF_CORE_READ(base, policy);
	}
	r = decision_begin(&d);
	if (r)
		decision_submit(r, chain);
	return 0;
}

static long next_rule(__u32 i, const struct nft_rule_dp **at)
{
	const struct nft_rule_dp *rule = *at;

	if (BPF_CORE_READ_BITFIELD_PROBED(rule, is_last))
		return 1;
	*at = (const void *)rule + bpf_core_type_size(struct nft_rule_dp) +
	      BPF_CORE_READ_BITFIELD_PROBED(rule, dlen);
	return 0;
}

/*
 * Behind a chain's last rule the kernel has put whose rules they are, as nft_trace_get_chain().
 * ARG is where the rule stands among a program's arguments: read from there it is a plain number,
 * while a typed pointer would be another one for the verifier with each step of the loop.
 */
static __always_inline const struct nft_chain *chain_of(const unsigned long long *arg)
{
	const struct nft_rule_dp *rule = NULL;

	bpf_probe_read_kernel(&rule, sizeof(rule), arg);
	bpf_loop(MAX_RULES, next_rule, &rule, 0);
	return BPF_CORE_READ((const struct nft_rule_dp_last *)rule, chain);
}

SEC("fentry/__nft_trace_packet")
int BPF_PROG(hct_nft_rule, const struct nft_pktinfo *pkt, const struct nft_verdict *verdict,
	     const struct nft_rule_dp *rule, struct nft_traceinfo *info, int type)
{
	const struct nft_base_chain *base = info->basechain;
	struct hct_event_rule *r;
	struct decision d = {};

	if (!info->trace || (type != TRACE_RULE && type != TRACE_POLICY))
		return 0;
	d.skb = pkt->skb;
	d.state = pkt->state;
	d.base = base;
	if (type == TRACE_RULE) {
		d.rule = rule;
		d.verdict = verdict->code;
	} else {
		d.verdict = BPF_CORE_READ(base, policy);
	}
	r = decision_begin(&d);
	if (r)
		decision_submit(r, type == TRACE_RULE ? chain_of(&ctx[2]) : &base->chain);
	return 0;
}

/* A drop tells it as it tells a rung of the ladder, which is less exact. */
static __always_inline int note_table(const struct xt_table *table, const struct sk_buff *skb,
				      const struct nf_hook_state *state, __u32 verdict)
{
	struct hct_tuple original;
	struct hct_flow *flow;
	struct parsed p;

	if (verdict & NF_VERDICT_MASK || !parse_skb(skb, &p))
		return 0;
	flow = flow_find(&p.tuple);
	if (!flow)
		flow = flow_of_client(&p, &original); /* behind the DNAT */
	if (flow) {
		flow->rung.hook = BPF_CORE_READ(state, hook);
		flow->rung.priority = BPF_CORE_READ(table, priority);
		flow->rung.valid = HCT_RUNG_TABLE;
	}
	return 0;
}

SEC("fexit/ipt_do_table")
int BPF_PROG(hct_ipt_table, void *table, struct sk_buff *skb, const struct nf_hook_state *state,
	     __u32 verdict)
{
	return note_table(table, skb, state, verdict);
}

SEC("fexit/ip6t_do_table")
int BPF_PROG(hct_ip6t_table, void *table, struct sk_buff *skb, const struct nf_hook_state *state,
	     __u32 verdict)
{
	return note_table(table, skb, state, verdict);
}
