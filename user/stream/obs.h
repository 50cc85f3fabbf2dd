/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An observation: one event of the kernel side with its numbers turned into
 * names.  From here on nothing depends on the kernel that was traced, so a
 * recording made on one host reads the same on another.
 */
#ifndef HCT_OBS_H
#define HCT_OBS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hct_event.h"

/* NFT_TRACE: a rule that a packet met, as nftables itself reports it. */
struct obs_rule {
	const char *family; /* "ip", "inet", "netdev", … */
	const char *table;
	const char *chain;
	uint64_t handle; /* 0: the chain's policy */
	const char *verdict; /* "drop", "accept", "continue", "queue", … */
};

/* XDP_VERDICT: a program of others, and what it did. */
struct obs_xdp {
	const char *action; /* "XDP_DROP", … */
	uint32_t program_id;
	char program[HCT_PROGRAM_NAME_LEN]; /* its name, "" none */
};

/*
 * Strings are interned (names.h) and live as long as the run; payload is the
 * source's and valid only during the call that hands the observation over.
 */
struct obs {
	uint64_t time_ns; /* CLOCK_MONOTONIC of the traced host */
	uint64_t flow_id;
	uint32_t flow_seq;
	enum hct_point point;
	struct hct_tuple tuple;
	bool reply; /* about a packet from target to load balancer */
	bool has_process; /* pid and comm say who did it */
	bool no_tuple; /* tuple unknown: join libwrap by client and pid, upstream by pid */
	uint32_t netns;
	uint32_t pid;
	char comm[HCT_COMM_LEN];
	char device[IFNAMSIZ]; /* "" where no device is involved */
	struct hct_packet packet;
	uint8_t turns; /* TCP: of this exchange, segments of the load balancer after an answer, and the first */
	uint32_t exchange; /* TCP: number of the request on its connection, from 1; 0: none came yet, or not told */
	uint32_t skipped; /* TCP: requests since the last event that were not followed, this one included */
	uint8_t tail; /* TCP: HCT_TAIL_* of the answer so far */
	uint8_t tls; /* TCP: HCT_TLS_* */
	uint32_t answer_end; /* TCP: sequence number behind what was answered so far; 0 none */
	uint8_t carriage; /* HCT_OTHER_MAC, HCT_FRAGMENT_* */
	uint16_t vlan; /* HCT_VLAN_* */
	uint16_t fragments_have, fragments_total; /* bytes of a fragment's packet; as in hct_event */

	const char *reason; /* DROP: "NETFILTER_DROP", …; NULL where the kernel has none */
	struct hct_rung rung; /* DROP: how far through netfilter it came */
	const char *function; /* DROP: the function that dropped; NULL unknown */
	uint8_t next_hop[16]; /* DROP: the gateway of a reply's route; all zero: none, or not known */
	const char *stack[HCT_STACK_MAX]; /* DROP, ICMP_SENT, RESET_SENT: innermost first */
	size_t stack_len;

	union { /* by point, see hct_event.h */
		struct hct_listener listener;
		struct hct_route route;
		struct hct_sock sock;
		struct { uint8_t type, code; } icmp;
		struct { bool has_socket; } reset;
		struct hct_translation translation;
		struct hct_libwrap libwrap;
		struct hct_upstream upstream;
		struct obs_rule rule;
		struct obs_xdp xdp;
	};
	uint32_t records[HCT_TLS_RECORDS]; /* TC_INGRESS, TC_EGRESS: HCT_TLS_RECORD, 0 behind the last */
	char route_device[IFNAMSIZ]; /* ROUTE: name of route.oif */

	const uint8_t *payload;
	size_t payload_len;
};

/*
 * What tells a flow from all others: its id is the time of its first packet,
 * and two can come in the same nanosecond on two CPUs.  Each request of a
 * connection that is kept is told from the others by its number, too; whoever
 * follows whole connections leaves that 0.
 */
struct flow_key {
	uint64_t id;
	struct hct_tuple tuple;
	uint64_t exchange;
};
_Static_assert(sizeof(struct flow_key) == 56, "flow_key is hashed: no holes");

struct flow_key flow_key(uint64_t id, const struct hct_tuple *tuple);
/* Of a connection the first exchange, with its handshake, has no number of its own. */
struct flow_key exchange_key(uint64_t id, const struct hct_tuple *tuple, uint32_t exchange);
/* Has O, as read from a file, all that its point cannot do without? */
bool obs_is_whole(const struct obs *o);
/*
 * Is the kernel symbol FUNCTION (may be NULL) the function NAME?  What a
 * compiler or kallsyms appends (".isra.0", "+0x1f") is no difference.
 */
bool function_is(const char *function, const char *name);
/* True when FUNCTION is in the observation's stack (or is the dropping one). */
bool obs_called_from(const struct obs *o, const char *function);

#endif
