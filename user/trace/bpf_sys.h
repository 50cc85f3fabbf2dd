/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf() calls that libbpf 1.1 (Debian 12) does not have: links for tcx (6.6)
 * and netfilter (6.4).  A link's file descriptor is all that holds it: closed
 * by us or by the kernel when we die, and the program is detached.
 *
 * Each returns a descriptor, or -errno.
 */
#ifndef HCT_BPF_SYS_H
#define HCT_BPF_SYS_H

#include <stdbool.h>
#include <stdint.h>

/* At ingress before every other tcx program of the device, at egress behind them. */
int bpf_sys_link_tcx(int prog_fd, unsigned ifindex, bool ingress);
/* FAMILY: NFPROTO_*; HOOK: NF_INET_*. */
int bpf_sys_link_netfilter(int prog_fd, uint32_t family, uint32_t hook, int32_t priority);

#endif
