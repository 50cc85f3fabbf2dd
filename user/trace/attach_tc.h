/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tc programs at the devices: as tcx links (6.6), which die with us, or as
 * filters of a clsact qdisc, which are removed at exit and, after a kill -9,
 * swept up by the next start.
 */
#ifndef HCT_ATTACH_TC_H
#define HCT_ATTACH_TC_H

#include <stdbool.h>
#include <stddef.h>

struct bpf_program;

/* NULL: none at that side. */
struct tc_programs {
	struct bpf_program *ingress, *egress;
};

/* What programs are attached for: those that look come before those that act. */
enum tc_use { TC_TRACE, TC_BOTTLE };

struct tc;

/* CLSACT_ONLY leaves tcx aside.  NULL: no memory. */
struct tc *tc_new(enum tc_use use, bool clsact_only);
/* Detaches from every device.  Accepts NULL. */
void tc_free(struct tc *tc);
/* Has the device a link-layer header in front of IP?  Each kind has programs of its own. */
bool tc_has_link_layer(unsigned ifindex);
/* 0, or -errno; -EALREADY: is attached there. */
int tc_attach(struct tc *tc, const struct tc_programs *programs, unsigned ifindex);
/* The device is gone, and the kernel has detached us. */
void tc_forget(struct tc *tc, unsigned ifindex);
/* Devices attached to, and whether by tcx. */
size_t tc_count(const struct tc *tc);
bool tc_uses_tcx(const struct tc *tc);
/* Filters of other programs at the device's clsact egress. */
size_t tc_others_at_egress(unsigned ifindex);
/* Removes what a killed hctrace left on a device; returns the number of filters removed. */
unsigned tc_sweep(unsigned ifindex);

#endif
