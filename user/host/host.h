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
#define HOST_RULE_LEN 128 /* of a routing rule */

/* A listening TCP socket, or a bound UDP one. */
struct host_listener {
	uint8_t addr[16]; /* v4-mapped; all zero: any */
	uint16_t port; /* host byte order */
	bool v6only; /* an IPv6 socket that takes no IPv4 */
	bool v4only; /* an IPv4 socket of any address */
	char device[IFNAMSIZ]; /* SO_BINDTODEVICE, or the scope of a link-local address; "": any */
	bool other_netns; /* lives in another network namespace: only in older recordings */
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

/* A next hop of a route that has several. */
struct host_hop {
	bool has_gateway;
	uint8_t gateway[16];
	char device[IFNAMSIZ];
	char neighbour[16]; /* as in host_route */
};
#define HOST_MAX_HOPS 8

/* The route from the target's address back to the load balancer. */
struct host_route {
	int32_t err; /* 0, or -errno as the kernel's look-up gave it */
	char device[IFNAMSIZ];
	bool has_gateway;
	uint8_t gateway[16];
	char neighbour[16]; /* state of the next hop: "REACHABLE", "FAILED", "" unknown */
	char text[HOST_TEXT_LEN]; /* as `ip route get` prints it; "" when err */
	/*
	 * All next hops of a multipath route, where each connection has one of them
	 * and what is told above is of one alone; n is 0 where there is just one.
	 */
	size_t n;
	bool truncated;
	bool passes_over; /* the kernel takes none that is known not to answer */
	struct host_hop hop[HOST_MAX_HOPS];
};

/* What forbids a way: a rule or route of the type blackhole, unreachable or prohibit. */
struct host_denial {
	char type[16]; /* "blackhole", "unreachable", "prohibit" */
	bool by_rule;
	uint32_t priority; /* of a rule */
	uint32_t table; /* of a route */
	bool only_destination; /* it is for no other destinations than those in PREFIX */
	uint8_t prefix[16];
	uint32_t prefix_len; /* in bits of its own family */
};

/* How a way back that is missing, or goes elsewhere, could be made. */
struct host_gateway {
	uint32_t n; /* routers behind the device that it can lead over */
	uint8_t addr[16]; /* the router, where there is one alone */
	bool by_neighbour; /* no route names it: it is in the table of neighbours */
	bool alive; /* it is there, and answers or did so last */
	uint32_t table; /* in which a rule has answers of the target looked up first; 0: none but main */
	uint32_t free_table; /* without routes and rules; 0 none */
	uint32_t n_denials; /* that an answer meets, were each lifted */
	struct host_denial denial; /* the first */
	/* The rule that chose the table or forbids, as `ip rule` has it; "" none but main's, or not known. */
	char rule[HOST_RULE_LEN];
	uint32_t rule_priority;
	/* The route that is taken, where one is. */
	uint32_t found_table; /* 0: none */
	uint32_t found_len; /* of its prefix, in bits of its own family */
	uint32_t found_metric;
	uint32_t next_table; /* the first with a route behind a rule that forbids; 0 none */
	bool main_unread; /* the table main is not looked up */
	bool no_room; /* no new rule can come ahead of the one that decides */
	uint32_t new_priority; /* with which it does; 0: with the one that it is given by itself */
	/* A rule by marks, ports or the like that may decide otherwise; "" none. */
	char maybe[HOST_RULE_LEN];
	uint32_t maybe_priority;
	bool maybe_denies; /* blackhole, unreachable or prohibit */
	bool unsure; /* it goes by more than marks */
	bool suppressed; /* no route is found, as RULE does not take the one that its table has */
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

/* What resolves a next hop's address: of neighbour discovery, or of ARP. */
enum host_resolution {
	RESOLVE_NONE,
	RESOLVE_ANSWER, /* neighbour advertisement (ICMPv6 type 136), ARP reply */
	RESOLVE_QUESTION, /* neighbour solicitation (ICMPv6 type 135), ARP request */
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
	/*
	 * It is no packet of a probe, but from the next hop (tuple.lb) to this host, or as
	 * a REPLY from this host to it; the rest of the tuple and PACKET are zero.
	 */
	enum host_resolution resolution;
	bool bridged; /* and what it came in, or goes out, by is a bridge; set by who answers */
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
	char comment[80]; /* nft: of the verdict map's element that took the packet; "" none */
	uint16_t check_port; /* kube-proxy: where it answers checks of the service of TEXT; 0 none */
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
	bool vrf; /* its members are a routing domain of their own (VRF) */
	char member_of[IFNAMSIZ]; /* the VRF that it is in; "": none */
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

#define HOST_MAX_STOPPED 8
/* What can keep a process from its work, as it is when asked. */
struct host_condition {
	char comm[HCT_COMM_LEN];
	char state[2]; /* of /proc/PID/status: "R", "S", "D", "T" stopped, "t" by a tracer, … */
	char waits_in[64]; /* the kernel's function, where it is in "D"; "" unknown */
	uint32_t tracer; /* a debugger's process; 0 none */
	uint32_t children; /* that were looked at, too */
	size_t n_stopped; /* of itself and its children, those in state T */
	struct host_stopped { uint32_t pid; } stopped[HOST_MAX_STOPPED];
	/* open descriptors and RLIMIT_NOFILE of the one of them that is nearest to it; 0 unknown */
	uint32_t files_pid, files, files_limit, files_hard;
	/* of its cgroup and those above it; "" none, 0 none or unknown */
	char cgroup[128]; /* as /proc/PID/cgroup has it */
	char frozen[160]; /* the file of the uppermost one that is frozen */
	bool frozen_v1;
	uint32_t frozen_levels;
	uint64_t cpu_quota_us, cpu_period_us; /* of the one that was throttled most */
	uint64_t cpu_periods, cpu_throttled; /* since it was asked before, or since it exists */
	bool cpu_grown; /* since it was asked before */
	uint64_t memory, memory_max; /* bytes; of the one that is nearest to its limit */
	uint64_t oom_kills; /* since it exists */
	/* PSI, "some avg10" in percent: of its cgroup, or (HOST_PRESSURE) of the host */
	bool host_pressure;
	uint32_t cpu_pressure, io_pressure, memory_pressure;
	/* it, or a child, waits for this address to take its connection */
	bool connecting;
	uint8_t connecting_addr[16];
	uint16_t connecting_port;
	/* where its command line says that it is a proxy: what it connects to */
	bool proxies;
	uint8_t upstream[16];
	uint16_t upstream_port;
};

struct host_ops {
	/*
	 * Who listens for PROTOCOL in this network namespace: first the sockets on
	 * PORT, then other ports that can be reached from outside.  PORT in host
	 * byte order.
	 */
	int (*listeners)(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out);
	/*
	 * The same of network namespace NETNS; -ENOENT: there is none any more, or
	 * none that can be entered.
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
	int (*condition)(void *ctx, uint32_t pid, struct host_condition *out);
	/* The network namespace that has ADDR: this one, or one that is its neighbour; -ENOENT: none. */
	int (*address_netns)(void *ctx, const uint8_t addr[16], uint32_t *out);
	/* The socket unit of systemd that listens on TCP port PORT. */
	int (*socket_unit)(void *ctx, uint16_t port, char out[64]);
};

struct host {
	const struct host_ops *ops;
	void *ctx;
};

#endif
