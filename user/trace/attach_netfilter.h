/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The netfilter ladder: BPF links between the standard priorities of every hook (6.4). */
#ifndef HCT_ATTACH_NETFILTER_H
#define HCT_ATTACH_NETFILTER_H

#include <stddef.h>

struct bpf_program;

#define LADDER_RUNGS 7
/* Priorities just behind first, raw, mangle, dstnat, filter, security, srcnat. */
extern const int ladder_priority[LADDER_RUNGS];

struct ladder;

/* RUNGS[i] runs at ladder_priority[i], for IPv4 and IPv6 in the current namespace.  NULL: errno says why. */
struct ladder *ladder_attach(struct bpf_program *const rungs[LADDER_RUNGS]);
/* Detaches.  Accepts NULL. */
void ladder_free(struct ladder *l);

#endif
