/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The veth pair between the namespace under watch and the bottle.  All return 0 or -errno. */
#ifndef HCT_BOTTLE_LINK_H
#define HCT_BOTTLE_LINK_H

#include <stdint.h>

/* A pair: NAME in the calling thread's namespace, "eth0" with MAC in that of descriptor NETNS. */
int bottle_link_make(const char *name, int netns, const uint8_t mac[6]);
/* Our end up, without any address: nothing on this host shall use it. */
int bottle_link_outside(unsigned ifindex);
/* In the bottle: ADDR (v4-mapped) on its end, and every way leads over it. */
int bottle_link_inside(const uint8_t addr[16]);
int bottle_link_remove(unsigned ifindex); /* both ends */

#endif
