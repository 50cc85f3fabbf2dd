/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What both sides of the bottle know: bpf/bottle.bpf.c and user/probe/.  The
 * bottle is a private namespace with an address of the load balancer's range;
 * a veth pair joins it to the namespace under watch.
 */
#ifndef HCT_BOTTLE_H
#define HCT_BOTTLE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define HCT_BOTTLE_MAX_FLOWS 4096

/* Read-only once loaded. */
struct hct_bottle_config {
	__u8 addr[16]; /* the bottle's, v4-mapped */
	__u32 bottle_ifindex; /* our end of the veth pair */
	__u32 real_ifindex; /* device that a probe from outside would arrive by */
	__u8 bottle_mac[6]; /* of the other end */
	__u8 real_mac[6];
	__u16 vlan; /* tag that it would arrive with; 0: none */
	__u16 pad;
};

/*
 * One flow of the bottle's: all that is redirected.  PORT is its own; of an echo the identifier.
 * Its value is how many of its requests were about to leave the host again.
 */
struct hct_bottle_flow {
	__be16 port;
	__u8 protocol; /* IPPROTO_* */
	__u8 pad;
};

enum hct_bottle_count {
	HCT_BOTTLE_SENT, /* packets put to the real device's ingress */
	HCT_BOTTLE_RETURNED, /* of the answer, taken back on their way out */
	HCT_BOTTLE_KEPT, /* requests that were about to leave the host again, from another address */
	HCT_BOTTLE_COUNTS
};

#endif
