// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* tc programs at the devices: tcx where the kernel has it, clsact elsewhere. */
#include "attach_tc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf_sys.h"

/*
 * Our clsact filters are known by their priority, and their handle says which
 * process they belong to and whether that process made the qdisc, too.
 */
static const uint16_t our_priorities[] = {
	[TC_TRACE] = 0x4843, /* "HC" */
	[TC_BOTTLE] = 0x4844, /* what takes packets away comes behind what looks at them */
};
#define HANDLE_MADE_QDISC 0x80000000u
#define HANDLE_PID 0x7fffffffu

struct tc_device {
	unsigned ifindex;
	int link[2]; /* tcx: ingress, egress; -1 none */
	bool filter[2]; /* clsact */
	bool made_qdisc;
};

struct tc {
	enum tc_use use;
	bool clsact_only;
	bool tcx;
	struct tc_device *devices;
	size_t n;
};

struct tc *tc_new(enum tc_use use, bool clsact_only)
{
	struct tc *tc = calloc(1, sizeof(*tc));

	if (!tc)
		return NULL;
	tc->use = use;
	tc->clsact_only = clsact_only;
	return tc;
}

static struct tc_device *find(const struct tc *tc, unsigned ifindex)
{
	for (size_t i = 0; i < tc->n; i++)
		if (tc->devices[i].ifindex == ifindex)
			return &tc->devices[i];
	return NULL;
}

/* Has the device a link-layer header in front of IP?  Unknown counts as yes. */
bool tc_has_link_layer(unsigned ifindex)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ethernet = true;

	if (fd < 0)
		return true;
	if (if_indextoname(ifindex, request.ifr_name) && !ioctl(fd, SIOCGIFHWADDR, &request))
		ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
			   request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	close(fd);
	return ethernet;
}

static void close_links(struct tc_device *d)
{
	for (int i = 0; i < 2; i++) {
		if (d->link[i] >= 0)
			close(d->link[i]);
		d->link[i] = -1;
	}
}

/* A descriptor below 0: nothing at that side. */
static int attach_tcx(struct tc_device *d, int ingress_fd, int egress_fd)
{
	const int fds[] = { ingress_fd, egress_fd };

	for (int i = 0; i < 2; i++) {
		int fd = fds[i] < 0 ? -1 : bpf_sys_link_tcx(fds[i], d->ifindex, i == 0);

		if (fds[i] >= 0 && fd < 0) {
			close_links(d);
			return fd;
		}
		d->link[i] = fd;
	}
	return 0;
}

/* The filters of a device's clsact qdisc. */
struct filters {
	unsigned ifindex;
	struct {
		uint32_t handle;
		enum tc_use use;
	} stale[16]; /* of ours whose process is gone */
	size_t n_stale;
	size_t n;
	size_t n_others;
};

/* What the filters of PRIORITY are for; -1: not ours. */
static int use_of(uint32_t priority)
{
	for (size_t i = 0; i < sizeof(our_priorities) / sizeof(our_priorities[0]); i++)
		if (our_priorities[i] == priority)
			return (int)i;
	return -1;
}

static int note_filter(const struct nlmsghdr *header, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(header);
	struct filters *f = data;
	pid_t owner = tc->tcm_handle & HANDLE_PID;
	int use = use_of(TC_H_MAJ(tc->tcm_info) >> 16);

	/* handle 0 is the head of a priority, not a filter */
	if ((unsigned)tc->tcm_ifindex != f->ifindex || !tc->tcm_handle)
		return MNL_CB_OK;
	f->n++;
	f->n_others += use < 0;
	if (use >= 0 && owner != getpid() && kill(owner, 0) && errno == ESRCH && f->n_stale < 16) {
		f->stale[f->n_stale].handle = tc->tcm_handle;
		f->stale[f->n_stale++].use = (enum tc_use)use;
	}
	return MNL_CB_OK;
}

static void dump_filters(struct mnl_socket *nl, uint32_t parent, struct filters *f)
{
	char buffer[16384];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc;
	ssize_t len;

	header->nlmsg_type = RTM_GETTFILTER;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = parent;
	tc = mnl_nlmsg_put_extra_header(header, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)f->ifindex;
	tc->tcm_parent = parent;
	if (mnl_socket_sendto(nl, header, header->nlmsg_len) < 0)
		return;
	while ((len = mnl_socket_recvfrom(nl, buffer, sizeof(buffer))) > 0)
		if (mnl_cb_run(buffer, (size_t)len, parent, mnl_socket_get_portid(nl),
			       note_filter, f) <= MNL_CB_STOP)
			break;
}

/* INGRESS and EGRESS: at which sides. */
static struct filters read_sides(unsigned ifindex, bool ingress, bool egress)
{
	struct filters f = { .ifindex = ifindex };
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!nl)
		return f;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0) {
		if (ingress)
			dump_filters(nl, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), &f);
		if (egress)
			dump_filters(nl, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), &f);
	}
	mnl_socket_close(nl);
	return f;
}

static struct filters read_filters(unsigned ifindex)
{
	return read_sides(ifindex, true, true);
}

size_t tc_others_at_egress(unsigned ifindex)
{
	return read_sides(ifindex, false, true).n_others;
}

static void detach_clsact(struct tc_device *d, enum tc_use use, uint32_t handle)
{
	static const enum bpf_tc_attach_point points[] = { BPF_TC_INGRESS, BPF_TC_EGRESS };

	for (int i = 0; i < 2; i++) {
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = d->ifindex, .attach_point = points[i]);
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle,
			    .priority = our_priorities[use]);

		if (d->filter[i])
			bpf_tc_detach(&hook, &opts);
		d->filter[i] = false;
	}
	/* somebody else may have put a filter on the qdisc that we made: then it stays */
	if (d->made_qdisc && read_filters(d->ifindex).n == 0) {
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = d->ifindex,
			    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

		bpf_tc_hook_destroy(&hook);
	}
	d->made_qdisc = false;
}

static uint32_t our_handle(const struct tc_device *d)
{
	return (uint32_t)getpid() | (d->made_qdisc ? HANDLE_MADE_QDISC : 0);
}

static int attach_clsact(struct tc_device *d, enum tc_use use, int ingress_fd, int egress_fd)
{
	static const enum bpf_tc_attach_point points[] = { BPF_TC_INGRESS, BPF_TC_EGRESS };
	const int fds[] = { ingress_fd, egress_fd };
	LIBBPF_OPTS(bpf_tc_hook, qdisc, .ifindex = d->ifindex, .attach_point = BPF_TC_INGRESS);
	int err = bpf_tc_hook_create(&qdisc);

	if (err && err != -EEXIST)
		return err;
	d->made_qdisc = !err;
	for (int i = 0; i < 2; i++) {
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = d->ifindex, .attach_point = points[i]);
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = our_handle(d),
			    .priority = our_priorities[use], .prog_fd = fds[i]);

		if (fds[i] < 0)
			continue;
		err = bpf_tc_attach(&hook, &opts);
		if (err) {
			detach_clsact(d, use, our_handle(d));
			return err;
		}
		d->filter[i] = true;
	}
	return 0;
}

int tc_attach(struct tc *tc, const struct tc_programs *programs, unsigned ifindex)
{
	struct tc_device d = { .ifindex = ifindex, .link = { -1, -1 } };
	struct tc_device *grown;
	int ingress = programs->ingress ? bpf_program__fd(programs->ingress) : -1;
	int egress = programs->egress ? bpf_program__fd(programs->egress) : -1;
	int err = -EINVAL;

	if (find(tc, ifindex))
		return -EALREADY;
	if ((programs->ingress && ingress < 0) || (programs->egress && egress < 0))
		return -ENOENT;
	grown = realloc(tc->devices, (tc->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	tc->devices = grown;
	if (!tc->clsact_only) {
		err = attach_tcx(&d, ingress, egress);
		tc->tcx = !err || tc->tcx;
	}
	/* EINVAL: the kernel knows no such attach type (before 6.6) */
	if (err == -EINVAL && !tc->tcx)
		err = attach_clsact(&d, tc->use, ingress, egress);
	if (err)
		return err;
	tc->devices[tc->n++] = d;
	return 0;
}

void tc_forget(struct tc *tc, unsigned ifindex)
{
	struct tc_device *d = find(tc, ifindex);

	if (!d)
		return;
	close_links(d);
	*d = tc->devices[--tc->n];
}

size_t tc_count(const struct tc *tc)
{
	return tc->n;
}

bool tc_uses_tcx(const struct tc *tc)
{
	return tc->tcx;
}

void tc_free(struct tc *tc)
{
	if (!tc)
		return;
	for (size_t i = 0; i < tc->n; i++) {
		close_links(&tc->devices[i]);
		detach_clsact(&tc->devices[i], tc->use, our_handle(&tc->devices[i]));
	}
	free(tc->devices);
	free(tc);
}

unsigned tc_sweep(unsigned ifindex)
{
	struct filters f = read_filters(ifindex);
	struct tc_device stale = { .ifindex = ifindex };
	bool made_qdisc = false;

	for (size_t i = 0; i < f.n_stale; i++) {
		stale.filter[0] = stale.filter[1] = true;
		made_qdisc |= (f.stale[i].handle & HANDLE_MADE_QDISC) != 0;
		detach_clsact(&stale, f.stale[i].use, f.stale[i].handle);
	}
	/* not before all of them are gone: one process can have left filters of both uses */
	stale.made_qdisc = made_qdisc;
	detach_clsact(&stale, TC_TRACE, 0);
	return (unsigned)f.n_stale;
}
