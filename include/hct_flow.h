/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel side remembers of a flow: the value of the map `flows`. */
#ifndef HCT_FLOW_H
#define HCT_FLOW_H

#include "hct_event.h"

/* Who has said that no more comes: a FIN, a datagram's answer; a reset speaks for both. */
#define HCT_ENDED_BY_LB 0x1
#define HCT_ENDED_BY_HOST 0x2
#define HCT_ENDED (HCT_ENDED_BY_LB | HCT_ENDED_BY_HOST)

/* How far the TLS records of a direction were followed. */
struct hct_tls_side {
	__u32 next; /* sequence number of the next record's header */
	__u8 told; /* records */
	__u8 have; /* bytes of that header that came with the packet before */
	__u8 type; /* the first of them */
	__u8 length_high; /* the fourth */
};

/* The flags say which once-only events were sent.  One writer each, so plain stores do. */
struct hct_flow {
	__u64 id; /* time of the first packet, ns */
	__u64 last_ns; /* time of the last event */
	__u32 seq; /* number of the next event */
	/*
	 * Of the SYN: tells a repeated SYN from a new connection.  On a connection that is
	 * kept, or was met midway: one before the first byte of the request.
	 */
	__u32 isn;
	__u32 ifindex; /* device of the first packet */
	__u8 synack;
	__u8 acked;
	__u8 request; /* segments of it that were captured; a datagram's: 1, once told */
	__u8 response; /* the same of the answer */
	__u8 read;
	__u8 routed;
	__u8 ended; /* HCT_ENDED_* */
	__u8 turns; /* of the exchange: segments of the load balancer after an answer, and the first */
	__u8 answered; /* the last of them was */
	__u8 translated; /* a translation was told */
	__u8 inner_reply; /* a reply came from the container or host behind the DNAT */
	__u8 rewritten; /* a reply left with another source */
	__u32 request_end; /* sequence number behind the last of them */
	__u32 answer_start; /* sequence number of the answer's first byte, once the SYN-ACK was seen */
	__u32 answer_end; /* behind its highest byte so far; 0 none */
	__u32 answer_acked; /* the load balancer's acknowledgement of all of it that was told last */
	__u8 users; /* a user's request, by its header: nothing more is told */
	__u8 reason; /* HCT_REASON_* of the packet that is about to be dropped */
	__u8 tail; /* HCT_TAIL_* */
	__u8 tls; /* HCT_TLS_* */
	__u8 takes_turns; /* its first request takes several turns: all of them are told */
	__u8 unfollowed; /* this exchange: of it only ends are told */
	__u8 offers; /* requests that were told though nobody asked for them */
	__u8 passed; /* that it was passed on with its own destination was told */
	__u32 exchange; /* requests so far; on a kept connection each is an exchange */
	__u32 first_seq; /* SEQ where this exchange began: each has its own budget */
	__u32 skipped; /* exchanges that were not followed, not told yet */
	__u32 pad2;
	struct hct_tls_side tls_side[2]; /* of the load balancer, of the service */
	struct hct_rung rung; /* of the packet that is passing */
};
_Static_assert(sizeof(struct hct_flow) == 104, "map value: no holes");

#endif
