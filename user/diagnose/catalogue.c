// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The catalogue of verdicts: const data.  An id, once shipped, keeps its
 * meaning; `step` is that of the load balancer's troubleshooting procedure,
 * `code` the reason that the load balancer itself shows for the member.
 */
#include "verdict.h"

#include <stddef.h>
#include <string.h>

static const struct verdict_info catalogue[VERDICT_COUNT] = {
	[VERDICT_HEALTHY] = {
		"healthy", NULL, "", "answered in time",
		"The probe got the answer that its kind of check asks for, before the timeout.",
		"TCP: the SYN-ACK left and the load balancer ended the connection itself. HTTP: "
		"a status among the expected codes left in time. UDP and ICMP: a reply left, or "
		"for UDP no refusal did.",
		"Nothing to do. When the console still shows the target as unhealthy, compare "
		"port, path and expected codes there with the probes shown here.",
	},
	[VERDICT_NO_PROBE] = {
		"no-probe", NULL, "1, 2", "no probe arrived",
		"Nothing came from the load balancer for as long as it takes to declare a "
		"target unhealthy.",
		"No packet from the probes' source addresses reached the first point that "
		"hctrace watches.",
		"Check that the health check is enabled and its port right, and that the "
		"security group and the network ACL of the subnet let the load balancer's "
		"addresses in. On the host, look for an XDP program (ip link) and growing rx "
		"drop counters (ip -s link).",
	},
	[VERDICT_XDP_DROP] = {
		"xdp-drop", "CONNECT_TIMEOUT", "4", "XDP program dropped it",
		"An XDP program on the network interface dropped the request before the network "
		"stack saw it.",
		"The packet was seen ahead of the XDP program and not behind it, or the kernel "
		"gave XDP as the reason of the drop.",
		"Find the program with 'ip link' or 'bpftool net', and make it pass the load "
		"balancer's addresses.",
	},
	[VERDICT_TC_DROP] = {
		"tc-drop", "CONNECT_TIMEOUT", "4", "tc filter dropped it",
		"A traffic control filter on the interface dropped the request.",
		"The kernel gave the ingress or egress filter as the reason of the drop.",
		"List the filters with 'tc filter show dev DEV ingress' and let the load "
		"balancer's addresses pass.",
	},
	[VERDICT_FIREWALL_DROP] = {
		"firewall-drop", "CONNECT_TIMEOUT", "4", "firewall dropped it",
		"A firewall rule of this host, or a chain's policy, dropped the request without "
		"an answer, so the load balancer waited until its timeout.",
		"The kernel reported the drop inside netfilter, and its call stack the hook. The "
		"rule is named by nftables' own report, by the counters of the rules that can "
		"have dropped it, or else by reading them; how surely is said beside it.",
		"Accept the load balancer's source addresses for the port ahead of the rule "
		"that drops them, and save the rules so that they outlast a reboot.",
	},
	[VERDICT_FIREWALL_REJECT] = {
		"firewall-reject", "CONNECT_REFUSED", "4", "firewall refused it",
		"A firewall rule of this host answered the request with a reset or an ICMP "
		"error in the application's place.",
		"The reset or ICMP error was sent from a REJECT rule, not by the socket layer.",
		"Accept the load balancer's source addresses for the port ahead of the rule "
		"that rejects them.",
	},
	[VERDICT_CONNTRACK_FULL] = {
		"conntrack-full", "CONNECT_TIMEOUT", "4, 6", "connection tracking table full",
		"The table of tracked connections is full, so the kernel drops what would be "
		"new in it.",
		"The drop came from connection tracking while nf_conntrack_count had reached "
		"nf_conntrack_max.",
		"Raise net.netfilter.nf_conntrack_max, shorten its timeouts, or exempt the "
		"probes with a NOTRACK rule; then find out what fills the table.",
	},
	[VERDICT_CONNTRACK_INVALID] = {
		"conntrack-invalid", "CONNECT_TIMEOUT", "4", "dropped as invalid state",
		"A rule on connection state 'invalid' dropped the packet: connection tracking "
		"could not place it.",
		"The rule that dropped it matches ct state invalid (iptables: --ctstate "
		"INVALID).",
		"Look for asymmetric paths, where only one direction crosses this host, and for "
		"wrong checksums; accept the load balancer's addresses ahead of the rule.",
	},
	[VERDICT_RP_FILTER] = {
		"rp-filter", "CONNECT_TIMEOUT", "5", "reverse-path filter dropped it",
		"The kernel dropped the request because it would route the answer through "
		"another interface, or has no route to the load balancer at all (strict "
		"reverse-path filter).",
		"The kernel gave the reverse-path filter as the reason of the drop.",
		"Add a route, or a routing rule with its own table, so that answers leave by "
		"the interface of the request; or set net.ipv4.conf.DEV.rp_filter to 2 (the "
		"highest of 'all' and DEV counts).",
	},
	[VERDICT_MARTIAN_SOURCE] = {
		"martian-source", "CONNECT_TIMEOUT", "5", "source address is this host's own",
		"The probe's source is an address that this host believes to be its own, or one "
		"that cannot come from a network, so the kernel dropped it.",
		"The kernel gave a local or invalid source address as the reason of the drop.",
		"Remove the address from this host: look for it with 'ip addr' on dummy, ipvs "
		"and loopback devices.",
	},
	[VERDICT_NOT_LOCAL] = {
		"not-local", "CONNECT_TIMEOUT", "3", "address is not this host's",
		"The probe is for an address that neither this host nor one of its containers "
		"has.",
		"The route look-up found no local address, and the packet was not forwarded.",
		"Correct the member's address at the load balancer, or add the address to this "
		"host.",
	},
	[VERDICT_FORWARD_DROP] = {
		"forward-drop", "CONNECT_TIMEOUT", "4, 5", "not forwarded to its container",
		"The request was to be forwarded (to a container or by DNAT) and was dropped on "
		"the way.",
		"The drop happened while forwarding: forwarding is off, a FORWARD rule matched, "
		"or there is no route to the container.",
		"Set net.ipv4.ip_forward to 1, accept the load balancer's addresses in FORWARD "
		"(Docker: chain DOCKER-USER), and check the route to the container.",
	},
	[VERDICT_POLICY_DROP] = {
		"policy-drop", "CONNECT_TIMEOUT", "4", "security policy dropped it",
		"A policy outside the firewall dropped the request: a cgroup BPF program, a "
		"socket filter, a security module or an IPsec policy.",
		"The kernel gave that policy as the reason of the drop.",
		"Look at 'bpftool cgroup tree', 'ip xfrm policy', and the audit log of SELinux "
		"or AppArmor.",
	},
	[VERDICT_KERNEL_DROP] = {
		"kernel-drop", "CONNECT_TIMEOUT", "", "kernel dropped it",
		"The kernel dropped the request for a reason that has no verdict of its own.",
		"The reason and the place of the drop as the kernel reported them.",
		"The reason usually says what to look at: checksum, packet length, memory, IP "
		"options.",
	},
	[VERDICT_NO_LISTENER] = {
		"no-listener", "CONNECT_REFUSED", "3", "nobody listens on the port",
		"No process listens on the address and port of the check, so the kernel refused "
		"the connection.",
		"The kernel's TCP stack sent a reset, and no listening socket matched.",
		"Start the service, let it listen on this address and port (not on 127.0.0.1 or "
		"IPv6 only), or correct the port of the check.",
	},
	[VERDICT_ACCEPT_QUEUE_FULL] = {
		"accept-queue-full", "CONNECT_TIMEOUT", "6", "accept queue full",
		"The process does not take its connections fast enough: its queue is full, and "
		"the kernel drops new requests for it.",
		"The listener's backlog was above its limit when the SYN came, and no SYN-ACK "
		"left.",
		"Find out why the process does not accept (stuck, overloaded, out of file "
		"descriptors). A longer queue helps with bursts only: listen() backlog of the "
		"service and net.core.somaxconn.",
	},
	[VERDICT_SYN_QUEUE_FULL] = {
		"syn-queue-full", "CONNECT_TIMEOUT", "6", "SYN queue full",
		"Too many connections to this listener are half open, and SYN cookies are off "
		"or not enough.",
		"The listener's queue of half-open connections was full when the SYN came.",
		"Set net.ipv4.tcp_syncookies to 1, raise net.ipv4.tcp_max_syn_backlog, and look "
		"for a SYN flood.",
	},
	[VERDICT_STALE_CONNECTION] = {
		"stale-connection", "CONNECT_TIMEOUT", "", "an old connection swallowed it",
		"A connection with the same addresses and ports is still remembered, and the "
		"kernel took the SYN for a late packet of it.",
		"The SYN met a socket in TIME_WAIT or an old connection, or failed the "
		"timestamp check (PAWS).",
		"Keep net.ipv4.tcp_tw_recycle off (old kernels), avoid NAT that mixes several "
		"hosts' timestamps, and let the service close its connections.",
	},
	[VERDICT_NO_ROUTE_BACK] = {
		"no-route-back", "CONNECT_TIMEOUT", "5", "no route back",
		"The request arrived, but this host has no route to the load balancer for the "
		"answer.",
		"The kernel looked up the route of the answer and found none, or one that "
		"forbids it (blackhole, unreachable, prohibit).",
		"Add the route, for example 'ip route add 100.125.0.0/16 via GATEWAY dev DEV', "
		"or a default route; make it permanent in the network configuration.",
	},
	[VERDICT_GATEWAY_UNREACHABLE] = {
		"gateway-unreachable", "CONNECT_TIMEOUT", "5", "gateway does not answer",
		"The answer's next hop does not answer ARP or neighbour discovery, so the "
		"answer cannot leave.",
		"Neighbour resolution for the gateway of the route failed.",
		"Check gateway and netmask of the route with 'ip route get', and 'ip neigh' for "
		"the gateway's state.",
	},
	[VERDICT_WRONG_INTERFACE] = {
		"wrong-interface", "CONNECT_TIMEOUT", "5", "answer left by another interface",
		"The answer left by another interface than the request came in by, and the load "
		"balancer did not confirm it: the network drops such answers.",
		"The answer was seen leaving by the other interface, was sent again, and "
		"nothing acknowledged it.",
		"Add policy routing: 'ip rule add from ADDRESS table N' with a default route of "
		"that interface in table N.",
	},
	[VERDICT_REPLY_DROPPED] = {
		"reply-dropped", "CONNECT_TIMEOUT", "2, 4", "the answer was dropped",
		"The host answered, but dropped the answer on its way out: a firewall rule, a "
		"tc filter or a queue.",
		"The drop of the answer, with its place, as the kernel reported it.",
		"Accept packets to the load balancer's addresses in OUTPUT and POSTROUTING; for "
		"a queue, look at 'tc -s qdisc show dev DEV'.",
	},
	[VERDICT_REPLY_REWRITTEN] = {
		"reply-rewritten", "CONNECT_TIMEOUT", "4, 5", "the answer's source was rewritten",
		"The answer left with another source address or port than the probe was sent "
		"to, so the load balancer does not recognise it.",
		"The answer was seen leaving with a changed source (SNAT or MASQUERADE).",
		"Exempt the load balancer's addresses from the SNAT or MASQUERADE rule in "
		"POSTROUTING.",
	},
	[VERDICT_REPLY_LOST] = {
		"reply-lost", "CONNECT_TIMEOUT", "1, 2", "the answer was lost outside",
		"The host did all it had to: the answer left by the right interface. It was "
		"never confirmed, so it was lost behind this host.",
		"The answer was seen leaving, was sent again, and nothing acknowledged it.",
		"Check the outbound rules of the security group and of the subnet's network "
		"ACL, and the routes of the network.",
	},
	[VERDICT_UDP_NO_LISTENER] = {
		"udp-no-listener", "CONNECT_REFUSED", "3, 8", "nobody listens on the UDP port",
		"No process has the UDP port open, so the host told the load balancer that it "
		"is unreachable.",
		"ICMP port unreachable was sent for the probe.",
		"Start the service or correct the port of the check.",
	},
	[VERDICT_UNREACHABLE_SUPPRESSED] = {
		"unreachable-suppressed", NULL, "8", "dead, but looks healthy",
		"No process has the UDP port open, but the host did not say so: the load "
		"balancer takes the silence for health and keeps sending traffic.",
		"The datagram met no socket, and no ICMP port unreachable left: rate-limited or "
		"filtered.",
		"Start the service. Let the message out: set net.ipv4.icmp_ratemask to 6160 "
		"(6168 also limits the rate of these), and accept ICMP to the load balancer in "
		"OUTPUT.",
	},
	[VERDICT_ICMP_IGNORED] = {
		"icmp-ignored", "CONNECT_TIMEOUT", "1, 8", "ping was not answered",
		"The echo request arrived and the host did not answer it. UDP checks ping the "
		"target first.",
		"No reply left, and nothing dropped the request: echo is switched off or "
		"rate-limited.",
		"Set net.ipv4.icmp_echo_ignore_all to 0.",
	},
	[VERDICT_SOCKET_BUFFER_FULL] = {
		"socket-buffer-full", "RECV_RESPONSE_TIMEOUT", "6", "socket buffer full",
		"The process does not read its data fast enough: the receive buffer is full and "
		"the kernel drops what comes.",
		"The kernel gave the socket's receive buffer or backlog as the reason of the "
		"drop.",
		"Find out why the process does not read; for bursts raise net.core.rmem_max and "
		"the service's receive buffer.",
	},
	[VERDICT_APP_NOT_ACCEPTING] = {
		"app-not-accepting", "RECV_RESPONSE_TIMEOUT", "6", "process does not accept",
		"The kernel completed the connection, but the process never took it from its "
		"queue before the load balancer gave up.",
		"The connection was established, and no process had accepted it when the load "
		"balancer ended it.",
		"The process is stuck or out of workers or file descriptors: look at its log, "
		"threads and limits, and restart it.",
	},
	[VERDICT_APP_SLOW] = {
		"app-slow", "RECV_RESPONSE_TIMEOUT", "6", "process answered too late",
		"The process took the connection, but did not answer before the load balancer "
		"gave up.",
		"The times of connection, acceptance, reading and first byte, against the "
		"timeout of the check.",
		"Make the checked page cheap (no database, no other service), find what the "
		"process waits for, or raise the timeout of the check.",
	},
	[VERDICT_APP_CLOSED] = {
		"app-closed", "CONNECT_INTERRUPT", "3", "process closed the connection",
		"The process took the connection and closed it without an answer.",
		"The process closed or reset the connection before it had sent a byte.",
		"Look at the log of the process: address allow-lists, a TLS or PROXY protocol "
		"port that expects another greeting, a crash.",
	},
	[VERDICT_TCP_WRAPPERS] = {
		"tcp-wrappers", "CONNECT_INTERRUPT", "7", "hosts.deny refused it",
		"The process asked libwrap (hosts.allow, hosts.deny) about the load balancer's "
		"address and was told to refuse it. Some services pause before closing: then "
		"the code is RECV_RESPONSE_TIMEOUT.",
		"libwrap's decision, seen in the process that asked, and the line of the file "
		"that matched.",
		"Add a line to /etc/hosts.allow, such as 'sshd: 100.125.'. It holds for the "
		"next connection.",
	},
	[VERDICT_HTTP_STATUS] = {
		"http-status", "RESPONSE_MISMATCH", "3", "unexpected HTTP status",
		"The service answered in time, but with a status that the check does not "
		"expect.",
		"The status line of the response, against the expected codes.",
		"Let the path of the check answer with an expected code (mind redirects, "
		"authentication and the Host header), or change path or expected codes at the "
		"load balancer.",
	},
	[VERDICT_NOT_HTTP] = {
		"not-http", "RESPONSE_FORMAT_ERROR", "3", "answer is not HTTP",
		"The service answered an HTTP check with something that is not HTTP.",
		"The first bytes of the answer, and what they look like (TLS, an SSH greeting, "
		"...).",
		"Correct the port of the check, or its protocol: HTTPS for a TLS port, TCP for "
		"other services.",
	},
	[VERDICT_TLS_ALERT] = {
		"tls-alert", "SSL_HANDSHAKE_ERROR", "3", "TLS handshake failed",
		"Check and service could not agree on TLS, or one of them does not speak it.",
		"A TLS alert seen in clear, or an exchange in which only one side spoke TLS.",
		"Use HTTPS for TLS ports and HTTP for plain ones; else compare TLS versions, "
		"ciphers and the need of a server name (SNI) or client certificate.",
	},
	[VERDICT_PROBE_ABORTED] = {
		"probe-aborted", NULL, "", "load balancer gave up early",
		"The load balancer ended the probe before any deadline and before an answer: it "
		"was restarted or reconfigured, or this was no health check.",
		"Its reset or FIN came well before the timeout.",
		"Nothing to do when it stays rare.",
	},
	[VERDICT_UNKNOWN] = {
		"unknown", NULL, "9", "no cause proven",
		"What was seen of the probe proves no cause: events were lost, or a point that "
		"would show it could not be attached.",
		"What was seen last, and what could not be seen.",
		"See the missing points listed at the start. Probes repeat: the next one may be "
		"explained. For support, save the run with --save.",
	},
};

const struct verdict_info *verdict_info(enum verdict_id id)
{
	return &catalogue[(unsigned)id < VERDICT_COUNT ? id : VERDICT_UNKNOWN];
}

int verdict_by_name(const char *name)
{
	for (int i = 0; i < VERDICT_COUNT; i++)
		if (strcmp(catalogue[i].id, name) == 0)
			return i;
	return -1;
}

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_PASS] = "pass", [OUTCOME_FAIL] = "fail", [OUTCOME_UNKNOWN] = "unknown",
	};

	return names[(unsigned)outcome <= OUTCOME_UNKNOWN ? outcome : OUTCOME_UNKNOWN];
}

const char *confidence_name(enum confidence confidence)
{
	static const char *const names[] = {
		[CONFIDENCE_CERTAIN] = "certain", [CONFIDENCE_LIKELY] = "likely",
		[CONFIDENCE_GUESS] = "guess",
	};

	return names[(unsigned)confidence <= CONFIDENCE_GUESS ? confidence : CONFIDENCE_GUESS];
}
