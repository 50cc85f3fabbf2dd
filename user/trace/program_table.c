// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of BPF programs, and whether a kernel has what they need. */
#include "program_table.h"

#include <bpf/btf.h>
#include <stdio.h>

#include "kernel_btf.h"
#include "point_list.h"

/* What differs between kernels is said with the version, and the commit, that made it so. */
const struct program_row program_rows[N_PROGRAMS] = {
	{ "hct_tc_ingress", HCT_POINT_TC_INGRESS, BY_TC },
	{ "hct_tc_ingress_l3", HCT_POINT_TC_INGRESS, BY_TC_L3 },
	{ "hct_tc_egress", HCT_POINT_TC_EGRESS, BY_TC },
	{ "hct_tc_egress_l3", HCT_POINT_TC_EGRESS, BY_TC_L3 },
	{ "hct_receive", HCT_POINT_RECEIVE, BY_TRACEPOINT, "netif_receive_skb", 1, 9 },
	{ "hct_transmit", HCT_POINT_TRANSMIT, BY_TRACEPOINT, "net_dev_start_xmit", 2, 9 },
	{ "hct_xdp_arrival", HCT_POINT_XDP, BY_XDP },
	/* the reason: 5.17, c504e5c2f964; rx_sk behind it: 6.11, c53795d48ee8; some stable kernels have it earlier */
	{ "hct_drop", HCT_POINT_DROP, BY_TRACEPOINT, "kfree_skb", 3, 9 },
	{ "hct_drop_no_reason", HCT_POINT_DROP, BY_TRACEPOINT, "kfree_skb", 2, 2 },
	{ "hct_route", HCT_POINT_ROUTE, BY_TRACEPOINT, "fib_table_lookup", 4, 9 },
	/* res, table and flow in this order: 5.2 */
	{ "hct_route6", HCT_POINT_ROUTE, BY_TRACEPOINT, "fib6_table_lookup", 4, 9 },
	{ "hct_socket_state", HCT_POINT_SOCKET_STATE, BY_TRACEPOINT, "inet_sock_set_state", 3, 9 },
	/* a reason behind socket and packet: 6.10, 19822a980e19; then live connections' resets come, too, without packet */
	{ "hct_reset_sent", HCT_POINT_RESET_SENT, BY_TRACEPOINT, "tcp_send_reset", 2, 9 },
	{ "hct_reset_received", HCT_POINT_RESET_RECEIVED, BY_TRACEPOINT, "tcp_receive_reset", 1, 9 },
	{ "hct_retransmit_synack", HCT_POINT_RETRANSMIT_SYNACK, BY_TRACEPOINT, "tcp_retransmit_synack", 2, 9 },
	{ "hct_retransmit", HCT_POINT_RETRANSMIT, BY_TRACEPOINT, "tcp_retransmit_skb", 2, 9 },
	/* 6.11, db3efdcf70c7; before, an ICMP error is seen when it leaves, and its drop tells the rest */
	{ "hct_icmp_sent", HCT_POINT_ICMP_SENT, BY_TRACEPOINT, "icmp_send", 3, 9 },
	{ "hct_app_read", HCT_POINT_APP_READ, BY_TRACEPOINT, "tcp_rcv_space_adjust", 1, 9 },
	/* BPF netfilter links: 6.4, fd9c663b9ad6 */
	{ "hct_rung_first", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_raw", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_mangle", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_dstnat", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_filter", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_security", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_srcnat", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_libwrap_enter", HCT_POINT_LIBWRAP, BY_LIBWRAP },
	{ "hct_libwrap_leave", HCT_POINT_LIBWRAP, BY_LIBWRAP },
};

/* Arguments of a tracepoint by BTF, without the leading context; -1: there is no such tracepoint. */
static int tracepoint_args(const struct btf *btf, const char *name)
{
	char type_name[80];
	const struct btf_type *type;
	int id;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return -1;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (unsigned)id)->type); /* pointer */
	type = type ? btf__type_by_id(btf, type->type) : NULL; /* function */
	return type && btf_is_func_proto(type) ? btf_vlen(type) - 1 : -1;
}

const char *program_lacks(const struct btf *btf, const struct program_row *row)
{
	int args;

	if (!row->needs)
		return NULL;
	if (row->how == BY_LADDER)
		return !kernel_btf_is_own() ? "netfilter links need BTF of the kernel's own" :
		       btf__find_by_name_kind(btf, row->needs, BTF_KIND_STRUCT) >= 0 ?
		       NULL : "this kernel has no netfilter links (they came with 6.4)";
	args = tracepoint_args(btf, row->needs);
	if (args < 0)
		return point_detail("this kernel has no tracepoint %s", row->needs);
	if (args < row->min_args || args > row->max_args)
		return point_detail("tracepoint %s has other arguments here", row->needs);
	return NULL;
}
