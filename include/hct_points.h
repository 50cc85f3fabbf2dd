/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observation points, one row each: what the kernel side may report from.
 *
 * HCT_POINTS(X) calls X(ID, "name", "contract").  The name is what text, JSON
 * and recordings show and is stable once shipped.  The contract says in one
 * line when an event of this point is sent.
 */
#ifndef HCT_POINTS_H
#define HCT_POINTS_H

#define HCT_POINTS(X) \
	X(XDP, "xdp", "first packet of a flow, before the stack (only with --xdp)") \
	X(RECEIVE, "receive", "packet of a flow taken from a device (where tc is not attached)") \
	X(TC_INGRESS, "tc-ingress", "packet of a flow at a device's tc ingress, before netfilter") \
	X(TC_EGRESS, "tc-egress", "packet of a flow at a device's tc egress, after routing and netfilter") \
	X(TRANSMIT, "transmit", "packet of a flow handed to a device's driver (where tc is not attached)") \
	X(NETFILTER, "netfilter", "how far a packet of a flow came through netfilter; told by its drop") \
	X(NFT_TRACE, "nft-trace", "a rule or policy of nftables decided about a flow's packet (while a failure there is unexplained)") \
	X(TRANSLATION, "translation", "packet of a flow met with other addresses: DNAT of a request, SNAT of a reply") \
	X(ROUTE, "route", "route look-up for a flow's reply, with its result") \
	X(DROP, "drop", "packet of a flow freed by the kernel as dropped, with reason and stack") \
	X(SOCKET_STATE, "socket-state", "TCP state change of a flow's socket") \
	X(RESET_SENT, "reset-sent", "the kernel sends a TCP reset in a flow") \
	X(RESET_RECEIVED, "reset-received", "a flow's socket takes a TCP reset") \
	X(RETRANSMIT_SYNACK, "retransmit-synack", "a flow's SYN-ACK is sent again") \
	X(RETRANSMIT, "retransmit", "a segment of a flow's socket is sent again") \
	X(ICMP_SENT, "icmp-sent", "the kernel decides to answer a flow's packet with an ICMP error") \
	X(APP_READ, "app-read", "a process took a flow's bytes from its socket, first time") \
	X(LIBWRAP, "libwrap", "libwrap (hosts_access) decided about a flow's client, in the process that asked") \
	X(ACCEPTED, "accepted", "a process took a flow's connection with accept() (where functions can be watched)") \
	X(XDP_VERDICT, "xdp-verdict", "another's XDP program kept a flow's packet from the network stack") \
	X(UPSTREAM, "upstream", "a connection that a process of this host opened failed, while checks come in")

enum hct_point {
#define X(ID, name, contract) HCT_POINT_##ID,
	HCT_POINTS(X)
#undef X
	HCT_POINT_COUNT
};

#endif
