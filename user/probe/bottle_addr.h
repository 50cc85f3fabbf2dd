/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An address of the load balancer's range that nobody uses. */
#ifndef HCT_BOTTLE_ADDR_H
#define HCT_BOTTLE_ADDR_H

#include "cli/options.h"

/*
 * Chooses ADDR (v4-mapped) of SETTINGS' networks, of TARGET's family: no address, route or
 * neighbour of this host's, of no tracked connection, and for a second no packet's.  It
 * takes that second.  *LOCK, a descriptor, keeps other bottles of this namespace from it.
 * *IN_USE: the range is so small that there was no choice, and somebody has it.
 * 0, -EADDRINUSE: other bottles have them, -EADDRNOTAVAIL: it is TARGET itself, or -errno.
 */
int bottle_addr_choose(const struct settings *settings, const uint8_t target[16],
		       uint8_t addr[16], int *lock, bool *in_use);
/*
 * A descriptor that keeps other bottles of this namespace from ADDR, or -errno: -EADDRINUSE,
 * one has it.
 */
int bottle_addr_lock(const uint8_t addr[16]);

#endif
