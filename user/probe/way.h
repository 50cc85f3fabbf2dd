/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way of a probe: from which address, to which, and in by which device. */
#ifndef HCT_WAY_H
#define HCT_WAY_H

#include "cli/options.h"
#include "include/hct_bottle.h"
#include "links.h"

struct way {
	uint8_t from[16]; /* v4-mapped */
	uint8_t target[16];
	char device[IF_NAMESIZE]; /* that has the address, or the route to it */
	char port[IF_NAMESIZE]; /* by which it is reached from outside: often the same */
	unsigned port_ifindex;
	uint16_t vlan;
	uint8_t mac[6]; /* of DEVICE */
	bool has_gateway_mac;
	uint8_t gateway_mac[6]; /* of the router that a packet from outside comes from */
	int lock; /* keeps FROM for this bottle */
	bool in_use; /* FROM is the range's only address: somebody may have it */
};

/*
 * Finds the way that SETTINGS ask for, in the calling thread's namespace.  0, or an
 * exit status after a message on stderr.  way_close() in both cases.
 */
int way_find(struct way *w, const struct settings *settings);
void way_close(struct way *w);

#endif
