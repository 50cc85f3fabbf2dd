/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections that are kept: many load balancers send every check on one, and
 * users' requests come on others.  Each request that begins after an answer is an
 * exchange of its own.
 *
 * The first two of a connection are followed, unless they come in a burst; later
 * ones where user space knows the connection as a steady check's (map `kept`), and
 * else now and then, at longer and longer distances, so that it can find out.  What
 * users' requests pay is bounded by that, and by tokens.
 */
#ifndef BPF_KEPT_H
#define BPF_KEPT_H

#include "nat.h"

#define BURST_NS 400000000ULL /* the shortest interval of a check is 1 s */
#define FOLLOWED_AT_FIRST 2
#define LONGEST_PAUSE 6 /* as a power of two, times BURST_NS: 26 s */
#define TOKENS_A_SECOND 200
#define NS_PER_SECOND 1000000000ULL

static __always_inline bool take_token(__u32 kind, __u64 now)
{
	struct tokens *t = bpf_map_lookup_elem(&tokens, &kind);

	if (!t)
		return false;
	if (now - t->since_ns >= NS_PER_SECOND) {
		t->since_ns = now;
		t->used = 0;
	}
	if (t->used >= TOKENS_A_SECOND)
		return false;
	t->used++;
	return true;
}

#define FOUR(a, b, c, d) ((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24)

/* Does a segment with these first bytes begin a request of HTTP/1, or of redis? */
static __always_inline bool is_beginning(__u32 bytes)
{
	switch (bytes) {
	case FOUR('G', 'E', 'T', ' '):
	case FOUR('H', 'E', 'A', 'D'):
	case FOUR('P', 'O', 'S', 'T'):
	case FOUR('O', 'P', 'T', 'I'):
	case FOUR('P', 'U', 'T', ' '):
	case FOUR('P', 'A', 'T', 'C'):
	case FOUR('D', 'E', 'L', 'E'):
	case FOUR('T', 'R', 'A', 'C'):
	case FOUR('P', 'R', 'O', 'P'):
		return true;
	default: /* "*1\r\n" */
		return (bytes & 0xff) == '*' && (bytes >> 16) == FOUR('\r', '\n', 0, 0);
	}
}

/*
 * Sets P->asks where it may matter: no flow is known, or the last request of FLOW
 * (may be NULL) was answered.  LINEAR_END as in report_captured().
 */
static __always_inline void look_for_request(const struct packet_source *s, struct parsed *p,
					     const struct hct_flow *flow, __u32 linear_end)
{
	__u32 bytes;

	if (p->tuple.protocol != IPPROTO_TCP || p->reply || p->packet.payload_len < sizeof(bytes) ||
	    p->packet.tcp_flags & (HCT_TCP_SYN | HCT_TCP_RST))
		return;
	if (flow && (flow->users || !flow->answered))
		return;
	if (linear_end && p->payload_offset + sizeof(bytes) > linear_end)
		return;
	if (packet_load(s, p->payload_offset, &bytes, sizeof(bytes)))
		return;
	p->asks = is_beginning(bytes);
}

/*
 * The flow of a connection that began before we did, or was forgotten: P is a
 * request on it.  No listener is looked up, and many connections of users that are
 * met at once take their turn.
 */
static __always_inline struct hct_flow *meet_midway(const struct parsed *p, __u32 ifindex,
						    __u32 point)
{
	struct hct_flow *flow;

	if (!protocol_wanted(IPPROTO_TCP) || !port_wanted(p->tuple.target_port) ||
	    !take_token(TOKENS_MIDWAY, bpf_ktime_get_ns()))
		return NULL;
	flow = flow_start(&p->tuple, p->packet.seq - 1, ifindex, point);
	if (!flow)
		return NULL;
	flow->synack = 1;
	flow->acked = 1;
	flow->answer_start = p->packet.ack;
	return flow;
}

/* Is the request that begins NOW, SILENT after the flow's last event, to be followed? */
static __always_inline bool is_followed(struct hct_flow *flow, const struct parsed *p, __u64 now,
					__u64 silent)
{
	if (config.follow_users)
		return true;
	if (silent < BURST_NS)
		return false;
	if (flow->exchange <= FOLLOWED_AT_FIRST)
		return true;
	if (bpf_map_lookup_elem(&kept, &p->tuple)) {
		flow->offers = 0;
		return take_token(TOKENS_CHECKS, now);
	}
	if (silent < BURST_NS << (flow->offers & 7) || !take_token(TOKENS_OFFERS, now))
		return false;
	if (flow->offers < LONGEST_PAUSE)
		flow->offers++;
	return true;
}

/* Was FLOW's last request answered, and does the load balancer, which sends P, have the answer? */
static __always_inline bool has_its_answer(const struct hct_flow *flow, const struct parsed *p)
{
	if (!flow->answered)
		return false;
	return flow->unfollowed || !flow->answer_end ||
	       (__s32)(p->packet.ack - flow->answer_end) >= 0;
}

/* P, which asks, does so after the answer, and not for what it had asked before. */
static __always_inline bool is_next_request(const struct hct_flow *flow, const struct parsed *p)
{
	return flow->exchange && has_its_answer(flow, p) &&
	       (__s32)(p->packet.seq + p->packet.payload_len - flow->request_end) > 0;
}

/*
 * P begins another request on FLOW's connection: what is told once is told once of
 * each.  True when it is not followed, but the one before it was: that is worth telling.
 */
static __always_inline bool begin_exchange(struct hct_flow *flow, const struct parsed *p)
{
	__u64 now = bpf_ktime_get_ns();
	bool followed, before = !flow->unfollowed;

	flow->exchange++;
	flow->answered = 0;
	followed = is_followed(flow, p, now, now - flow->last_ns);
	flow->unfollowed = !followed;
	if (!followed) {
		flow->request_end = p->packet.seq + p->packet.payload_len;
		flow->skipped++;
		return before;
	}
	flow->isn = p->packet.seq - 1;
	flow->request_end = p->packet.seq;
	flow->answer_start = p->packet.ack;
	flow->answer_end = 0;
	flow->answer_acked = 0;
	flow->first_seq = flow->seq;
	flow->turns = 0;
	flow->tail = 0;
	flow->request = 0;
	flow->response = 0;
	flow->read = 0;
	flow->routed = 0;
	flow->inner_reply = 0;
	return false;
}

/* The request says that it is a user's.  Where checks come, too, only this one is left out. */
static __always_inline void leave_to_users(struct hct_flow *flow)
{
	if (flow->exchange > FOLLOWED_AT_FIRST)
		flow->unfollowed = 1;
	else
		flow->users = 1;
}

#endif
