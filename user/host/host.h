/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Questions about the host's state that a diagnosis may ask.
 *
 * Live, host_live.c answers from the kernel and the files of the host; on
 * replay the recording answers, with what was answered when it was made.  So
 * every answer is a plain struct without pointers.
 *
 * Every function returns 0 and fills OUT, or -errno: -ENOENT there is no such
 * thing, -ENODATA not asked when it was recorded, others as the reader met
 * them.  A diagnosis must do without any of them.
 */
#ifndef HCT_HOST_H
#define HCT_HOST_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hct_event.h"

#define HOST_TEXT_LEN 256

/* A listening TCP socket, or a bound UDP one. */
struct host_listener {
	uint8_t addr[16]; /* v4-mapped; all zero: any */
	uint16_t port; /* host byte order */
	bool v6only; /* an IPv6 socket that takes no IPv4 */
	bool other_netns; /* lives in another network namespace */
	uint32_t netns;
	uint32_t pid; /* 0 unknown */
	char comm[HCT_COMM_LEN]; /* "" unknown */
	uint32_t backlog; /* TCP: waiting for accept() */
	uint32_t backlog_max;
};
#define HOST_MAX_LISTENERS 24
struct host_listeners {
	size_t n;
	bool truncated;
	struct host_listener l[HOST_MAX_LISTENERS];
};

/* The route from the target's address back to the load balancer. */
struct host_route {
	int32_t err; /* 0, or -errno as the kernel's look-up gave it */
	char device[IFNAMSIZ];
	bool has_gateway;
	uint8_t gateway[16];
	char neighbour[16]; /* state of the next hop: "REACHABLE", "FAILED", "" unknown */
	char text[HOST_TEXT_LEN]; /* as `ip route get` prints it; "" when err */
};

/* What forbids a way: a rule or route of the type blackhole, unreachable or prohibit. */
struct host_denial {
	char type[16]; /* "blackhole", "unreachable", "prohibit" */
	bool by_rule;
	uint32_t priority; /* of a rule */
	uint32_t table; /* of a route */
	bool only_destination; /* it asks for nothing but a destination in PREFIX */
	uint8_t prefix[16];
	uint32_t prefix_len; /* in bits of its own family */
};

/* How a way back that is missing, or goes elsewhere, could be made. */
struct host_gateway {
	uint32_t n; /* routers behind the device that it can lead over */
	uint8_t addr[16]; /* the router, where there is one alone */
	bool by_neighbour; /* no route names it: it is in the table of neighbours */
	uint32_t table; /* in which a rule has answers of the target looked up first; 0: none but main */
	uint32_t free_table; /* without routes and rules; 0 none */
	uint32_t n_denials;
	struct host_denial denial; /* the first */
};

/* Where a packet that comes in for another address is sent. */
struct host_forward_route {
	int32_t err; /* 0, or -errno as the kernel's look-up gave it */
	bool local; /* it is for this host after all */
	bool by_default; /* no route knows the address: the default route took it */
	char device[IFNAMSIZ];
	bool has_gateway;
	uint8_t gateway[16];
	/* asked for with a mark: which tables may make a packet with it local; 0 none */
	uint32_t mark_table; /* that a rule has packets with it looked up in */
	uint32_t local_table; /* that has everything local, as transparent proxies want it */
	uint32_t free_table; /* without routes and rules */
};

/* What hosts.allow and hosts.deny say for one client of one daemon. */
struct host_wrappers {
	bool granted;
	char file[64]; /* "/etc/hosts.deny"; "" when no line matched */
	uint32_t line;
	char text[HOST_TEXT_LEN]; /* the line, continuation joined */
	bool uncertain; /* could be otherwise: hangs on a host name, a user name or a command's result */
};

/* Base chains of one hook, in the order in which they run. */
struct host_chain {
	char backend[24]; /* "nft", "iptables-nft", "iptables-legacy" */
	char family[12]; /* "ip", "ip6", "inet", "netdev", "bridge" */
	char table[64];
	char chain[64];
	int32_t priority;
	char policy[12]; /* "accept", "drop", "" unknown */
	/* about all rules of its table, as those of other chains may be jumped to: */
	bool drops_invalid; /* one drops by ct state invalid alone */
	bool drops_else; /* one drops, or may drop, for another reason */
};
#define HOST_MAX_CHAINS 16
struct host_chains {
	size_t n;
	bool truncated;
	struct host_chain c[HOST_MAX_CHAINS];
};

/* A packet as the rules of one hook see it. */
struct host_packet {
	uint32_t netns; /* whose rules; 0: the watched one's */
	bool v6;
	bool reply; /* goes from target to load balancer */
	char hook[20]; /* as for host_ops.chains; "" unknown: the hooks that its direction has */
	char backend[24]; /* only "nft" (iptables-nft is meant, too) or "iptables-legacy"; "" any */
	int32_t above, below; /* only chains with a priority in between, both excluded */
	/* addresses and ports as they are at that hook: behind a DNAT the translated ones */
	struct hct_tuple tuple;
	struct hct_packet packet;
	char in[IFNAMSIZ], out[IFNAMSIZ]; /* "" unknown, or it has none there */
	bool rewritten; /* asks for rules that send it elsewhere, not for those that end its way */
};

enum host_rule_kind {
	RULE_UNKNOWN, /* what it does is not understood */
	RULE_DROP,
	RULE_REJECT,
	RULE_QUEUE, /* hands it to a program */
	RULE_DNAT, /* REDIRECT, too */
	RULE_SNAT, /* MASQUERADE, too */
	RULE_TPROXY, /* hands it to a proxy's socket; of iptables: or drops it, where there is none */
	RULE_REWRITE, /* sets a header field as it passes */
	RULE_PASS, /* accepts it, or does nothing to its way */
	RULE_KINDS
};

/* A rule of the firewall, or a chain's policy, as the admin would find it. */
struct host_rule {
	char backend[24]; /* "nft", "iptables-nft", "iptables-legacy" */
	char family[12]; /* as host_chain's */
	char table[64];
	char chain[64]; /* that it stands in */
	char base[64]; /* that its way began in, often the same; "" unknown */
	char hook[20]; /* of BASE */
	int32_t priority; /* of BASE */
	char device[IFNAMSIZ]; /* netdev: that BASE is bound to */
	enum host_rule_kind kind;
	bool policy; /* BASE's policy; then number, handle and text are empty */
	bool behind_goto; /* policy: BASE has a goto, so what is appended to it may not be met */
	char last_jump[64]; /* policy: the chain that BASE jumps to last; "" none */
	uint32_t number; /* in its chain, from 1, as --line-numbers counts */
	uint64_t handle; /* nft's; 0: none */
	char text[HOST_TEXT_LEN]; /* in the syntax of its backend, without the chain: "-s 10.0.0.1 -j DROP" */
	bool surely; /* such a packet matches, whatever else it holds; else it may */
	bool invalid_only; /* it asks for conntrack's state invalid and for no other */
	/*
	 * Packets that it counted since it was first asked for such a packet;
	 * COUNTED: known.  Not at the first time, and not without a counter.
	 */
	bool counted;
	uint64_t hits;
};
#define HOST_MAX_RULES 8
struct host_rules {
	size_t n;
	bool truncated;
	bool incomplete; /* some rules could not be read: WHY */
	char why[160];
	uint64_t age_ns; /* how long before the question they, and their counters, were read; 0: since */
	struct host_rule r[HOST_MAX_RULES];
};

/* A network device of the namespace under watch. */
struct host_device {
	char name[IFNAMSIZ];
	bool up;
	uint32_t xdp_prog_id; /* 0: none */
	uint64_t rx_packets;
	uint64_t rx_dropped;
};
#define HOST_MAX_DEVICES 16
struct host_devices {
	size_t n;
	bool truncated;
	struct host_device d[HOST_MAX_DEVICES];
};

struct host_process {
	uint32_t pid;
	char comm[HCT_COMM_LEN];
};

struct host_ops {
	/*
	 * Who listens for PROTOCOL: first the sockets on PORT (of this
	 * namespace, then of others), then other ports of this namespace that
	 * can be reached from outside.  PORT in host byte order.
	 */
	int (*listeners)(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out);
	/*
	 * The same of network namespace NETNS alone, other_netns not set; -ENOENT:
	 * there is none any more, or none that can be entered.
	 */
	int (*listeners_in)(void *ctx, uint32_t netns, uint8_t protocol, uint16_t port,
			    struct host_listeners *out);
	int (*route_back)(void *ctx, const uint8_t target[16], const uint8_t lb[16], struct host_route *out);
	/* How replies from TARGET to LB could leave by DEVICE. */
	int (*gateway)(void *ctx, const uint8_t target[16], const uint8_t lb[16],
		       const char *device, struct host_gateway *out);
	/* Where a packet from LB for TARGET goes that comes in by DEVICE and has MARK (0: none). */
	int (*forward_route)(void *ctx, const uint8_t lb[16], const uint8_t target[16],
			     const char *device, uint32_t mark, struct host_forward_route *out);
	/* As process PID sees the files (its root and mount namespace). */
	int (*wrappers)(void *ctx, uint32_t pid, const char *daemon, const uint8_t client[16],
			struct host_wrappers *out);
	/*
	 * HOOK: "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "INGRESS"; IPV6 picks
	 * ip6.  "bridge INPUT" and the like: the bridge's own hooks.
	 */
	int (*chains)(void *ctx, bool ipv6, const char *hook, struct host_chains *out);
	/*
	 * Which rules and policies can have ended (or, where so asked, changed)
	 * PACKET, in the order in which it meets them, up to the first that it
	 * surely meets: none behind it can.  From the second time for a packet of
	 * the same kind (all but the load balancer's port and the numbers in its
	 * headers equal) they come with what they counted in between.
	 */
	int (*rules)(void *ctx, const struct host_packet *packet, struct host_rules *out);
	/* The rule that nftables calls HANDLE, or for 0 the chain's policy; NETNS as in host_packet. */
	int (*rule)(void *ctx, uint32_t netns, const char *family, const char *table,
		    const char *chain, uint64_t handle, struct host_rule *out);
	/* NAME as sysctl(8) has it: "net.ipv4.icmp_echo_ignore_all".  */
	int (*sysctl)(void *ctx, const char *name, int64_t *out);
	int (*devices)(void *ctx, struct host_devices *out);
	/* The process that owns the connection's socket, -ENOENT when none does (not accepted, gone). */
	int (*owner)(void *ctx, const struct hct_tuple *tuple, struct host_process *out);
	/* Name of a network namespace by inode number, as `ip netns` has it. */
	int (*netns_name)(void *ctx, uint32_t netns, char out[64]);
};

struct host {
	const struct host_ops *ops;
	void *ctx;
};

#endif
