/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What all observation points share: the configuration, the flows under watch
 * and the way up.  Defined once in state.bpf.c.
 */
#ifndef BPF_STATE_H
#define BPF_STATE_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "include/hct_event.h"
#include "include/hct_flow.h"
#include "include/hct_shared.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58
#define ETH_P_IP 0x0800
#define ETH_P_8021Q 0x8100
#define ETH_P_IPV6 0x86DD
#define ETH_P_8021AD 0x88A8
#define ETH_HLEN 14

/* state.bpf.c defines what everyone else only declares. */
#ifndef HCT_STATE
#define HCT_STATE extern
#endif

#define MAX_FLOWS 131072
#define RING_BYTES (4 * 1024 * 1024)
#define RING_HURRY (RING_BYTES / 4) /* with so much in it the reader is woken at once */

/* Read-only once loaded, so the verifier knows its values and drops what they make unreachable. */
extern const volatile struct hct_config config;

HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_FLOWS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct hct_tuple);
	__type(value, struct hct_flow);
} flows SEC(".maps");

/*
 * Datagrams and echoes that this host itself sent into the range: what comes
 * back is an answer and no probe (name servers live in such ranges, too).
 */
HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct hct_tuple);
	__type(value, __u64); /* when we sent last */
} outbound SEC(".maps");

/*
 * DNAT changes a packet's destination only: its source still tells the flow.
 * `clients` has the last flow of each source, at a place that the source's hash
 * tells (client_place()); another source may overwrite it, which costs the part
 * of a timeline that lies behind the DNAT, not the probe.  `aliases` has the
 * original tuple of each translated one that was met.
 */
#define CLIENTS 16384 /* a power of two */

HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLIENTS);
	__type(key, __u32);
	__type(value, struct hct_tuple);
} clients SEC(".maps");

HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct hct_tuple);
	__type(value, struct hct_tuple);
} aliases SEC(".maps");

/*
 * Connections that user space knows as a steady check's: their further requests are
 * followed.  Written by user space, and by it alone.
 */
HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct hct_tuple);
	__type(value, __u32);
} kept SEC(".maps");

/* How many requests that nobody asked for were told of in this second, each CPU for itself. */
enum { TOKENS_MIDWAY, TOKENS_OFFERS, TOKENS_CHECKS, TOKENS_KINDS };
struct tokens {
	__u64 since_ns;
	__u64 used;
};

HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TOKENS_KINDS);
	__type(key, __u32);
	__type(value, struct tokens);
} tokens SEC(".maps");

/*
 * The TLS records of the packet in hand.  Not on the stack: the verifier would follow
 * each number of them through all that comes behind.
 */
struct hct_tls_list {
	__u32 records[HCT_TLS_RECORDS];
};

HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hct_tls_list);
} tls_lists SEC(".maps");

/* Fragments whose packet is not complete: fragment.h. */
struct fragment_key {
	__u8 lb[16], target[16];
	__u32 id;
	__u32 ifindex; /* on a bridge and the like the same fragments are met again */
};

struct fragment_state {
	struct hct_tuple tuple; /* of protocol 0 until the first comes */
	__u16 have, total; /* bytes; the total is known from the last */
};

HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct fragment_key);
	__type(value, struct fragment_state);
} fragments SEC(".maps");

HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

HCT_STATE struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hct_shared);
} shared SEC(".maps");

#endif
