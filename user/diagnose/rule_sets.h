/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the table in rules.c refers to: when a verdict holds (match_), and what it says (tell_). */
#ifndef HCT_RULE_SETS_H
#define HCT_RULE_SETS_H

#include "rules.h"

/* rules_healthy.c */
enum match match_healthy(const struct facts *f);
enum match match_healthy_handshake(const struct facts *f);
enum match match_udp_silence(const struct facts *f);

/* rules_drop.c: a drop, or a refusal by the firewall, explains it */
enum match match_xdp_drop(const struct facts *f);
enum match match_xdp_elsewhere(const struct facts *f);
enum match match_tc_drop(const struct facts *f);
enum match match_firewall_reject(const struct facts *f);
enum match match_conntrack_full(const struct facts *f);
enum match match_conntrack_invalid(const struct facts *f);
enum match match_firewall_drop(const struct facts *f);
enum match match_rp_filter(const struct facts *f);
enum match match_martian_source(const struct facts *f);
enum match match_not_local(const struct facts *f);
enum match match_policy_drop(const struct facts *f);
enum match match_stale_connection(const struct facts *f);
enum match match_socket_buffer_full(const struct facts *f);
enum match match_gateway_unreachable(const struct facts *f);
enum match match_reply_dropped(const struct facts *f);
enum match match_kernel_drop(const struct facts *f);

/* rules_forward.c: on its way through this host, there or back */
enum match match_forward_drop(const struct facts *f);
enum match match_reply_rewritten(const struct facts *f);
enum match match_no_route_back_forwarded(const struct facts *f);

/* rules_connect.c: no connection came about */
enum match match_accept_queue_full(const struct facts *f);
enum match match_accept_queue_overflow(const struct facts *f);
enum match match_syn_queue_full(const struct facts *f);
enum match match_no_listener(const struct facts *f);
enum match match_no_route_back(const struct facts *f);
enum match match_wrong_interface(const struct facts *f);
enum match match_reply_lost(const struct facts *f);

/* rules_request.c: connected, and then */
enum match match_tcp_wrappers(const struct facts *f);
enum match match_tls_alert(const struct facts *f);
enum match match_not_http(const struct facts *f);
enum match match_http_status(const struct facts *f);
enum match match_app_closed(const struct facts *f);
enum match match_probe_aborted(const struct facts *f);
enum match match_app_not_accepting(const struct facts *f);
enum match match_app_slow(const struct facts *f);

/* rules_datagram.c: UDP and ICMP */
enum match match_udp_no_listener(const struct facts *f);
enum match match_unreachable_suppressed(const struct facts *f);
enum match match_icmp_ignored(const struct facts *f);

/* advice_firewall.c */
void tell_firewall_drop(const struct facts *f, struct diagnosis *d);
void tell_firewall_reject(const struct facts *f, struct diagnosis *d);
void tell_conntrack_invalid(const struct facts *f, struct diagnosis *d);
void tell_conntrack_full(const struct facts *f, struct diagnosis *d);
void tell_reply_dropped(const struct facts *f, struct diagnosis *d);

/* advice_drop.c */
void tell_xdp_drop(const struct facts *f, struct diagnosis *d);
void tell_xdp_elsewhere(const struct facts *f, struct diagnosis *d);
void tell_tc_drop(const struct facts *f, struct diagnosis *d);
void tell_policy_drop(const struct facts *f, struct diagnosis *d);
void tell_stale_connection(const struct facts *f, struct diagnosis *d);
void tell_socket_buffer_full(const struct facts *f, struct diagnosis *d);
void tell_kernel_drop(const struct facts *f, struct diagnosis *d);

/* advice_route.c */
void tell_rp_filter(const struct facts *f, struct diagnosis *d);
void tell_martian_source(const struct facts *f, struct diagnosis *d);
void tell_not_local(const struct facts *f, struct diagnosis *d);
void tell_gateway_unreachable(const struct facts *f, struct diagnosis *d);
void tell_no_route_back(const struct facts *f, struct diagnosis *d);
void tell_wrong_interface(const struct facts *f, struct diagnosis *d);
void tell_reply_lost(const struct facts *f, struct diagnosis *d);

/* advice_forward.c */
void tell_forward_drop(const struct facts *f, struct diagnosis *d);
void tell_reply_rewritten(const struct facts *f, struct diagnosis *d);
/* Tells of a request that NAT sent to 127.0.0.0/8, where the kernel drops it.  False: it is none. */
bool tell_localnet(const struct facts *f, struct diagnosis *d);

/* advice_socket.c */
void tell_no_listener(const struct facts *f, struct diagnosis *d);
void tell_accept_queue_full(const struct facts *f, struct diagnosis *d);
void tell_syn_queue_full(const struct facts *f, struct diagnosis *d);
void tell_udp_no_listener(const struct facts *f, struct diagnosis *d);
void tell_unreachable_suppressed(const struct facts *f, struct diagnosis *d);
void tell_icmp_ignored(const struct facts *f, struct diagnosis *d);

/* advice_app.c */
void tell_tcp_wrappers(const struct facts *f, struct diagnosis *d);
void tell_tls_alert(const struct facts *f, struct diagnosis *d);
void tell_not_http(const struct facts *f, struct diagnosis *d);
void tell_http_status(const struct facts *f, struct diagnosis *d);
void tell_app_closed(const struct facts *f, struct diagnosis *d);
void tell_app_not_accepting(const struct facts *f, struct diagnosis *d);
void tell_app_slow(const struct facts *f, struct diagnosis *d);

/* advice.c */
void tell_healthy(const struct facts *f, struct diagnosis *d);
void tell_probe_aborted(const struct facts *f, struct diagnosis *d);

#endif
