// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of BPF programs, and whether a kernel has what they need. */
#include "program_table.h"

#include <bpf/btf.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel_btf.h"
#include "point_list.h"

#define TOO_OLD "SKB_DROP_REASON_TCP_RFC7323_TW_PAWS"

/* What differs between kernels is said with the version, and the commit, that made it so. */
const struct program_row program_rows[] = {
	/* as tcx: 6.6, e420bed02507; else as a filter of clsact (attach_tc.c tries) */
	{ "hct_tc_ingress", HCT_POINT_TC_INGRESS, BY_TC },
	{ "hct_tc_ingress_l3", HCT_POINT_TC_INGRESS, BY_TC_L3 },
	{ "hct_tc_egress", HCT_POINT_TC_EGRESS, BY_TC },
	{ "hct_tc_egress_l3", HCT_POINT_TC_EGRESS, BY_TC_L3 },
	{ "hct_receive", HCT_POINT_RECEIVE, BY_TRACEPOINT, "netif_receive_skb", 1, 9 },
	{ "hct_transmit", HCT_POINT_TRANSMIT, BY_TRACEPOINT, "net_dev_start_xmit", 2, 9 },
	{ "hct_xdp_arrival", HCT_POINT_XDP, BY_XDP },
	/*
	 * The reason: 5.17, c504e5c2f964, and in some stable kernels before; rx_sk behind it: 6.11,
	 * c53795d48ee8.
	 */
	{ "hct_drop", HCT_POINT_DROP, BY_TRACEPOINT, "kfree_skb", 3, 9 },
	{ "hct_drop_no_reason", HCT_POINT_DROP, BY_TRACEPOINT, "kfree_skb", 2, 2 },
	{ "hct_route", HCT_POINT_ROUTE, BY_TRACEPOINT, "fib_table_lookup", 4, 9 },
	/* res, table and flow in this order: 5.2 */
	{ "hct_route6", HCT_POINT_ROUTE, BY_TRACEPOINT, "fib6_table_lookup", 4, 9 },
	{ "hct_socket_state", HCT_POINT_SOCKET_STATE, BY_TRACEPOINT, "inet_sock_set_state", 3, 9 },
	{ "hct_upstream", HCT_POINT_UPSTREAM, BY_TRACEPOINT, "inet_sock_set_state", 3, 9 },
	/*
	 * A reason behind socket and packet: 6.10, 19822a980e19; then live connections' resets come,
	 * too, without packet.
	 */
	{ "hct_reset_sent", HCT_POINT_RESET_SENT, BY_TRACEPOINT, "tcp_send_reset", 2, 9 },
	{ "hct_reset_received", HCT_POINT_RESET_RECEIVED, BY_TRACEPOINT, "tcp_receive_reset", 1, 9 },
	{ "hct_retransmit_synack", HCT_POINT_RETRANSMIT_SYNACK, BY_TRACEPOINT, "tcp_retransmit_synack", 2, 9 },
	{ "hct_retransmit", HCT_POINT_RETRANSMIT, BY_TRACEPOINT, "tcp_retransmit_skb", 2, 9 },
	/* 6.11, db3efdcf70c7; before, an ICMP error is seen when it leaves, and its drop tells the rest */
	{ "hct_icmp_sent", HCT_POINT_ICMP_SENT, BY_TRACEPOINT, "icmp_send", 3, 9 },
	{ "hct_app_read", HCT_POINT_APP_READ, BY_TRACEPOINT, "tcp_rcv_space_adjust", 1, 9 },
	/*
	 * Modules have BTF since 5.11, 36e68442d1af.  Of nftables' trace packet, verdict and rule are
	 * arguments since 6.4, and parts of its state before; iptables' table comes first since 5.16.
	 */
	{ "hct_nft_rule", HCT_POINT_NFT_TRACE, BY_RULE_FUNCTION, "__nft_trace_packet", 5, 5, "nf_tables" },
	{ "hct_nft_rule_v3", HCT_POINT_NFT_TRACE, BY_RULE_FUNCTION, "__nft_trace_packet", 3, 3, "nf_tables" },
	{ "hct_ipt_table", HCT_POINT_NETFILTER, BY_TABLE_FUNCTION, "ipt_do_table", 3, 3, "ip_tables" },
	{ "hct_ip6t_table", HCT_POINT_NETFILTER, BY_TABLE_FUNCTION, "ip6t_do_table", 3, 3, "ip6_tables" },
	/* BPF netfilter links: 6.4, fd9c663b9ad6 */
	{ "hct_rung_first", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_raw", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_mangle", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_dstnat", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_filter", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_security", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	{ "hct_rung_srcnat", HCT_POINT_NETFILTER, BY_LADDER, "bpf_nf_ctx" },
	/* one argument in place of three: 6.10, 92ef0fd55ac8 */
	{ "hct_accepted", HCT_POINT_ACCEPTED, BY_FUNCTION, "inet_csk_accept", 2, 2 },
	{ "hct_accepted_v5", HCT_POINT_ACCEPTED, BY_FUNCTION, "inet_csk_accept", 4, 4 },
	/* what newer kernels (5.17, see hct_drop) give as a drop's reason */
	{ "hct_route_refused", HCT_POINT_DROP, BY_REASON_FUNCTION, "ip_route_input_noref", 5, 5 },
	{ "hct_filter_refused", HCT_POINT_DROP, BY_REASON_FUNCTION, "sk_filter_trim_cap", 3, 3 },
	{ "hct_buffer_refused", HCT_POINT_DROP, BY_REASON_FUNCTION, "__udp_enqueue_schedule_skb", 2, 2 },
	{ "hct_syn_refused", HCT_POINT_DROP, BY_REASON_FUNCTION, "tcp_validate_incoming", 4, 4 },
	/* a reason that came later than most; the function has had one argument more since */
	{ "hct_syn_too_old", HCT_POINT_DROP, BY_REASON_FUNCTION, "tcp_timewait_state_process", 4, 4,
	  .reason = TOO_OLD },
	{ "hct_syn_too_old_v3", HCT_POINT_DROP, BY_REASON_FUNCTION, "tcp_timewait_state_process", 3, 3,
	  .reason = TOO_OLD },
	/* fexit on BPF programs: 5.5, 5b92a28aae4d */
	{ "hct_xdp_verdict", HCT_POINT_XDP_VERDICT, BY_XDP_PROGRAM, "xdp_buff" },
	{ "hct_libwrap_enter", HCT_POINT_LIBWRAP, BY_LIBWRAP },
	{ "hct_libwrap_leave", HCT_POINT_LIBWRAP, BY_LIBWRAP },
};

const size_t n_program_rows = sizeof(program_rows) / sizeof(program_rows[0]);
_Static_assert(sizeof(program_rows) / sizeof(program_rows[0]) <= MAX_PROGRAM_ROWS,
	       "more programs than there is room for");

static int args_of(const struct btf *btf, const struct btf_type *function)
{
	const struct btf_type *type = function ? btf__type_by_id(btf, function->type) : NULL;

	return type && btf_is_func_proto(type) ? btf_vlen(type) : -1;
}

/* Arguments of a function by BTF; -1: there is no such function, or it was inlined. */
static int function_args(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);

	return id < 0 ? -1 : args_of(btf, btf__type_by_id(btf, (unsigned)id));
}

/* Arguments of a tracepoint by BTF, without the leading context; -1: there is no such tracepoint. */
static int tracepoint_args(const struct btf *btf, const char *name)
{
	char type_name[80];
	int id, n;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return -1;
	/* a pointer to the function */
	n = args_of(btf, btf__type_by_id(btf, btf__type_by_id(btf, (unsigned)id)->type));
	return n < 0 ? n : n - 1;
}

/* Does this kernel tell drops for REASON, or, NULL, drops' reasons at all? */
static bool gives_reason(const struct btf *btf, const char *reason)
{
	int id = btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (unsigned)id);

	if (!reason)
		return tracepoint_args(btf, "kfree_skb") > 2;
	for (unsigned i = 0; type && i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), reason) == 0)
			return true;
	return false;
}

static const char *type_lacks(const struct btf *btf, const struct program_row *row)
{
	if (btf__find_by_name_kind(btf, row->needs, BTF_KIND_STRUCT) >= 0)
		return NULL;
	return row->how == BY_LADDER ? "this kernel has no netfilter links (they came with 6.4)" :
	       point_detail("this kernel has no struct %s", row->needs);
}

bool program_is_function(enum how how)
{
	return how == BY_FUNCTION || how == BY_REASON_FUNCTION || how == BY_XDP_PROGRAM ||
	       how == BY_RULE_FUNCTION || how == BY_TABLE_FUNCTION;
}

/* Does any module tell its types? */
static bool modules_have_btf(void)
{
	DIR *dir = opendir("/sys/kernel/btf");
	const struct dirent *entry;
	bool any = false;

	while (dir && !any && (entry = readdir(dir)))
		any = entry->d_name[0] != '.' && strcmp(entry->d_name, "vmlinux") != 0;
	if (dir)
		closedir(dir);
	return any;
}

static bool args_fit(const struct program_row *row, int args)
{
	return args >= row->min_args && args <= row->max_args;
}

bool program_module_is_there(const struct program_row *row)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", row->module);
	return access(path, F_OK) == 0;
}

bool program_fits_now(struct btf *kernel, const struct program_row *row)
{
	struct btf *module;
	int args = function_args(kernel, row->needs);

	if (args >= 0)
		return args_fit(row, args);
	module = btf__load_module_btf(row->module, kernel);
	args = module ? function_args(module, row->needs) : -1;
	btf__free(module);
	return args_fit(row, args);
}

const char *program_lacks(const struct btf *btf, const struct program_row *row)
{
	bool tracepoint = row->how == BY_TRACEPOINT;
	const char *what = tracepoint ? "tracepoint" : "function";
	int args;

	if (!row->needs)
		return NULL;
	if (!tracepoint && !kernel_btf_is_own())
		return row->how == BY_LADDER ? "netfilter links need BTF of the kernel's own" :
		       "functions need BTF of the kernel's own";
	if (row->how == BY_REASON_FUNCTION && gives_reason(btf, row->reason))
		return "not needed: this kernel gives the reasons of drops";
	if (!row->max_args)
		return type_lacks(btf, row);
	if (row->module && modules_have_btf())
		return NULL; /* looked at when it is needed: program_fits_now() */
	args = tracepoint ? tracepoint_args(btf, row->needs) : function_args(btf, row->needs);
	if (args < 0)
		return point_detail("this kernel has no %s %s", what, row->needs);
	if (!args_fit(row, args))
		return point_detail("%s %s has other arguments here", what, row->needs);
	return NULL;
}
