/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets on their way into a file: held, in the order of time, until the
 * verdict of their flow is known or no longer to be expected.
 *
 * A verdict comes a timeout after a flow's first packet, so nothing is held
 * for much longer than that; and never more than some 64 MiB.
 */
#ifndef HCT_PCAPNG_HOLD_H
#define HCT_PCAPNG_HOLD_H

#include "packet_build.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct held_flow;

/* A packet, or (without a flow and bytes) a record of words alone. */
struct held {
	struct held *prev, *next; /* by time */
	struct held *flow_prev, *flow_next; /* of the same flow, as they came */
	struct held_flow *flow; /* NULL: a record */
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t interface;
	uint64_t id; /* the same for a packet wherever it is met */
	enum hct_point point;
	char device[IFNAMSIZ];
	bool reply;
	bool inside; /* in another namespace than the flow's first packet */
	const char *reason, *function; /* DROP; as in struct obs */
	struct hct_packet header;
	char *words; /* strings one after another, owned */
	size_t words_len;
	uint32_t original_len;
	size_t len;
	uint8_t data[];
};

struct held_flow {
	UT_hash_handle hh;
	struct held_flow *prev, *next; /* by age */
	struct flow_key key;
	uint64_t due_ns; /* from then on no verdict is to be expected */
	struct held *packets;
	bool decided; /* its verdict is said, or that there is none */
	uint32_t netns; /* of its first packet */
	struct hct_packet request; /* its last packet from the load balancer */
	/* what its request's destination became behind a DNAT */
	bool translated;
	uint8_t inner_addr[16];
	uint16_t inner_port; /* network byte order */
};

struct hold {
	struct held *packets;
	struct held_flow *flows, *oldest;
	uint64_t timeout_ns;
	uint64_t now_ns;
	uint64_t checkpoint_ns; /* a moment that was reached */
	uint64_t settled_ns; /* timers that were due by then have fired */
	uint64_t released_ns; /* time of the last that went */
	uint64_t next_id;
	size_t bytes;
};

void hold_init(struct hold *h, uint64_t timeout_ns);
void hold_clear(struct hold *h);

/* The flow that O belongs to, new where it is; NULL: no memory. */
struct held_flow *hold_flow(struct hold *h, const struct obs *o);
struct held_flow *hold_find(const struct hold *h, const struct flow_key *key); /* NULL: not there */
/*
 * Takes O's packet into FLOW, with the id of the same packet if it was met
 * just before.  0 or -ENOMEM.
 */
int hold_packet(struct hold *h, struct held_flow *flow, const struct obs *o, uint32_t interface,
		const struct packet *packet);
/*
 * Takes a record of WORDS (strings one after another); it comes no earlier than
 * what went before.  0 or -ENOMEM.
 */
int hold_record(struct hold *h, uint64_t time_ns, const char *words, size_t len);
/* Appends TEXT to what is said with ITEM.  0 or -ENOMEM. */
int held_say(struct hold *h, struct held *item, const char *text);
/* All is said about FLOW: its packets may go. */
void hold_decided(struct held_flow *flow);

/*
 * The first that may go now that time has reached NOW_NS, or that has to; NULL:
 * none.  UINT64_MAX: everything may.  The caller gives it to hold_release().
 */
struct held *hold_next(struct hold *h, uint64_t now_ns);
/* Is more held than there is room for, so that packets have to go before their verdict? */
bool hold_is_full(const struct hold *h);
void hold_release(struct hold *h, struct held *item);

#endif
