// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The loader: every observation point by itself, what is missing with its reason. */
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "attach_functions.h"
#include "attach_libwrap.h"
#include "attach_netfilter.h"
#include "attach_tc.h"
#include "attach_xdp_program.h"
#include "base/open_files.h"
#include "hctrace.skel.h"
#include "kernel_btf.h"
#include "nft_key.h"
#include "nft_trace.h"
#include "point_list.h"
#include "programs.h"

#define MAX_XDP 16
#define LOOK_NS 10000000000ULL

struct loader {
	const struct settings *settings;
	uint32_t netns;
	struct programs programs;
	struct bpf_link *links[MAX_PROGRAM_ROWS];
	struct tc *tc;
	struct ladder *ladder;
	struct nft_key *nft_key;
	struct libwrap_links *libwrap;
	struct {
		struct bpf_link *link;
		unsigned ifindex;
	} xdp[MAX_XDP];
	size_t n_xdp;
	struct xdp_watch *xdp_watch; /* NULL until all else is attached */
	uint64_t look_ns; /* when programs that bring no news are looked for */
	struct point_list points;
};

const struct point_status *loader_points(const struct loader *l, size_t *n)
{
	*n = l->points.n;
	return l->points.points;
}

size_t loader_changes(struct loader *l, struct point_status out[HCT_POINT_COUNT])
{
	return point_list_changes(&l->points, out);
}

/* ---- attaching ---- */

static void say_point(struct loader *l, enum hct_point point, bool attached, const char *detail)
{
	point_list_say(&l->points, point, attached, detail);
}

static struct bpf_link *attach_tracepoint(const struct programs *p, size_t row)
{
	struct bpf_program *program = programs_get(p, row);

	return kernel_btf_is_own() ?
	       bpf_program__attach(program) :
	       bpf_program__attach_raw_tracepoint(program, program_rows[row].needs);
}

static void attach_by_name(struct loader *l)
{
	for (size_t i = 0; i < n_program_rows; i++) {
		enum how how = program_rows[i].how;
		bool function = how == BY_FUNCTION;

		if (!l->programs.wanted[i])
			continue;
		if (how == BY_REASON_FUNCTION) /* adds to what the tracepoint tells */
			l->links[i] = bpf_program__attach(programs_get(&l->programs, i));
		if (!function && how != BY_TRACEPOINT)
			continue;
		l->links[i] = function ? bpf_program__attach(programs_get(&l->programs, i)) :
			      attach_tracepoint(&l->programs, i);
		if (l->links[i])
			say_point(l, program_rows[i].point, true,
				  point_detail("%s %s", function ? "function" : "tracepoint",
					       program_rows[i].needs));
		else
			say_point(l, program_rows[i].point, false,
				  point_detail("cannot attach: %s", strerror(errno)));
	}
}

static void attach_libwrap(struct loader *l)
{
	size_t n = 0;
	int err;

	if (!bpf_program__autoload(l->programs.object->progs.hct_libwrap_enter) ||
	    !bpf_program__autoload(l->programs.object->progs.hct_libwrap_leave))
		return;
	err = libwrap_attach(l->programs.object->progs.hct_libwrap_enter,
			     l->programs.object->progs.hct_libwrap_leave, &l->libwrap, &n);
	if (err)
		say_point(l, HCT_POINT_LIBWRAP, false,
			  point_detail("cannot attach: %s", strerror(-err)));
	else if (n)
		say_point(l, HCT_POINT_LIBWRAP, true, point_detail("uprobes in %zu libwrap.so", n));
	else
		say_point(l, HCT_POINT_LIBWRAP, true, "libwrap is not installed: nothing to watch");
}

static bool device_wanted(const struct settings *s, const char *name)
{
	if (s->probe_from && strcmp(name, s->probe_from->device) == 0)
		return false; /* between the bottle and the real device */
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
	link = bpf_program__attach_xdp(l->programs.object->progs.hct_xdp_arrival, (int)ifindex);
	if (!link) {
		/* a link never replaces a program: EBUSY or EEXIST when somebody else's is there */
		say_point(l, HCT_POINT_XDP, false,
		    errno == EBUSY || errno == EEXIST ?
		    point_detail("%s has another XDP program, which stays", name) :
		    point_detail("cannot attach to %s: %s", name, strerror(errno)));
		return;
	}
	l->xdp[l->n_xdp].link = link;
	l->xdp[l->n_xdp++].ifindex = ifindex;
	say_point(l, HCT_POINT_XDP, true,
		  point_detail("XDP on %zu interface%s", l->n_xdp, l->n_xdp == 1 ? "" : "s"));
}

static int attach_tc(struct loader *l, unsigned ifindex)
{
	struct tc_programs programs = { l->programs.object->progs.hct_tc_ingress,
					l->programs.object->progs.hct_tc_egress };

	if (!tc_has_link_layer(ifindex)) {
		int err = programs_load_late(&l->programs, BY_TC_L3);

		if (err)
			return err;
		programs.ingress = l->programs.l3->progs.hct_tc_ingress_l3;
		programs.egress = l->programs.l3->progs.hct_tc_egress_l3;
	}
	return tc_attach(l->tc, &programs, ifindex);
}

/* Of most programs that come and go later, a device's news tells; see loader_look(). */
static void watch_xdp(struct loader *l, unsigned ifindex)
{
	char words[XDP_WORDS_LEN] = "";
	int err;
	size_t n;

	if (!l->xdp_watch)
		return;
	err = xdp_watch_device(l->xdp_watch, ifindex, words);
	n = xdp_watch_count(l->xdp_watch);
	if (n)
		say_point(l, HCT_POINT_XDP_VERDICT, true,
			  point_detail("results of %zu XDP program%s", n, n == 1 ? "" : "s"));
	else if (err)
		say_point(l, HCT_POINT_XDP_VERDICT, false, point_detail("%s", words));
}

static void watch_xdp_everywhere(struct loader *l)
{
	struct if_nameindex *devices = if_nameindex();

	for (struct if_nameindex *d = devices; d && d->if_index; d++)
		if (device_wanted(l->settings, d->if_name))
			watch_xdp(l, d->if_index);
	if (devices)
		if_freenameindex(devices);
}

void loader_look(struct loader *l, uint64_t now_ns)
{
	if (!l->xdp_watch || now_ns < l->look_ns)
		return;
	if (l->look_ns) /* loader_attach() has had its look */
		watch_xdp_everywhere(l);
	l->look_ns = now_ns + LOOK_NS;
}

uint64_t loader_next_look(const struct loader *l)
{
	return l->xdp_watch ? l->look_ns : UINT64_MAX;
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
	watch_xdp(l, ifindex);
	if (!l->tc)
		return 0;
	err = attach_tc(l, ifindex);
	if (err == -EALREADY)
		return 0;
	if (err) {
		detail = point_detail("cannot attach to %s: %s", name, strerror(-err));
		point_list_refused(&l->points, HCT_POINT_TC_INGRESS, detail);
		point_list_refused(&l->points, HCT_POINT_TC_EGRESS, detail);
		return err;
	}
	detail = point_detail("%s on %zu interface%s", tc_uses_tcx(l->tc) ? "tcx" : "clsact",
			tc_count(l->tc), tc_count(l->tc) == 1 ? "" : "s");
	say_point(l, HCT_POINT_TC_INGRESS, true, detail);
	say_point(l, HCT_POINT_TC_EGRESS, true, detail);
	return 0;
}

/* Both points observe at devices, of which the last is gone. */
static void no_device_left(struct loader *l, enum hct_point point, enum hct_point other)
{
	static const char detail[] = "no interface is left that it is attached to";

	point_list_gone(&l->points, point, point_detail("%s", detail));
	point_list_gone(&l->points, other, point_detail("%s", detail));
}

void loader_device_gone(struct loader *l, unsigned ifindex)
{
	if (l->tc) {
		tc_forget(l->tc, ifindex);
		if (!tc_count(l->tc))
			no_device_left(l, HCT_POINT_TC_INGRESS, HCT_POINT_TC_EGRESS);
	}
	watch_xdp(l, ifindex); /* a program that was nowhere else is let go */
	for (size_t i = 0; i < l->n_xdp; i++)
		if (l->xdp[i].ifindex == ifindex) {
			bpf_link__destroy(l->xdp[i].link);
			l->xdp[i] = l->xdp[--l->n_xdp];
			if (!l->n_xdp)
				no_device_left(l, HCT_POINT_XDP, HCT_POINT_XDP);
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
	fprintf(stderr,
		"hctrace: no network interface but lo in this network namespace: no probe can arrive;\n"
		"         choose another with --netns (`ip netns` lists them)\n");
	return -ENODEV;
}

/* tc did not attach anywhere: let the tracepoints report arrival and departure instead. */
static int fall_back_to_tracepoints(struct loader *l)
{
	unsigned xdp[MAX_XDP];
	size_t n_xdp = l->n_xdp;
	char name[IF_NAMESIZE];
	int err;

	tc_free(l->tc);
	l->tc = NULL;
	while (l->n_xdp) { /* of the object that goes away */
		xdp[l->n_xdp - 1] = l->xdp[l->n_xdp - 1].ifindex;
		bpf_link__destroy(l->xdp[--l->n_xdp].link);
	}
	programs_unload(&l->programs);
	programs_replace_tc(&l->programs);
	err = programs_load(&l->programs, l->settings, l->netns, &l->points);
	for (size_t i = 0; !err && i < n_xdp; i++)
		if (if_indextoname(xdp[i], name))
			attach_xdp(l, xdp[i], name);
	return err;
}

static int start_tc(struct loader *l)
{
	if (l->settings->passive)
		return 0;
	l->tc = tc_new(TC_TRACE, l->settings->clsact);
	return l->tc ? 0 : -ENOMEM;
}

static struct ladder *attach_ladder(const struct hctrace_bpf *object)
{
	struct bpf_program *const rungs[LADDER_RUNGS] = {
		object->progs.hct_rung_first, object->progs.hct_rung_raw,
		object->progs.hct_rung_mangle, object->progs.hct_rung_dstnat,
		object->progs.hct_rung_filter, object->progs.hct_rung_security,
		object->progs.hct_rung_srcnat,
	};

	return ladder_attach(rungs);
}

static int attach_rungs(struct loader *l)
{
	int err = l->ladder ? 0 : programs_load_late(&l->programs, BY_LADDER);

	if (err || l->ladder)
		return err;
	l->ladder = attach_ladder(l->programs.ladder);
	return l->ladder ? 0 : -errno;
}

int loader_netfilter(struct loader *l, int on)
{
	if (!on) {
		ladder_free(l->ladder);
		l->ladder = NULL;
		functions_detach(&l->programs, l->links, BY_TABLE_FUNCTION);
		return 0;
	}
	/* where functions tell, a rung tells nothing more: it is a legacy table's, or else nftables' */
	if (functions_attach(&l->programs, l->links, BY_TABLE_FUNCTION) == 0 || l->nft_key)
		return 0;
	return attach_rungs(l);
}

int loader_nft_rules(struct loader *l, int on)
{
	int err = 0;

	if (on && l->nft_key)
		return 0;
	nft_key_release(l->nft_key);
	l->nft_key = NULL;
	if (on)
		err = functions_attach(&l->programs, l->links, BY_RULE_FUNCTION);
	if (on && !err)
		err = nft_key_turn(&l->nft_key);
	if (!on || err)
		functions_detach(&l->programs, l->links, BY_RULE_FUNCTION);
	return err;
}

bool loader_has_nft_rules(const struct loader *l)
{
	return programs_want(&l->programs, BY_RULE_FUNCTION);
}

static void say_ladder(struct loader *l)
{
	if (programs_want(&l->programs, BY_LADDER) || programs_want(&l->programs, BY_TABLE_FUNCTION))
		say_point(l, HCT_POINT_NETFILTER, true, "on demand: when netfilter drops a probe");
}

static void say_nft_trace(struct loader *l)
{
	struct utsname kernel;
	const char *lacks;

	uname(&kernel);
	lacks = loader_has_nft_rules(l) ? NULL :
		nft_trace_lacks(l->settings->passive, kernel.release);
	say_point(l, HCT_POINT_NFT_TRACE, !lacks,
		  lacks ? lacks : "on demand: when netfilter drops a probe");
}

/* ---- opening ---- */

static void say_error(int err)
{
	switch (err) {
	case -EPERM:
		fprintf(stderr, "hctrace: cannot load BPF programs: no permission; run it as root "
				"(sudo hctrace …), or with CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYS_ADMIN\n");
		break;
	case -EMFILE:
		fprintf(stderr, "hctrace: cannot load BPF programs: this process may have %lu files open at "
				"once, which is too few;\n         raise the limit: ulimit -n 1024, or "
				"LimitNOFILE=1024 in a systemd unit\n", open_files_limit());
		break;
	case -ENFILE:
		fprintf(stderr, "hctrace: cannot load BPF programs: the system has as many files open as it "
				"may;\n         raise fs.file-max, or find what opens so many (sysctl fs.file-nr)\n");
		break;
	default:
		fprintf(stderr, "hctrace: the kernel refused every BPF program: %s; "
				"run with -vv to see libbpf's messages\n", strerror(-err));
	}
}

static int print_libbpf(enum libbpf_print_level level, const char *template, va_list args)
{
	return vfprintf(stderr, template, args);
}

struct btf *loader_kernel_btf(const struct settings *settings)
{
	struct kernel_btf_refusal refusal;
	struct btf *btf;

	libbpf_set_print(settings->verbose > 1 ? print_libbpf : NULL);
	btf = kernel_btf_load(settings->btf, &refusal);
	if (!btf)
		fprintf(stderr, "hctrace: %s;\n         %s\n", refusal.why, refusal.fix);
	else if (settings->btf && kernel_btf_is_own())
		fprintf(stderr, "hctrace: this kernel has BTF of its own: --btf %s is not used\n",
			settings->btf);
	return btf;
}

struct loader *loader_new(const struct settings *settings, uint32_t netns, const struct btf *btf)
{
	struct loader *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->settings = settings;
	l->netns = netns;
	programs_choose(&l->programs, settings, btf, &l->points);
	return l;
}

int loader_attach(struct loader *l)
{
	int err = programs_load(&l->programs, l->settings, l->netns, &l->points);

	if (err) {
		say_error(err);
		return err;
	}
	err = start_tc(l);
	if (!err)
		err = attach_devices(l);
	if (err)
		return err;
	if (l->tc && !tc_count(l->tc)) {
		err = fall_back_to_tracepoints(l);
		if (err) {
			say_error(err);
			return err;
		}
	}
	attach_by_name(l);
	attach_libwrap(l);
	if (programs_want(&l->programs, BY_XDP_PROGRAM)) {
		l->xdp_watch = xdp_watch_new(&l->programs);
		watch_xdp_everywhere(l);
	}
	say_ladder(l);
	say_nft_trace(l);
	return 0;
}

void loader_close(struct loader *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < n_program_rows; i++)
		bpf_link__destroy(l->links[i]);
	while (l->n_xdp)
		bpf_link__destroy(l->xdp[--l->n_xdp].link);
	nft_key_release(l->nft_key);
	xdp_watch_free(l->xdp_watch);
	ladder_free(l->ladder);
	libwrap_free(l->libwrap);
	tc_free(l->tc);
	programs_unload(&l->programs);
	free(l);
}

int loader_events_fd(const struct loader *l)
{
	return bpf_map__fd(l->programs.object->maps.events);
}

int loader_shared_fd(const struct loader *l)
{
	return bpf_map__fd(l->programs.object->maps.shared);
}

int loader_kept_fd(const struct loader *l)
{
	return bpf_map__fd(l->programs.object->maps.kept);
}

int loader_flows_fd(const struct loader *l)
{
	return bpf_map__fd(l->programs.object->maps.flows);
}
