/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TLS from outside: the records of a connection that begins with a ClientHello, in
 * both directions, by their headers.  A record may span packets, and so may its
 * header.  Where the next one begins is kept in the flow; once that is lost (a
 * segment out of order, too many records in a packet) it is not guessed again.
 */
#ifndef BPF_TLS_H
#define BPF_TLS_H

#include "packet.h"

#define TLS_HEADER_LEN 5
#define TLS_TYPE_FIRST 20 /* change_cipher_spec */
#define TLS_TYPE_ALERT 21
#define TLS_TYPE_HANDSHAKE 22
#define TLS_TYPE_LAST 24 /* heartbeat */
#define TLS_CLIENT_HELLO 1
#define TLS_ALERT_LEN 2 /* in clear */
#define TLS_LENGTH_MAX (16384 + 2048) /* RFC 5246, 6.2.3 */
#define TLS_FIRST_SEGMENTS 4 /* a ClientHello begins with one of them: a PROXY header may come before */

/* Is this segment of the load balancer the first of a ClientHello?  Then records are followed from here on. */
static __always_inline void tls_begin(struct __sk_buff *skb, struct hct_flow *flow,
				      const struct parsed *p)
{
	__u8 head[TLS_HEADER_LEN + 1];

	if (flow->answer_end || flow->request >= TLS_FIRST_SEGMENTS ||
	    p->packet.tcp_flags & HCT_TCP_SYN || p->packet.payload_len < sizeof(head) ||
	    bpf_skb_load_bytes(skb, p->payload_offset, head, sizeof(head)))
		return;
	if (head[0] != TLS_TYPE_HANDSHAKE || head[1] != 3 || head[TLS_HEADER_LEN] != TLS_CLIENT_HELLO)
		return;
	flow->tls = flow->answer_start ? HCT_TLS_SEEN : HCT_TLS_SEEN | HCT_TLS_LOST_HOST;
	flow->tls_side[0].next = p->packet.seq;
	flow->tls_side[1].next = flow->answer_start;
}

/*
 * Reads a header of which SIDE has a part already, of the LEFT bytes from OFFSET of the packet on.
 * Returns the length of the record, or -1: more of the header is to come.
 */
static __always_inline __s32 tls_header(struct __sk_buff *skb, struct hct_tls_side *side,
					__u32 offset, __u32 left)
{
	__u8 head[TLS_HEADER_LEN], byte = 0;

	if (!side->have && left >= TLS_HEADER_LEN) {
		if (bpf_skb_load_bytes(skb, offset, head, sizeof(head)))
			return -1;
		side->type = head[0];
		return head[3] << 8 | head[4];
	}
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < TLS_HEADER_LEN; i++) { /* seldom: it spans two packets */
		if (i >= left || bpf_skb_load_bytes(skb, offset + i, &byte, 1))
			return -1;
		if (side->have == 0)
			side->type = byte;
		else if (side->have == 3)
			side->length_high = byte;
		if (++side->have >= TLS_HEADER_LEN)
			return side->length_high << 8 | byte;
	}
	return -1;
}

/* The first byte of the content that says what it is, as far as this packet of which LEFT bytes follow has it. */
static __always_inline __u8 tls_what(struct __sk_buff *skb, __u8 type, __u32 len, __u32 offset,
				     __u32 left)
{
	bool is_alert = type == TLS_TYPE_ALERT;
	__u8 byte = 0;

	if (is_alert ? len != TLS_ALERT_LEN || left < TLS_ALERT_LEN :
		       type != TLS_TYPE_HANDSHAKE || !left)
		return 0;
	bpf_skb_load_bytes(skb, offset + is_alert, &byte, 1);
	return byte;
}

/*
 * Follows the records of a packet of SIDE: those that begin in it go to LIST.  False: what comes
 * now is no record, or the packet has more of them than fit.  A function by itself, so that the
 * verifier looks at its loop once per call.
 */
static __noinline bool tls_walk(struct __sk_buff *skb, struct hct_tls_side *side,
				struct hct_tls_list *list, const struct parsed *p)
{
	__u32 end = p->packet.payload_len, seq = p->packet.seq, base = p->payload_offset;
	__u32 at = side->next + side->have - seq;

	if ((__s32)at < 0)
		return false;
#pragma unroll
	for (int i = 0; i < HCT_TLS_RECORDS; i++) {
		__s32 len;

		if (at >= end)
			return true;
		len = tls_header(skb, side, base + at, end - at);
		if (len < 0)
			return true;
		at = side->next + TLS_HEADER_LEN - seq;
		side->have = 0;
		if (side->type < TLS_TYPE_FIRST || side->type > TLS_TYPE_LAST || len > TLS_LENGTH_MAX)
			return false;
		list->records[i] = HCT_TLS_RECORD(side->type, tls_what(skb, side->type, len,
								       base + at, end - at), len);
		side->told++;
		side->next += TLS_HEADER_LEN + len;
		at += len;
	}
	return at >= end;
}

/* The records that begin in this packet of FLOW, which is a reply or not; NULL: none, or none to be told. */
static __always_inline struct hct_tls_list *tls_records(struct __sk_buff *skb, struct hct_flow *flow,
							const struct parsed *p, const bool reply)
{
	const __u8 lost = reply ? HCT_TLS_LOST_HOST : HCT_TLS_LOST_LB;
	const __u8 full = reply ? HCT_TLS_FULL_HOST : HCT_TLS_FULL_LB;
	struct hct_tls_side *side = &flow->tls_side[reply];
	struct hct_tls_list *list;
	__u32 zero = 0;

	if (p->tuple.protocol != IPPROTO_TCP || !p->packet.payload_len || flow_quiet(flow, false))
		return NULL;
	if (!reply && !flow->tls)
		tls_begin(skb, flow, p);
	if (!(flow->tls & HCT_TLS_SEEN) || flow->tls & (lost | full))
		return NULL;
	list = bpf_map_lookup_elem(&tls_lists, &zero);
	if (!list)
		return NULL;
	__builtin_memset(list, 0, sizeof(*list));
	if (!tls_walk(skb, side, list, p))
		flow->tls |= reply && !side->told ? lost | HCT_TLS_PLAIN : lost;
	if (side->told >= HCT_TLS_TOLD)
		flow->tls |= full;
	return list->records[0] ? list : NULL;
}

#endif
