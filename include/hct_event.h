/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire format between bpf/ and user/: the only definition of it.
 *
 * Fixed-width types, explicit padding, host byte order except where a field is
 * marked __be (as on the wire).  An event is a struct hct_event, followed by
 * `payload_len` captured bytes at the points that capture.
 *
 * In BPF, vmlinux.h comes first and brings the types.
 */
#ifndef HCT_EVENT_H
#define HCT_EVENT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "hct_points.h"

#define HCT_COMM_LEN 16
#define HCT_STACK_MAX 12
#define HCT_PAYLOAD_SHORT 384 /* captured of a request; and of an answer that is no longer */
#define HCT_PAYLOAD_MAX 2048 /* captured of an answer: its head, more often than not */
/* Of each direction's segments those are captured that begin this early, and so many at most. */
#define HCT_HEAD_BYTES 2048
#define HCT_HEAD_SEGMENTS 48
/* Events of a flow after which it goes quiet, but for its end: an answer in as many segments fits. */
#define HCT_FLOW_MAX_EVENTS 128
#define HCT_MAX_PREFIXES 16
#define HCT_MAX_PORTS 16

/*
 * A probe's five-tuple, always as the load balancer's request has it, whatever
 * the direction of the packet.  IPv4 addresses are v4-mapped (::ffff:a.b.c.d).
 * For ICMP echo, lb_port is the identifier and target_port the sequence number.
 */
struct hct_tuple {
	__u8 lb[16];
	__u8 target[16];
	__be16 lb_port;
	__be16 target_port;
	__u8 protocol; /* IPPROTO_TCP, _UDP, _ICMP, _ICMPV6 */
	__u8 pad[3];
};
_Static_assert(sizeof(struct hct_tuple) == 40, "hct_tuple is a map key: no holes");

/* Bits of hct_packet.tcp_flags, as in the TCP header. */
#define HCT_TCP_FIN 0x01
#define HCT_TCP_SYN 0x02
#define HCT_TCP_RST 0x04
#define HCT_TCP_PSH 0x08
#define HCT_TCP_ACK 0x10

/* The packet an event is about.  Zero where it is not TCP or not ICMP. */
struct hct_packet {
	__u32 seq;
	__u32 ack;
	__u32 payload_len; /* bytes of TCP or UDP payload on the wire */
	__u8 tcp_flags;
	__u8 icmp_type; /* an ICMP error's type, when the packet carries the flow's header inside */
	__u8 icmp_code;
	__u8 is_icmp_error;
};

/*
 * A TLS record that begins in a packet: its type, the first byte of its content
 * that says what it is (of a handshake message its type, of an alert its
 * description; 0 where it was not looked at, noise where it is encrypted), and
 * the length of its content.
 */
#define HCT_TLS_RECORD(type, what, len) ((__u32)(type) << 24 | (__u32)(what) << 16 | (len))
#define HCT_TLS_RECORDS 8 /* of a packet, at most */
#define HCT_TLS_TOLD 16 /* of a direction; a packet's last may go beyond it */

/*
 * hct_event.vlan: the tag with which a packet came to a device, whether in its bytes or
 * taken out of them by the hardware.  Number 0 is a priority alone.
 */
#define HCT_VLAN_TAGGED 0x8000
#define HCT_VLAN_TWICE 0x4000 /* another tag is inside */
#define HCT_VLAN_NUMBER 0x0fff

/* Bits of hct_event.carriage: how a packet came, besides what its own headers say */
#define HCT_OTHER_MAC 0x01 /* for another's MAC address: overheard */
#define HCT_FRAGMENT 0x02 /* a fragment: the first, which has the ports, or */
#define HCT_FRAGMENT_LATER 0x04 /* another one, which has not */
#define HCT_FRAGMENT_LAST 0x08
#define HCT_FRAGMENT_TINY 0x10 /* the first, too short for TCP's flags: taken for a SYN's */

/* Bits of hct_event.tls */
#define HCT_TLS_SEEN 0x01 /* it began with a ClientHello: records are told of both directions */
#define HCT_TLS_LOST_LB 0x02 /* where the load balancer's next record begins is not known any more */
#define HCT_TLS_LOST_HOST 0x04 /* the same of the service's */
#define HCT_TLS_FULL_LB 0x08 /* so many of the load balancer's were told that no more are */
#define HCT_TLS_FULL_HOST 0x10
#define HCT_TLS_PLAIN 0x20 /* what the service answers is no TLS */

#define HCT_FOUND_LISTENER 1
#define HCT_FOUND_OLD 2 /* a connection with the same addresses and ports, in TIME_WAIT perhaps */
#define HCT_FOUND_HALF_OPEN 3 /* one that waits for the last ACK of its handshake */

/* The listening socket that a SYN would meet, as it was when the SYN arrived. */
struct hct_listener {
	__u32 found; /* HCT_FOUND_*: what was found for the SYN; 0 nothing */
	__u32 backlog; /* sk_ack_backlog: connections waiting for accept() */
	__u32 backlog_max; /* sk_max_ack_backlog; full when backlog > backlog_max */
	__u32 syn_queue; /* request sockets waiting for the last ACK */
};

/*
 * How far up the netfilter ladder a packet came; see bpf/netfilter.bpf.c.  Or,
 * where functions can be watched, which table of iptables-legacy dropped it.
 */
struct hct_rung {
	__s32 priority; /* everything below it let the packet pass; the table's own */
	__u8 hook; /* NF_INET_* */
	__u8 valid; /* HCT_RUNG_*; 0: neither is attached, or the packet met none */
	__u8 pad[2];
};
#define HCT_RUNG_PASSED 1
#define HCT_RUNG_TABLE 2

/*
 * Reasons that functions tell where the kernel has none, X(ID, name as newer
 * kernels have it); on the wire behind HCT_REASON_BASE, where no kernel has any.
 */
#define HCT_REASONS(X) \
	X(NONE, "") \
	X(RPFILTER, "IP_RPFILTER") \
	X(LOCAL_SOURCE, "IP_LOCAL_SOURCE") \
	X(SOCKET_FILTER, "SOCKET_FILTER") \
	X(RCVBUFF, "SOCKET_RCVBUFF") \
	X(PROTO_MEM, "PROTO_MEM") \
	X(INVALID_SYN, "TCP_INVALID_SYN")
#define HCT_REASON_BASE 0xffff0000u

enum hct_reason {
#define X(ID, name) HCT_REASON_##ID,
	HCT_REASONS(X)
#undef X
	HCT_REASON_COUNT
};

struct hct_drop {
	struct hct_rung rung;
	__u32 reason; /* enum skb_drop_reason of the running kernel, or HCT_REASON_BASE + HCT_REASON_*; 0 none */
	__u32 stack_len; /* entries used in stack */
	__u64 location; /* address kfree_skb was called from */
	__u8 next_hop[16]; /* the gateway of a reply's route, v4-mapped; all zero: none, or not known */
	__u64 stack[HCT_STACK_MAX]; /* innermost first */
};

struct hct_route {
	__s32 err; /* 0, or -errno of the look-up */
	__u32 table;
	__u32 oif; /* ifindex of the route's device, 0 when none */
	__u8 has_gateway;
	__u8 several; /* of several next hops the first is told: which is taken is chosen behind this */
	__u8 pad[2];
	__u8 gateway[16];
};

struct hct_sock {
	__u8 old_state; /* BPF_TCP_* of linux/bpf.h */
	__u8 new_state;
	__u8 accepted; /* 1: a process has taken it with accept() */
	__u8 in_process; /* 1: changed by the process in pid/comm, 0: by a packet or a timer */
	__u32 unread; /* bytes received that no process has read */
};

struct hct_icmp {
	__u8 type;
	__u8 code;
	__u8 pad[2];
	__u32 stack_len;
	__u64 stack[HCT_STACK_MAX];
};

struct hct_reset {
	__u32 has_socket; /* 1: sent for an existing connection, 0: nobody listens */
	__u32 stack_len;
	__u64 stack[HCT_STACK_MAX];
};

/*
 * Without HCT_F_REPLY: the address that the request has behind the DNAT, where
 * it was forwarded by ifindex, or taken by this host itself (ifindex 0).
 * With it: the source that a reply left with, which is not the target.
 */
struct hct_translation {
	__u8 addr[16];
	__be16 port;
	__u8 pad[6];
};

/* A connection that the process in pid/comm opened, and that came to nothing. */
struct hct_upstream {
	__u8 addr[16];
	__u16 port; /* host byte order */
	__u16 err; /* errno of the socket; 0: the process gave up */
	__u32 parent; /* the process that made this one */
	__u32 took_us;
	__u32 pad;
};

#define HCT_PROGRAM_NAME_LEN 16 /* as the kernel keeps it, its 0 included */

struct hct_xdp {
	__u32 action; /* enum xdp_action */
	__u32 program_id;
	char program[HCT_PROGRAM_NAME_LEN];
};

struct hct_rule {
	__u64 handle; /* 0: the chain's policy */
	__u32 verdict; /* NF_* or NFT_* */
	__u8 family; /* NFPROTO_* of the table */
	__u8 pad[3];
};

struct hct_libwrap {
	__s32 granted; /* hosts_access() returned non-zero */
	__s32 fd; /* the descriptor asked about, -1: only names were given */
	char daemon[32]; /* the name that hosts.allow/hosts.deny are searched for */
	char client[48]; /* the client's address as the program gave it, may be empty */
};

/* Bits of hct_event.flags */
#define HCT_F_REPLY 0x01 /* about a packet from the target to the load balancer */
#define HCT_F_PROCESS 0x02 /* pid and comm are the process's that did it */
#define HCT_F_NO_TUPLE 0x04 /* the flow is not known here; user space joins by what there is */

struct hct_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 flow_id; /* one incarnation of the tuple: the time of its first packet; 0: unknown */
	struct hct_tuple tuple;
	__u32 flow_seq; /* counts the flow's events, lost ones included */
	__u32 netns; /* inode number of the namespace it happened in; 0: another than the watched one */
	__u32 ifindex; /* of the watched namespace; 0 when none of its devices is involved */
	__u32 pid; /* valid with HCT_F_PROCESS */
	char comm[HCT_COMM_LEN];
	__u8 point; /* enum hct_point */
	__u8 flags; /* HCT_F_* */
	__u16 payload_len; /* captured bytes behind the detail */
	__u8 turns; /* TCP: of this exchange, times that the load balancer spoke after an answer, and the first; at most 255 */
	__u8 tail; /* HCT_TAIL_* of the answer so far */
	__u16 skipped; /* requests since the last event that were not followed, this one included */
	__u8 tls; /* HCT_TLS_* */
	__u8 carriage; /* HCT_OTHER_MAC and HCT_FRAGMENT_*; at arrival and drop, of requests */
	__u16 vlan; /* HCT_VLAN_*; at arrival */
	__u16 fragments_have; /* of a fragment's packet: bytes that came so far … */
	__u16 fragments_total; /* … of so many; 0: not known, as the last one is missing */
	__u32 answer_end; /* TCP: sequence number behind the highest byte answered so far; 0 none */
	__u32 exchange; /* TCP: number of the request on its connection, from 1; 0: none came yet */
	struct hct_packet packet;
	union {
		struct hct_listener listener; /* TC_INGRESS, with a SYN */
		struct hct_drop drop;
		struct hct_route route;
		struct hct_sock sock; /* SOCKET_STATE, RESET_RECEIVED, APP_READ, ACCEPTED */
		struct hct_icmp icmp;
		struct hct_reset reset;
		struct hct_translation translation;
		struct hct_libwrap libwrap;
		struct hct_upstream upstream;
		struct hct_xdp xdp;
		struct hct_rule rule;
		/* TC_INGRESS and TC_EGRESS, without a SYN: 0 behind the last */
		__u32 records[HCT_TLS_RECORDS];
	};
};

#define HCT_TAIL_LAST_CHUNK 0x1 /* its last segment ends with an empty chunk (RFC 9112, 7.1) */

/* Bytes that the points without a kernel stack send: the details up to struct hct_route. */
#define HCT_EVENT_SHORT (__builtin_offsetof(struct hct_event, route) + sizeof(struct hct_route))

/* The same with room for captured bytes: TC_INGRESS and TC_EGRESS, the first payload. */
struct hct_event_payload {
	struct hct_event event;
	__u8 payload[HCT_PAYLOAD_SHORT];
};
struct hct_event_long_payload {
	struct hct_event event;
	__u8 payload[HCT_PAYLOAD_MAX];
};

#define HCT_NFT_NAME_LEN 256 /* NFT_NAME_MAXLEN */

/* NFT_TRACE, where a function tells it. */
struct hct_event_rule {
	struct hct_event event;
	char table[HCT_NFT_NAME_LEN];
	char chain[HCT_NFT_NAME_LEN];
};

_Static_assert(sizeof(struct hct_packet) == 16, "wire format");
_Static_assert(sizeof(struct hct_translation) <= sizeof(struct hct_route), "it is a short event");
_Static_assert(sizeof(struct hct_upstream) <= sizeof(struct hct_route), "it is a short event");
_Static_assert(sizeof(struct hct_xdp) <= sizeof(struct hct_route), "it is a short event");
_Static_assert(HCT_TLS_RECORDS * sizeof(__u32) <= sizeof(struct hct_route), "it is a short event");
_Static_assert(sizeof(struct hct_drop) == 40 + 8 * HCT_STACK_MAX, "wire format");
_Static_assert(__builtin_offsetof(struct hct_event, packet) == 112, "wire format");
_Static_assert(sizeof(struct hct_event) == 128 + sizeof(struct hct_drop), "wire format");

/* What user space tells the BPF side between open and load, as read-only data. */
struct hct_prefix {
	__u32 addr[4]; /* network byte order, v4-mapped, host bits zero */
	__u32 mask[4];
};

struct hct_config {
	__u32 netns; /* inode number of the network namespace under watch */
	__u32 n_prefixes;
	__u32 n_ports; /* 0: every port */
	__u32 protocols; /* HCT_PROTO_*; 0: all */
	__u32 max_events; /* a flow's events after which it goes quiet but for its end */
	__u32 follow_users; /* 1: what is known as a user's request is followed like a check */
	__u32 by_probes; /* 1: programs run as raw tracepoints, on a kernel without BTF */
	__u32 pad;
	__u64 restart_ns; /* a datagram or echo this long after a flow's first is a new flow */
	struct hct_prefix prefixes[HCT_MAX_PREFIXES];
	__be16 ports[HCT_MAX_PORTS];
};
#define HCT_PROTO_TCP 0x1
#define HCT_PROTO_UDP 0x2
#define HCT_PROTO_ICMP 0x4

#endif
