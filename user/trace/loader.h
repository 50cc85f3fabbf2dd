/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The loader: opens the BPF object, loads what this kernel can take, attaches
 * every point by itself, and knows of each whether it is there and why not.
 */
#ifndef HCT_LOADER_H
#define HCT_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"
#include "stream/stream.h"

struct btf;
struct loader;

/*
 * The running kernel's types as kernel_btf_load() gives them, or NULL after a
 * message that says what to do.  To be freed before loader_attach().
 */
struct btf *loader_kernel_btf(const struct settings *settings);

/*
 * A loader for SETTINGS (borrowed) in the current network namespace, whose
 * inode number is NETNS: chooses the programs that the kernel of BTF (not kept)
 * can take.  NULL: no memory.
 */
struct loader *loader_new(const struct settings *settings, uint32_t netns, const struct btf *btf);
/*
 * Loads and attaches.  0, or -errno after one message on stderr that says what
 * to do:
 *   -EPERM  no privilege    -ENODEV no device to watch    others as the kernel gave them
 */
int loader_attach(struct loader *l);
/* Detaches everything.  Accepts NULL. */
void loader_close(struct loader *l);

/* What became of each point; valid until loader_close(). */
const struct point_status *loader_points(const struct loader *l, size_t *n);

/* Those that came or went since the last call, in OUT; returns how many. */
size_t loader_changes(struct loader *l, struct point_status out[HCT_POINT_COUNT]);

int loader_events_fd(const struct loader *l);
int loader_shared_fd(const struct loader *l);
int loader_flows_fd(const struct loader *l);
int loader_kept_fd(const struct loader *l);

/* A device came up: attaches there, too.  0, or -errno; already attached is 0. */
int loader_device_up(struct loader *l, unsigned ifindex);
/* A device is gone. */
void loader_device_gone(struct loader *l, unsigned ifindex);
/*
 * Looks for what comes and goes without a device's news, which is an XDP program attached by a BPF
 * link (dev_xdp_attach_link(), 5.9).  From the first call on it does so when loader_next_look()
 * has come, else nothing.
 */
void loader_look(struct loader *l, uint64_t now_ns);
/* When that is due; UINT64_MAX: there is nothing to look for. */
uint64_t loader_next_look(const struct loader *l);

/*
 * Attaches (on) or detaches the netfilter ladder, the costly point.  0, or
 * -errno when this kernel has no netfilter links.
 */
int loader_netfilter(struct loader *l, int on);
/*
 * The same with what reports each rule of nftables that decided about a packet
 * of a flow, in all namespaces: as NFT_TRACE, like any other event.
 */
int loader_nft_rules(struct loader *l, int on);
/* May it be had?  Only trying tells, once nftables is there. */
bool loader_has_nft_rules(const struct loader *l);

#endif
