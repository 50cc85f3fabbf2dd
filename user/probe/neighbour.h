/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the load balancer's range lies in a subnet of this host's, answers go to it without a
 * router: the kernel asks for the bottle's hardware address, and nobody is there to tell.
 */
#ifndef HCT_NEIGHBOUR_H
#define HCT_NEIGHBOUR_H

#include "bottle.h"
#include "way.h"

/*
 * Has another host of the subnet the address that W probes from?  Takes half a second when none
 * has.
 */
bool neighbour_has_address(const struct way *w);

struct neighbour;
/*
 * Enters the bottle as a neighbour where W needs it, until neighbour_close() or the
 * death of this process.  *OUT is NULL where it is not needed.  0 or -errno.
 */
int neighbour_open(struct neighbour **out, const struct way *w, const uint8_t mac[6]);
void neighbour_close(struct neighbour *n); /* accepts NULL */
/* Removes what was left where even neighbour_close()'s stand-in was killed; returns how many. */
unsigned neighbour_sweep(void);

#endif
