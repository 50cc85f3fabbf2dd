// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf() calls that libbpf 1.1 does not have; the attribute layouts are the kernel's, from 6.4 and 6.6. */
#include "bpf_sys.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ATTACH_NETFILTER = 45, ATTACH_TCX_INGRESS = 46, ATTACH_TCX_EGRESS = 47 };
enum { FLAG_BEFORE = 1 << 3, FLAG_AFTER = 1 << 4 };

struct link_create {
	uint32_t prog_fd;
	uint32_t target; /* ifindex for tcx */
	uint32_t attach_type;
	uint32_t flags;
	union {
		struct {
			uint32_t relative;
			uint32_t pad;
			uint64_t expected_revision;
		} tcx;
		struct {
			uint32_t family;
			uint32_t hook;
			int32_t priority;
			uint32_t flags;
		} netfilter;
	};
};

static int link_create(const struct link_create *attr)
{
	long fd = syscall(__NR_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));

	return fd < 0 ? -errno : (int)fd;
}

int bpf_sys_link_tcx(int prog_fd, unsigned ifindex, bool ingress)
{
	struct link_create attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_fd = prog_fd;
	attr.target = ifindex;
	attr.attach_type = ingress ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS;
	attr.flags = ingress ? FLAG_BEFORE : FLAG_AFTER;
	return link_create(&attr);
}

int bpf_sys_link_netfilter(int prog_fd, uint32_t family, uint32_t hook, int32_t priority)
{
	struct link_create attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_fd = prog_fd;
	attr.attach_type = ATTACH_NETFILTER;
	attr.netfilter.family = family;
	attr.netfilter.hook = hook;
	attr.netfilter.priority = priority;
	return link_create(&attr);
}
