/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdicts, in the catalogue's order: X(ID, name) makes VERDICT_ID and
 * declares verdict_name, which a file under verdict/ defines.  Its id is the
 * name with dashes; scripts/make-doc takes the ids for schema, completion and
 * man page from here.
 */
#ifndef HCT_VERDICT_LIST_H
#define HCT_VERDICT_LIST_H

#define VERDICTS(X) \
	X(HEALTHY, healthy) \
	X(NO_PROBE, no_probe) \
	X(XDP_DROP, xdp_drop) \
	X(TC_DROP, tc_drop) \
	X(FIREWALL_DROP, firewall_drop) \
	X(FIREWALL_REJECT, firewall_reject) \
	X(CONNTRACK_FULL, conntrack_full) \
	X(CONNTRACK_INVALID, conntrack_invalid) \
	X(RP_FILTER, rp_filter) \
	X(MARTIAN_SOURCE, martian_source) \
	X(NOT_LOCAL, not_local) \
	X(FORWARD_DROP, forward_drop) \
	X(POLICY_DROP, policy_drop) \
	X(KERNEL_DROP, kernel_drop) \
	X(FRAGMENT_LOST, fragment_lost) \
	X(NO_LISTENER, no_listener) \
	X(ACCEPT_QUEUE_FULL, accept_queue_full) \
	X(SYN_QUEUE_FULL, syn_queue_full) \
	X(STALE_CONNECTION, stale_connection) \
	X(NO_ROUTE_BACK, no_route_back) \
	X(GATEWAY_UNREACHABLE, gateway_unreachable) \
	X(WRONG_INTERFACE, wrong_interface) \
	X(REPLY_DROPPED, reply_dropped) \
	X(REPLY_REWRITTEN, reply_rewritten) \
	X(REPLY_LOST, reply_lost) \
	X(UDP_NO_LISTENER, udp_no_listener) \
	X(UNREACHABLE_SUPPRESSED, unreachable_suppressed) \
	X(ICMP_IGNORED, icmp_ignored) \
	X(SOCKET_BUFFER_FULL, socket_buffer_full) \
	X(APP_NOT_ACCEPTING, app_not_accepting) \
	X(APP_SLOW, app_slow) \
	X(APP_CLOSED, app_closed) \
	X(TCP_WRAPPERS, tcp_wrappers) \
	X(HTTP_STATUS, http_status) \
	X(NOT_HTTP, not_http) \
	X(TLS_ALERT, tls_alert) \
	X(PROTOCOL_MISMATCH, protocol_mismatch) \
	X(GRPC_STATUS, grpc_status) \
	X(SERVICE_ERROR, service_error) \
	X(PROBE_ABORTED, probe_aborted) \
	X(UNKNOWN, unknown)

#endif
