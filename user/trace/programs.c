// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The BPF programs: choosing and loading them. */
#include "programs.h"

#include <arpa/inet.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hctrace.skel.h"
#include "kernel_btf.h"

_Static_assert(MAX_PREFIXES == HCT_MAX_PREFIXES && MAX_PORTS == HCT_MAX_PORTS,
	       "options.h and the wire format allow the same number");

#define FLOW_MAX_EVENTS 48
#define RESTART_NS 900000000ULL /* below the shortest interval of a health check, 1 s */
#define PROG_TYPE_NETFILTER 32 /* 6.4; libbpf 1.1 does not know it */
#define ATTACH_TYPE_NETFILTER 45

const struct program_row program_rows[N_PROGRAMS] = {
	{ "hct_tc_ingress", HCT_POINT_TC_INGRESS, BY_TC },
	{ "hct_tc_ingress_l3", HCT_POINT_TC_INGRESS, BY_TC_L3 },
	{ "hct_tc_egress", HCT_POINT_TC_EGRESS, BY_TC },
	{ "hct_tc_egress_l3", HCT_POINT_TC_EGRESS, BY_TC_L3 },
	{ "hct_receive", HCT_POINT_RECEIVE, BY_TRACEPOINT, "netif_receive_skb", 1, 9 },
	{ "hct_transmit", HCT_POINT_TRANSMIT, BY_TRACEPOINT, "net_dev_start_xmit", 2, 9 },
	{ "hct_xdp_arrival", HCT_POINT_XDP, BY_XDP },
	{ "hct_drop", HCT_POINT_DROP, BY_TRACEPOINT, "kfree_skb", 3, 9 },
	{ "hct_drop_no_reason", HCT_POINT_DROP, BY_TRACEPOINT, "kfree_skb", 2, 2 },
	{ "hct_route", HCT_POINT_ROUTE, BY_TRACEPOINT, "fib_table_lookup", 4, 9 },
	{ "hct_route6", HCT_POINT_ROUTE, BY_TRACEPOINT, "fib6_table_lookup", 4, 9 },
	{ "hct_socket_state", HCT_POINT_SOCKET_STATE, BY_TRACEPOINT, "inet_sock_set_state", 3, 9 },
	{ "hct_reset_sent", HCT_POINT_RESET_SENT, BY_TRACEPOINT, "tcp_send_reset", 2, 9 },
	{ "hct_reset_received", HCT_POINT_RESET_RECEIVED, BY_TRACEPOINT, "tcp_receive_reset", 1, 9 },
	{ "hct_retransmit_synack", HCT_POINT_RETRANSMIT_SYNACK, BY_TRACEPOINT, "tcp_retransmit_synack", 2, 9 },
	{ "hct_retransmit", HCT_POINT_RETRANSMIT, BY_TRACEPOINT, "tcp_retransmit_skb", 2, 9 },
	{ "hct_icmp_sent", HCT_POINT_ICMP_SENT, BY_TRACEPOINT, "icmp_send", 3, 9 },
	{ "hct_app_read", HCT_POINT_APP_READ, BY_TRACEPOINT, "tcp_rcv_space_adjust", 1, 9 },
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

static bool is_tc(enum how how)
{
	return how == BY_TC || how == BY_TC_L3;
}

/* Where the object for HOW's programs is kept. */
static struct hctrace_bpf **object_of(struct programs *p, enum how how)
{
	return how == BY_TC_L3 ? &p->l3 : how == BY_LADDER ? &p->ladder : &p->object;
}

static bool is_late(enum how how)
{
	return how == BY_TC_L3 || how == BY_LADDER;
}

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

/* NULL when this kernel can take the row's program, else why not. */
static const char *kernel_lacks(const struct btf *btf, const struct program_row *row)
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

/* NULL when the settings ask for the row, else why it is left out. */
static const char *not_asked_for(const struct settings *s, const struct program_row *row)
{
	if (s->passive && (is_tc(row->how) || row->how == BY_XDP || row->how == BY_LADDER))
		return "left out by --passive";
	if (row->how == BY_XDP && !s->xdp)
		return "only with --xdp";
	if (!s->passive && (row->point == HCT_POINT_RECEIVE || row->point == HCT_POINT_TRANSMIT))
		return "not needed: tc sees arrival and departure";
	return NULL;
}

struct bpf_program *programs_get(const struct programs *p, size_t row)
{
	struct hctrace_bpf *object = *object_of((struct programs *)p, program_rows[row].how);

	return object ? bpf_object__find_program_by_name(object->obj, program_rows[row].program) :
			NULL;
}

void programs_choose(struct programs *p, const struct settings *settings, const struct btf *btf,
		     struct point_list *list)
{
	if (!kernel_btf_is_own()) {
		p->btf = settings->btf;
		/* libbpf 1.1 asks for the section's BTF whatever the program's type is set to */
		libbpf_register_prog_handler("tp_btf+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, NULL);
	}
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		const char *why = not_asked_for(settings, &program_rows[i]);

		if (!why)
			why = kernel_lacks(btf, &program_rows[i]);
		p->wanted[i] = !why;
		if (why)
			point_list_say(list, program_rows[i].point, false, why);
	}
}

static void fill_config(struct hct_config *config, const struct settings *s, uint32_t netns)
{
	memset(config, 0, sizeof(*config));
	config->netns = netns;
	config->protocols = s->protocols;
	config->max_events = FLOW_MAX_EVENTS;
	config->follow_users = s->all_traffic;
	config->restart_ns = RESTART_NS;
	config->by_probes = !kernel_btf_is_own();
	config->n_prefixes = (uint32_t)s->n_from;
	for (size_t i = 0; i < s->n_from; i++) {
		uint8_t *mask = (uint8_t *)config->prefixes[i].mask;

		memcpy(config->prefixes[i].addr, s->from[i].addr, 16);
		for (unsigned bit = 0; bit < s->from[i].len; bit++)
			mask[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	}
	config->n_ports = (uint32_t)s->n_ports;
	for (size_t i = 0; i < s->n_ports; i++)
		config->ports[i] = htons(s->ports[i]);
}

void programs_unload(struct programs *p)
{
	hctrace_bpf__destroy(p->ladder);
	hctrace_bpf__destroy(p->l3);
	hctrace_bpf__destroy(p->object);
	p->ladder = NULL;
	p->l3 = NULL;
	p->object = NULL;
}

void programs_replace_tc(struct programs *p)
{
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		if (is_tc(program_rows[i].how))
			p->wanted[i] = false;
		if (program_rows[i].point == HCT_POINT_RECEIVE ||
		    program_rows[i].point == HCT_POINT_TRANSMIT)
			p->wanted[i] = true;
	}
}

/* An object of the programs; without BTF of its own the kernel's types come from a file. */
static struct hctrace_bpf *open_object(const struct programs *p)
{
	struct bpf_object_open_opts opts = { .sz = sizeof(opts), .btf_custom_path = p->btf };

	return hctrace_bpf__open_opts(&opts);
}

/* Lets OBJECT load only the programs of WANTED. */
static void take_only(struct hctrace_bpf *object, const bool wanted[N_PROGRAMS])
{
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(object->obj, program_rows[i].program);

		bpf_program__set_autoload(program, wanted[i]);
		if (program_rows[i].how == BY_LADDER) {
			bpf_program__set_type(program, PROG_TYPE_NETFILTER);
			bpf_program__set_expected_attach_type(program, ATTACH_TYPE_NETFILTER);
		}
	}
}

static int try_load(struct programs *p, const bool wanted[N_PROGRAMS],
		    const struct hct_config *config, uint32_t buffer)
{
	int err = 0;

	p->object = open_object(p);
	if (!p->object)
		return -errno;
	memcpy((void *)&p->object->rodata->config, config, sizeof(*config));
	take_only(p->object, wanted);
	if (buffer)
		err = bpf_map__set_max_entries(p->object->maps.events, buffer);
	if (!err)
		err = bpf_object__load(p->object->obj);
	if (err)
		programs_unload(p);
	return err;
}

/* The maps of OBJECT, its read-only data included, are those of the first. */
static int share_maps(const struct programs *p, struct hctrace_bpf *object)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, object->obj) {
		struct bpf_map *first =
			bpf_object__find_map_by_name(p->object->obj, bpf_map__name(map));

		err = first ? bpf_map__reuse_fd(map, bpf_map__fd(first)) : -ENOENT;
		if (err)
			break;
	}
	return err;
}

bool programs_want(const struct programs *p, enum how how)
{
	for (size_t i = 0; i < N_PROGRAMS; i++)
		if (p->wanted[i] && program_rows[i].how == how)
			return true;
	return false;
}

int programs_load_late(struct programs *p, enum how how)
{
	struct hctrace_bpf **late = object_of(p, how);
	bool wanted[N_PROGRAMS];
	int err;

	if (*late)
		return 0;
	if (!programs_want(p, how))
		return -ENOTSUP;
	for (size_t i = 0; i < N_PROGRAMS; i++)
		wanted[i] = p->wanted[i] && program_rows[i].how == how;
	*late = open_object(p);
	if (!*late)
		return -errno;
	take_only(*late, wanted);
	err = share_maps(p, *late);
	if (!err)
		err = bpf_object__load((*late)->obj);
	if (err) {
		hctrace_bpf__destroy(*late);
		*late = NULL;
	}
	return err;
}

/*
 * Loads all but the late ones, or, when the kernel refuses, finds out one by one which programs
 * it takes and loads those.
 */
int programs_load(struct programs *p, const struct settings *settings, uint32_t netns,
		  struct point_list *list)
{
	bool now[N_PROGRAMS];
	struct hct_config config;
	size_t taken = 0;
	int err;

	for (size_t i = 0; i < N_PROGRAMS; i++)
		now[i] = p->wanted[i] && !is_late(program_rows[i].how);
	fill_config(&config, settings, netns);
	err = try_load(p, now, &config, settings->buffer);
	if (!err || err == -EPERM)
		return err;
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		bool alone[N_PROGRAMS] = { false };

		if (!now[i])
			continue;
		alone[i] = true;
		err = try_load(p, alone, &config, settings->buffer);
		if (err) {
			now[i] = false;
			p->wanted[i] = false;
			point_list_say(list, program_rows[i].point, false,
			    point_detail("the kernel refused the program: %s", strerror(-err)));
			continue;
		}
		taken++;
		programs_unload(p);
	}
	return taken ? try_load(p, now, &config, settings->buffer) : err;
}
