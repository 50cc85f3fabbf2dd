// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel's reasons for a drop mean to an admin: one table for timeline and advice. */
#include "reasons.h"

#include <stddef.h>
#include <string.h>

#include "stream/obs.h"

#define OFFLOADS "Turn the interface's receive offloads off to test (ethtool -K, rx off)."
#define DAMAGED "Look for a fault on the path: ethtool -S, offloads, tunnels."
#define OLD_CONNECTION "an old connection takes it for a late packet of its own"

/* include/net/dropreason-core.h (6.18); what older kernels call otherwise is listed, too. */
static const struct {
	const char *reason;
	const char *meaning;
	const char *fix;
} reasons[] = {
	{ "NO_SOCKET", "no socket takes it", "See 'ss -tulpn' for who listens where." },
	{ "SOCKET_CLOSE", "the socket was being closed", NULL },
	{ "SOCKET_DESTROYED", "the socket was being closed", NULL },
	{ "SOCKET_FILTER", "by a filter on the socket", NULL },
	{ "SOCKET_RCVBUFF", "the socket's receive buffer is full", NULL },
	{ "SOCKET_BACKLOG", "the socket's backlog is full", NULL },
	{ "PROTO_MEM", "the memory for sockets of this protocol is used up", NULL },
	{ "TCP_LISTEN_OVERFLOW", "the accept queue is full", NULL },
	{ "TCP_ZEROWINDOW", "the receive window is closed: the process does not read", NULL },
	{ "TCP_MINTTL", "its TTL is below what the socket asks for (IP_MINTTL)",
	  "Lower the minimum TTL in the service's configuration." },
	{ "TCP_MD5NOTFOUND", "the socket asks for TCP MD5 signatures",
	  "Exempt the load balancer from TCP MD5 in the service's configuration." },
	{ "TCP_FLAGS", "its TCP flags make no sense",
	  "Look for a device on the path that alters packets." },
	{ "TCP_INVALID_SYN", OLD_CONNECTION, NULL },
	{ "TCP_INVALID_SEQUENCE", OLD_CONNECTION, NULL },
	{ "TCP_INVALID_END_SEQUENCE", OLD_CONNECTION, NULL },
	{ "TCP_INVALID_ACK_SEQUENCE", OLD_CONNECTION, NULL },
	{ "TCP_OLD_SEQUENCE", OLD_CONNECTION, NULL },
	{ "TCP_OVERWINDOW", "it lies outside the window of the connection on these ports", NULL },
	{ "TCP_RFC7323_PAWS", "its timestamp is older than the connection's last", NULL },
	{ "TCP_RFC7323_PAWS_ACK", "its timestamp is older than the connection's last", NULL },
	{ "TCP_RFC7323_TW_PAWS", "its timestamp is older than that of a connection just closed",
	  NULL },
	{ "TCP_RFC7323_TSECR", "it echoes a timestamp that was never sent", NULL },
	{ "TCP_CLOSE", "the connection is closed", NULL },
	{ "TCP_RESET", "it resets the connection", NULL },
	{ "TCP_ABORT_ON_DATA", "the process has closed the connection", NULL },
	{ "QUEUE_PURGE", "the socket was being closed", NULL },
	{ "TCP_CSUM", "the TCP checksum is wrong", OFFLOADS },
	{ "UDP_CSUM", "the UDP checksum is wrong", OFFLOADS },
	{ "IP_CSUM", "the IP checksum is wrong", OFFLOADS },
	{ "ICMP_CSUM", "the ICMP checksum is wrong", OFFLOADS },
	{ "SKB_CSUM", "the checksum is wrong", OFFLOADS },
	{ "IP_INHDR", "the IP header is damaged", DAMAGED },
	{ "PKT_TOO_SMALL", "the packet is shorter than its headers say", DAMAGED },
	{ "PKT_TOO_BIG", "the packet is bigger than the path takes",
	  "Compare the MTUs: ip link, tracepath." },
	{ "HDR_TRUNC", "the headers are cut off", DAMAGED },
	{ "DUP_FRAG", "a fragment of it overlaps another", DAMAGED },
	{ "FRAG_REASM_TIMEOUT", "not all of its fragments came in time", NULL },
	{ "FRAG_TOO_FAR", "too many other fragments came between its own",
	  "Avoid fragments: let the load balancer's packets fit the path's MTU." },
	{ "IPV6_BAD_EXTHDR", "the kernel does not accept one of its IPv6 extension headers",
	  "See which device on the path adds the extension header, and why." },
	{ "IPV6DISABLED", "IPv6 is off on this device",
	  "Set net.ipv6.conf.DEV.disable_ipv6 to 0 for the device, or check by IPv4." },
	{ "OTHERHOST", "it was sent to another host's MAC address",
	  "Clear the neighbour entry for this host on the router, and look for a duplicate "
	  "address." },
	{ "IP_NOPROTO", "nothing here handles its protocol", "Load the module that handles it." },
	{ "UNHANDLED_PROTO", "nothing here handles its protocol",
	  "Load the module that handles it." },
	{ "IP_RPFILTER", "by the reverse-path filter (rp_filter)", NULL },
	{ "IP_LOCAL_SOURCE", "its source is an address of this host", NULL },
	{ "IP_INVALID_SOURCE", "its source address cannot come from a network", NULL },
	{ "IP_LOCALNET", "its loopback address cannot come from a network", NULL },
	{ "IP_INVALID_DEST", "its destination cannot be reached here", NULL },
	{ "IP_INADDRERRORS", "its destination is not this host, and there is no way on", NULL },
	{ "IP_INNOROUTES", "this host has no route to its destination", NULL },
	{ "IP_OUTNOROUTES", "this host has no route to its destination", NULL },
	{ "NEIGH_FAILED", "the next hop does not answer ARP or neighbour discovery", NULL },
	{ "NEIGH_CREATEFAIL", "the neighbour table is full",
	  "Raise net.ipv4.neigh.default.gc_thresh3." },
	{ "NEIGH_QUEUEFULL", "the next hop does not answer ARP or neighbour discovery", NULL },
	{ "NEIGH_DEAD", "the next hop's neighbour entry was taken away", NULL },
	{ "NETFILTER_DROP", "by the firewall", NULL },
	{ "XFRM_POLICY", "by an IPsec policy", NULL },
	{ "BPF_CGROUP_EGRESS", "by a BPF program of a control group", NULL },
	{ "SECURITY_HOOK", "by a security module (SELinux, AppArmor, …)", NULL },
	{ "XDP", "by an XDP program", NULL },
	{ "TC_INGRESS", "by a tc filter or program", NULL },
	{ "TC_EGRESS", "by a tc filter or program", NULL },
	{ "QDISC_DROP", "by the device's queueing discipline", NULL },
	{ "QDISC_OVERLIMIT", "the device's queue is full", NULL },
	{ "QDISC_CONGESTED", "the device's queue is congested", NULL },
	{ "CPU_BACKLOG", "the CPU's receive backlog was full",
	  "sysctl -w net.core.netdev_max_backlog=10000" },
	{ "FULL_RING", "the device's ring was full", "Enlarge it with ethtool -G." },
	{ "DEV_READY", "the device is not up", "Set the device up." },
	{ "NOMEM", "the kernel was out of memory",
	  "Free memory; see 'dmesg' and /proc/net/sockstat." },
	{ "SKB_UCOPY_FAULT", "the process gave a bad buffer", NULL },
};

static const struct {
	const char *function;
	const char *meaning;
} functions[] = {
	{ "do_xdp_generic", "by an XDP program" },
	{ "netif_receive_generic_xdp", "by an XDP program" },
	{ "veth_xdp_rcv_skb", "by an XDP program" },
	{ "veth_xdp_rcv", "by an XDP program" }, /* that function, inlined */
	{ "veth_poll", "by an XDP program" },
	{ "sch_handle_ingress", "by a tc filter or program" },
	{ "sch_handle_egress", "by a tc filter or program" },
	{ "ip_defrag", "the kernel cannot put its fragments together" },
	{ "ip_frag_queue", "the kernel cannot put its fragments together" },
	{ "ipv6_frag_rcv", "the kernel cannot put its fragments together" },
	{ "ip_expire", "not all of its fragments came in time" },
	{ "ip6frag_expire_frag_queue", "not all of its fragments came in time" },
	{ "ip6_parse_tlv", "the kernel does not accept an option in its IPv6 extension header" },
	{ "ipv6_rthdr_rcv", "the kernel does not accept its IPv6 routing header" },
	{ "__allowed_ingress", "the bridge's VLAN filter does not let its VLAN in" },
	{ "br_allowed_ingress", "the bridge's VLAN filter does not let its VLAN in" },
	{ "vlan_do_receive", "the device of its VLAN is down" },
	{ "ip_error", "its destination is no address of this host" },
	{ "neigh_invalidate", "the next hop does not answer ARP or neighbour discovery" },
	{ "arp_error_report", "the next hop does not answer ARP" },
	{ "ndisc_error_report", "the next hop does not answer neighbour discovery" },
	{ "sk_filter_trim_cap", "by a filter on the socket" },
	{ "xfrm4_policy_check", "by an IPsec policy" },
	/* a repeated SYN, or a segment of a closed connection: without a reason, TCP found no use for it */
	{ "tcp_v4_rcv", "by TCP, which has no use for it" },
	{ "tcp_v6_rcv", "by TCP, which has no use for it" },
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static size_t find(const char *reason)
{
	size_t i = 0;

	while (i < N(reasons) && (!reason || strcmp(reasons[i].reason, reason) != 0))
		i++;
	return i;
}

const char *reason_meaning(const char *reason)
{
	size_t i = find(reason);

	return i < N(reasons) ? reasons[i].meaning : NULL;
}

const char *meaning_joint(const char *meaning)
{
	return strncmp(meaning, "by ", 3) == 0 ? " " : ": ";
}

const char *reason_fix(const char *reason)
{
	size_t i = find(reason);

	return i < N(reasons) ? reasons[i].fix : NULL;
}

const char *function_meaning(const char *function)
{
	for (size_t i = 0; i < N(functions); i++)
		if (function_is(function, functions[i].function))
			return functions[i].meaning;
	return NULL;
}

/*
 * Where packets are forwarded, a header that is not right is one without hops left
 * (ip_forward() and ip6_forward(), 6.1).
 */
const char *drop_meaning(const char *reason, const char *function)
{
	bool header = reason && strcmp(reason, "IP_INHDR") == 0;

	if (header && function_is(function, "ip_forward"))
		return "its TTL has run out";
	if (header && function_is(function, "ip6_forward"))
		return "its hop limit has run out";
	return reason ? reason_meaning(reason) : function_meaning(function);
}
