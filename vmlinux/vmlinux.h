/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that hctrace reads: only the fields used, in no particular
 * order.  CO-RE relocates each access against the running kernel's BTF, so
 * neither order nor offsets matter; names do.  `make check-vmlinux` checks them
 * against BTF dumps, because a misspelt field compiles and fails only at load.
 *
 * Fields that not every kernel has are read through bpf/compat.h.
 */
#ifndef __VMLINUX_H__ /* this very name: bpf_tracing.h looks for it */
#define __VMLINUX_H__

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* ---- user-space API of the kernel: fixed layout ---- */

enum bpf_map_type_used {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1 << 10,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
	BPF_F_CURRENT_NETNS = -1,
};

enum { TC_ACT_UNSPEC = -1, TC_ACT_OK = 0 };
enum xdp_action { XDP_PASS = 2 };

struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
	__u32 tc_classid;
	__u32 data;
	__u32 data_end;
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
};

struct bpf_sock_tuple {
	union {
		struct {
			__be32 saddr;
			__be32 daddr;
			__be16 sport;
			__be16 dport;
		} ipv4;
		struct {
			__be32 saddr[4];
			__be32 daddr[4];
			__be16 sport;
			__be16 dport;
		} ipv6;
	};
};

struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4;
	__u32 src_ip6[4];
	__u32 src_port;
	__be16 dst_port;
	__u16 : 16;
	__u32 dst_ip4;
	__u32 dst_ip6[4];
	__u32 state;
};

/* ---- the kernel's own types: relocated ---- */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct socket;
struct proto_accept_arg;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
	u8 sk_shutdown;
	int sk_err;
};

struct inet_timewait_sock {
	struct sock_common __tw_common;
};

struct inet_sock {
	__be16 inet_sport;
};

typedef struct {
	int counter;
} atomic_t;

struct request_sock_queue {
	atomic_t qlen;
};

struct inet_connection_sock {
	struct request_sock_queue icsk_accept_queue;
};

struct tcp_sock {
	u32 rcv_nxt;
	u32 copied_seq;
};

struct request_sock {
	struct sock_common __req_common;
};

struct tcp_request_sock {
	u32 rcv_isn;
};

struct dst_entry {
	struct net_device *dev;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	unsigned int len;
	unsigned int data_len;
	__be16 protocol;
	__u16 network_header;
	__be16 vlan_proto;
	__u16 vlan_tci;
	unsigned char *head;
	unsigned char *data;
};

enum skb_drop_reason {
	SKB_DROP_REASON_NETFILTER_DROP = 7, /* 6.18; relocated by name */
};

struct flowi_common {
	__u8 flowic_proto;
};

union flowi_uli {
	struct {
		__be16 dport;
		__be16 sport;
	} ports;
};

struct flowi4 {
	struct flowi_common __fl_common;
	__be32 saddr;
	__be32 daddr;
	union flowi_uli uli;
};

struct flowi6 {
	struct flowi_common __fl_common;
	struct in6_addr daddr;
	struct in6_addr saddr;
	union flowi_uli uli;
};

struct fib_nh_common {
	struct net_device *nhc_dev;
	u8 nhc_gw_family;
	union {
		__be32 ipv4;
		struct in6_addr ipv6;
	} nhc_gw;
};

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

struct fib_info;
struct fib_nh {
	struct fib_nh_common nh_common;
	struct fib_info *nh_parent;
};

struct fib_info {
	int fib_nhs;
	struct fib_nh fib_nh[0];
};

struct nh_info;
struct nexthop {
	struct list_head grp_list;
	struct nh_info *nh_info;
	bool is_group;
};

struct nh_info {
	struct nexthop *nh_parent;
	union {
		struct fib_nh_common fib_nhc;
	};
};

struct fib6_nh {
	struct fib_nh_common nh_common;
};

struct fib6_info {
	unsigned int fib6_nsiblings;
	struct nexthop *nh;
};

struct fib6_result {
	struct fib6_nh *nh;
	struct fib6_info *f6i;
	u8 fib6_type;
};

struct rtable {
	u8 rt_gw_family;
	union {
		__be32 rt_gw4;
		struct in6_addr rt_gw6;
	};
};

struct rt6_info {
	struct in6_addr rt6i_gateway;
	u32 rt6i_flags;
};

struct fib6_table {
	u32 tb6_id;
};

struct nf_hook_state {
	u8 hook;
	u8 pf;
	struct net_device *in;
	struct net_device *out;
	struct net *net;
};

/* of modules nf_tables and x_tables, or of the kernel, where these are built in */

enum nft_chain_types { NFT_CHAIN_T_NAT = 2 };

struct nft_table {
	u16 family : 6;
	char *name;
};

struct nft_chain {
	struct nft_table *table;
	char *name;
};

struct nft_chain_type {
	enum nft_chain_types type;
};

struct nft_base_chain {
	const struct nft_chain_type *type;
	u8 policy;
	struct nft_chain chain;
};

struct nft_rule_dp {
	u64 is_last : 1, dlen : 12, handle : 42;
};

struct nft_rule_dp_last {
	const struct nft_chain *chain;
};

struct nft_verdict {
	u32 code;
};

struct nft_pktinfo {
	struct sk_buff *skb;
	const struct nf_hook_state *state;
};

struct nft_traceinfo {
	bool trace;
	const struct nft_pktinfo *pkt;
	const struct nft_base_chain *basechain;
	const struct nft_rule_dp *rule;
	const struct nft_verdict *verdict;
};

struct xt_table {
	int priority;
};

struct xdp_rxq_info {
	struct net_device *dev;
};

struct xdp_buff {
	void *data;
	void *data_end;
	struct xdp_rxq_info *rxq;
};

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

struct file {
	void *private_data;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct nsproxy {
	struct net *net_ns;
};

struct task_struct {
	struct task_struct *real_parent;
	int tgid;
	struct files_struct *files;
	struct nsproxy *nsproxy;
};

/* Registers, for uprobe arguments; the names that bpf_tracing.h uses. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, cx, r8, r9, ax, sp, bp, ip;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};
struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		struct {
			u64 regs[31];
			u64 sp;
			u64 pc;
			u64 pstate;
		};
	};
};
#endif

#pragma clang attribute pop

#endif
