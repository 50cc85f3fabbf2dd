// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The loader: every observation point by itself, what is missing with its reason. */
#include "loader.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach_libwrap.h"
#include "attach_netfilter.h"
#include "attach_tc.h"
#include "hctrace.skel.h"
#include "names.h"

_Static_assert(MAX_PREFIXES == HCT_MAX_PREFIXES && MAX_PORTS == HCT_MAX_PORTS,
	       "options.h and the wire format allow the same number");

#define FLOW_MAX_EVENTS 48
#define UDP_RESTART_NS 900000000ULL /* below the shortest interval of a health check, 1 s */
#define PROG_TYPE_NETFILTER 32 /* 6.4; libbpf 1.1 does not know it */
#define ATTACH_TYPE_NETFILTER 45

/* How a program gets to where it observes. */
enum how { BY_TRACEPOINT, BY_TC, BY_XDP, BY_LADDER, BY_LIBWRAP };

/*
 * Every program of the object, with what the kernel must have for it.  Two
 * programs of one point stand for two versions of its tracepoint: the one
 * whose argument count fits is used.
 */
struct row {
	const char *program;
	enum hct_point point;
	enum how how;
	const char *needs; /* tracepoint, or a type that must be in BTF; NULL nothing */
	int min_args, max_args; /* of the tracepoint */
};

static const struct row rows[] = {
	{ "hct_tc_ingress", HCT_POINT_TC_INGRESS, BY_TC },
	{ "hct_tc_ingress_l3", HCT_POINT_TC_INGRESS, BY_TC },
	{ "hct_tc_egress", HCT_POINT_TC_EGRESS, BY_TC },
	{ "hct_tc_egress_l3", HCT_POINT_TC_EGRESS, BY_TC },
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
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))
#define MAX_XDP 16

struct loader {
	const struct settings *settings;
	uint32_t netns;
	struct hctrace_bpf *object;
	bool wanted[N_ROWS]; /* loaded, or to be */
	struct bpf_link *links[N_ROWS];
	struct tc *tc;
	struct ladder *ladder;
	struct libwrap_links *libwrap;
	struct {
		struct bpf_link *link;
		unsigned ifindex;
	} xdp[MAX_XDP];
	size_t n_xdp;
	struct point_status points[HCT_POINT_COUNT];
	size_t n_points;
};

/* ---- what is known of each point ---- */

static const char *format(const char *template, ...)
{
	char text[192];
	va_list args;

	va_start(args, template);
	vsnprintf(text, sizeof(text), template, args);
	va_end(args);
	return names_intern(text);
}

/* Says what became of POINT; the last word counts, but "attached" is never taken back. */
static void say(struct loader *l, enum hct_point point, bool attached, const char *detail)
{
	for (size_t i = 0; i < l->n_points; i++) {
		if (l->points[i].point != point)
			continue;
		if (attached || !l->points[i].attached) {
			l->points[i].attached = attached;
			l->points[i].detail = detail;
		}
		return;
	}
	l->points[l->n_points++] = (struct point_status){ point, attached, detail };
}

const struct point_status *loader_points(const struct loader *l, size_t *n)
{
	*n = l->n_points;
	return l->points;
}

/* ---- which programs this kernel can take ---- */

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
static const char *kernel_lacks(const struct btf *btf, const struct row *row)
{
	int args;

	if (!row->needs)
		return NULL;
	if (row->how == BY_LADDER)
		return btf__find_by_name_kind(btf, row->needs, BTF_KIND_STRUCT) >= 0 ?
		       NULL : "this kernel has no netfilter links (they came with 6.4)";
	args = tracepoint_args(btf, row->needs);
	if (args < 0)
		return format("this kernel has no tracepoint %s", row->needs);
	if (args < row->min_args || args > row->max_args)
		return format("tracepoint %s has other arguments here", row->needs);
	return NULL;
}

/* NULL when the settings ask for the row, else why it is left out. */
static const char *not_asked_for(const struct settings *s, const struct row *row)
{
	if (s->passive && (row->how == BY_TC || row->how == BY_XDP || row->how == BY_LADDER))
		return "left out by --passive";
	if (row->how == BY_XDP && !s->xdp)
		return "only with --xdp";
	if (!s->passive && (row->point == HCT_POINT_RECEIVE || row->point == HCT_POINT_TRANSMIT))
		return "not needed: tc sees arrival and departure";
	return NULL;
}

static struct bpf_program *program_of(struct loader *l, size_t row)
{
	return bpf_object__find_program_by_name(l->object->obj, rows[row].program);
}

static void choose(struct loader *l, const struct btf *btf)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		const char *why = not_asked_for(l->settings, &rows[i]);

		if (!why)
			why = kernel_lacks(btf, &rows[i]);
		l->wanted[i] = !why;
		if (why)
			say(l, rows[i].point, false, why);
	}
}

static void fill_config(struct hct_config *config, const struct settings *s, uint32_t netns)
{
	memset(config, 0, sizeof(*config));
	config->netns = netns;
	config->protocols = s->protocols;
	config->max_events = FLOW_MAX_EVENTS;
	config->udp_restart_ns = UDP_RESTART_NS;
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

/* Opens the object with only the programs of WANTED, ready to load. */
static int open_object(struct loader *l, const bool wanted[N_ROWS])
{
	l->object = hctrace_bpf__open();
	if (!l->object)
		return -errno;
	fill_config((struct hct_config *)&l->object->rodata->config, l->settings, l->netns);
	for (size_t i = 0; i < N_ROWS; i++) {
		struct bpf_program *program = program_of(l, i);

		bpf_program__set_autoload(program, wanted[i]);
		if (rows[i].how == BY_LADDER) {
			bpf_program__set_type(program, PROG_TYPE_NETFILTER);
			bpf_program__set_expected_attach_type(program, ATTACH_TYPE_NETFILTER);
		}
	}
	return 0;
}

static int try_load(struct loader *l, const bool wanted[N_ROWS])
{
	int err = open_object(l, wanted);

	if (!err)
		err = bpf_object__load(l->object->obj);
	if (err) {
		hctrace_bpf__destroy(l->object);
		l->object = NULL;
	}
	return err;
}

/*
 * Loads all, or, when the kernel refuses, finds out one by one which programs
 * it takes and loads those.
 */
static int load(struct loader *l)
{
	int err = try_load(l, l->wanted);
	size_t taken = 0;

	if (!err || err == -EPERM)
		return err;
	for (size_t i = 0; i < N_ROWS; i++) {
		bool alone[N_ROWS] = { false };

		if (!l->wanted[i])
			continue;
		alone[i] = true;
		err = try_load(l, alone);
		if (err) {
			l->wanted[i] = false;
			say(l, rows[i].point, false,
			    format("the kernel refused the program: %s", strerror(-err)));
			continue;
		}
		taken++;
		hctrace_bpf__destroy(l->object);
		l->object = NULL;
	}
	return taken ? try_load(l, l->wanted) : err;
}

/* ---- attaching ---- */

static void attach_tracepoints(struct loader *l)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		if (rows[i].how != BY_TRACEPOINT || !l->wanted[i])
			continue;
		l->links[i] = bpf_program__attach(program_of(l, i));
		if (l->links[i])
			say(l, rows[i].point, true, format("tracepoint %s", rows[i].needs));
		else
			say(l, rows[i].point, false, format("cannot attach: %s", strerror(errno)));
	}
}

static void attach_libwrap(struct loader *l)
{
	size_t n = 0;
	int err;

	if (!bpf_program__autoload(l->object->progs.hct_libwrap_enter) ||
	    !bpf_program__autoload(l->object->progs.hct_libwrap_leave))
		return;
	err = libwrap_attach(l->object->progs.hct_libwrap_enter,
			     l->object->progs.hct_libwrap_leave, &l->libwrap, &n);
	if (err)
		say(l, HCT_POINT_LIBWRAP, false, format("cannot attach: %s", strerror(-err)));
	else if (n)
		say(l, HCT_POINT_LIBWRAP, true, format("uprobes in %zu libwrap.so", n));
	else
		say(l, HCT_POINT_LIBWRAP, true, "libwrap is not installed: nothing to watch");
}

static bool device_wanted(const struct settings *s, const char *name)
{
	if (!s->n_interfaces)
		return strcmp(name, "lo") != 0;
	for (size_t i = 0; i < s->n_interfaces; i++)
		if (strcmp(s->interfaces[i], name) == 0)
			return true;
	return false;
}

static void attach_xdp(struct loader *l, unsigned ifindex, const char *name)
{
	struct bpf_link *link;

	if (!l->settings->xdp || l->settings->passive || l->n_xdp == MAX_XDP)
		return;
	for (size_t i = 0; i < l->n_xdp; i++)
		if (l->xdp[i].ifindex == ifindex)
			return;
	link = bpf_program__attach_xdp(l->object->progs.hct_xdp_arrival, (int)ifindex);
	if (!link) {
		/* a link never replaces a program: EBUSY or EEXIST when somebody else's is there */
		say(l, HCT_POINT_XDP, false,
		    errno == EBUSY || errno == EEXIST ?
		    format("%s has another XDP program, which stays", name) :
		    format("cannot attach to %s: %s", name, strerror(errno)));
		return;
	}
	l->xdp[l->n_xdp].link = link;
	l->xdp[l->n_xdp++].ifindex = ifindex;
	say(l, HCT_POINT_XDP, true, format("XDP on %zu interface%s", l->n_xdp, l->n_xdp == 1 ? "" : "s"));
}

int loader_device_up(struct loader *l, unsigned ifindex)
{
	char name[IF_NAMESIZE];
	const char *detail;
	int err;

	if (!if_indextoname(ifindex, name))
		return -errno;
	if (!device_wanted(l->settings, name))
		return 0;
	attach_xdp(l, ifindex, name);
	if (!l->tc)
		return 0;
	err = tc_attach(l->tc, ifindex);
	if (err == -EALREADY)
		return 0;
	if (err) {
		detail = format("cannot attach to %s: %s", name, strerror(-err));
		say(l, HCT_POINT_TC_INGRESS, false, detail);
		say(l, HCT_POINT_TC_EGRESS, false, detail);
		return err;
	}
	detail = format("%s on %zu interface%s", tc_uses_tcx(l->tc) ? "tcx" : "clsact",
			tc_count(l->tc), tc_count(l->tc) == 1 ? "" : "s");
	say(l, HCT_POINT_TC_INGRESS, true, detail);
	say(l, HCT_POINT_TC_EGRESS, true, detail);
	return 0;
}

void loader_device_gone(struct loader *l, unsigned ifindex)
{
	if (l->tc)
		tc_forget(l->tc, ifindex);
	for (size_t i = 0; i < l->n_xdp; i++)
		if (l->xdp[i].ifindex == ifindex) {
			bpf_link__destroy(l->xdp[i].link);
			l->xdp[i] = l->xdp[--l->n_xdp];
			break;
		}
}

/* Attaches to the devices that are there.  -ENODEV when there is none to watch. */
static int attach_devices(struct loader *l)
{
	struct if_nameindex *devices = if_nameindex();
	const struct settings *s = l->settings;
	unsigned wanted = 0, swept = 0;

	if (!devices)
		return -errno;
	for (size_t i = 0; i < s->n_interfaces; i++)
		if (!if_nametoindex(s->interfaces[i])) {
			fprintf(stderr, "hctrace: no interface '%s' here; `ip link` lists them\n",
				s->interfaces[i]);
			if_freenameindex(devices);
			return -ENODEV;
		}
	for (struct if_nameindex *d = devices; d->if_index; d++) {
		if (!device_wanted(s, d->if_name))
			continue;
		wanted++;
		if (!s->passive)
			swept += tc_sweep(d->if_index);
		loader_device_up(l, d->if_index);
	}
	if_freenameindex(devices);
	if (swept)
		fprintf(stderr, "hctrace: removed %u tc filter%s that a killed hctrace had left\n",
			swept, swept == 1 ? "" : "s");
	if (wanted)
		return 0;
	fprintf(stderr, "hctrace: no network interface but lo in this network namespace, so no probe can arrive;\n"
			"         choose another with --netns (`ip netns` lists them)\n");
	return -ENODEV;
}

/* tc did not attach anywhere: let the tracepoints report arrival and departure instead. */
static int fall_back_to_tracepoints(struct loader *l)
{
	hctrace_bpf__destroy(l->object);
	l->object = NULL;
	for (size_t i = 0; i < N_ROWS; i++) {
		if (rows[i].how == BY_TC)
			l->wanted[i] = false;
		if (rows[i].point == HCT_POINT_RECEIVE || rows[i].point == HCT_POINT_TRANSMIT)
			l->wanted[i] = true;
	}
	return load(l);
}

static int start_tc(struct loader *l)
{
	struct tc_programs programs;

	if (l->settings->passive)
		return 0;
	programs.ingress = l->object->progs.hct_tc_ingress;
	programs.egress = l->object->progs.hct_tc_egress;
	programs.ingress_l3 = l->object->progs.hct_tc_ingress_l3;
	programs.egress_l3 = l->object->progs.hct_tc_egress_l3;
	l->tc = tc_new(&programs, l->settings->clsact);
	return l->tc ? 0 : -ENOMEM;
}

int loader_netfilter(struct loader *l, int on)
{
	struct bpf_program *const rungs[LADDER_RUNGS] = {
		l->object->progs.hct_rung_first, l->object->progs.hct_rung_raw,
		l->object->progs.hct_rung_mangle, l->object->progs.hct_rung_dstnat,
		l->object->progs.hct_rung_filter, l->object->progs.hct_rung_security,
		l->object->progs.hct_rung_srcnat,
	};

	if (!on) {
		ladder_free(l->ladder);
		l->ladder = NULL;
		return 0;
	}
	if (l->ladder)
		return 0;
	if (bpf_program__fd(rungs[0]) < 0)
		return -ENOTSUP;
	l->ladder = ladder_attach(rungs);
	return l->ladder ? 0 : -errno;
}

static void say_ladder(struct loader *l)
{
	if (bpf_program__fd(l->object->progs.hct_rung_first) >= 0)
		say(l, HCT_POINT_NETFILTER, true, "on demand: when netfilter drops a probe");
}

/* ---- opening ---- */

static void say_error(int err)
{
	switch (err) {
	case -EPERM:
		fprintf(stderr, "hctrace: cannot load BPF programs: no permission; run it as root "
				"(sudo hctrace …), or with CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYS_ADMIN\n");
		break;
	default:
		fprintf(stderr, "hctrace: the kernel refused every BPF program: %s; "
				"run with -vv to see libbpf's messages\n", strerror(-err));
	}
}

struct btf *loader_kernel_btf(void)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (btf)
		return btf;
	fprintf(stderr, "hctrace: this kernel has no BTF (/sys/kernel/btf/vmlinux), which hctrace needs to read it;\n"
			"         boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (every current distribution kernel is)\n");
	return NULL;
}

static int print_libbpf(enum libbpf_print_level level, const char *template, va_list args)
{
	return vfprintf(stderr, template, args);
}

int loader_open(struct loader **out, const struct settings *settings, uint32_t netns,
		const struct btf *btf)
{
	struct loader *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->settings = settings;
	l->netns = netns;
	libbpf_set_print(settings->verbose > 1 ? print_libbpf : NULL);
	choose(l, btf);
	err = load(l);
	if (err) {
		say_error(err);
		goto fail;
	}
	err = start_tc(l);
	if (err)
		goto fail;
	err = attach_devices(l);
	if (err)
		goto fail;
	if (l->tc && !tc_count(l->tc)) {
		tc_free(l->tc);
		l->tc = NULL;
		err = fall_back_to_tracepoints(l);
		if (err) {
			say_error(err);
			goto fail;
		}
	}
	attach_tracepoints(l);
	attach_libwrap(l);
	say_ladder(l);
	*out = l;
	return 0;
fail:
	loader_close(l);
	return err;
}

void loader_close(struct loader *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < N_ROWS; i++)
		bpf_link__destroy(l->links[i]);
	while (l->n_xdp)
		bpf_link__destroy(l->xdp[--l->n_xdp].link);
	ladder_free(l->ladder);
	libwrap_free(l->libwrap);
	tc_free(l->tc);
	hctrace_bpf__destroy(l->object);
	free(l);
}

int loader_events_fd(const struct loader *l)
{
	return bpf_map__fd(l->object->maps.events);
}

int loader_lost_fd(const struct loader *l)
{
	return bpf_map__fd(l->object->maps.lost);
}

int loader_flows_fd(const struct loader *l)
{
	return bpf_map__fd(l->object->maps.flows);
}
