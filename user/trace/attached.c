// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* XDP and tc programs of others on this host's devices. */
#include "attached.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/devices.h"
#include "host/netlink.h"

#define MAX_TCX 16
enum { ATTACH_TCX_INGRESS = 46, ATTACH_TCX_EGRESS = 47 }; /* 6.6 */

struct list {
	struct attached_program *out;
	size_t max, n;
	const char *device, *where; /* of what is being read */
	int err; /* the first thing that could not be read */
};

/* The program's name, "" where it has none; -ENOENT: there is no such program (any more). */
static int program_name(uint32_t id, char *out, size_t size)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	out[0] = '\0';
	if (fd < 0)
		return -errno;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		snprintf(out, size, "%.*s", (int)sizeof(info.name), info.name);
	close(fd);
	return 0;
}

static void set_error(struct list *list, int err)
{
	if (!list->err)
		list->err = err;
}

static void add(struct list *list, uint32_t id, const char *name)
{
	struct attached_program *p = &list->out[list->n];
	int err;

	if (list->n == list->max) {
		set_error(list, -E2BIG);
		return;
	}
	memset(p, 0, sizeof(*p));
	p->id = id;
	err = id ? program_name(id, p->name, sizeof(p->name)) : 0;
	if (err == -ENOENT)
		return;
	set_error(list, err); /* it is there, whatever it is called */
	if (!p->name[0])
		snprintf(p->name, sizeof(p->name), "%s", name);
	if (!strncmp(p->name, "hct_", 4)) /* another hctrace, which lets everything pass */
		return;
	snprintf(p->device, sizeof(p->device), "%s", list->device);
	snprintf(p->where, sizeof(p->where), "%s", list->where);
	list->n++;
}

static int add_tcx(struct list *list, unsigned ifindex, int type)
{
	uint32_t ids[MAX_TCX], n = MAX_TCX;
	int err = bpf_prog_query((int)ifindex, type, 0, NULL, ids, &n);

	/* -EINVAL: a kernel without tcx; -ENOENT: it has none there */
	if (err)
		return errno == EINVAL || errno == ENOENT ? 0 : -errno;
	for (uint32_t i = 0; i < n; i++)
		add(list, ids[i], "");
	return 0;
}

/* A filter of a clsact qdisc: a program, or rules of tc's own (flower, u32, matchall). */
static int take_filter(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *inner, *options = NULL;
	const char *kind = "", *name = "";
	struct list *list = data;
	uint32_t id = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct tcmsg)) {
		if (mnl_attr_get_type(attr) == TCA_KIND)
			kind = mnl_attr_get_str(attr);
		else if (mnl_attr_get_type(attr) == TCA_OPTIONS)
			options = attr;
	}
	if (!options)
		return MNL_CB_OK; /* the filter's head */
	if (strcmp(kind, "bpf")) {
		add(list, 0, kind);
		return MNL_CB_OK;
	}
	mnl_attr_for_each_nested(inner, options) {
		if (mnl_attr_get_type(inner) == TCA_BPF_ID)
			id = mnl_attr_get_u32(inner);
		else if (mnl_attr_get_type(inner) == TCA_BPF_NAME)
			name = mnl_attr_get_str(inner);
	}
	add(list, id, id ? name : kind); /* classic BPF has no number */
	return MNL_CB_OK;
}

static int add_filters(struct list *list, unsigned ifindex, uint32_t parent)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tcm;
	bool refused;
	int err;

	nlh->nlmsg_type = RTM_GETTFILTER;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = (int)ifindex;
	tcm->tcm_parent = parent;
	err = netlink_ask(NETLINK_ROUTE, nlh, true, take_filter, list, &refused);
	return refused ? 0 : err; /* there is no clsact qdisc */
}

static int add_device(struct list *list, const struct host_device *device)
{
	unsigned ifindex;
	int err = device_index(device->name, &ifindex);

	list->device = device->name;
	list->where = "XDP";
	if (device->xdp_prog_id)
		add(list, device->xdp_prog_id, "");
	if (err)
		return err == -ENODEV ? 0 : err;
	list->where = "tc ingress";
	err = add_filters(list, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS));
	if (!err)
		err = add_tcx(list, ifindex, ATTACH_TCX_INGRESS);
	list->where = "tc egress";
	if (!err)
		err = add_filters(list, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
	if (!err)
		err = add_tcx(list, ifindex, ATTACH_TCX_EGRESS);
	return err;
}

int attached_read(const struct host_devices *devices, struct attached_program *out, size_t max,
		  size_t *n)
{
	struct list list = { .out = out, .max = max };

	for (size_t i = 0; i < devices->n; i++)
		set_error(&list, add_device(&list, &devices->d[i]));
	*n = list.n;
	return list.err;
}
