/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses of this host's devices. */
#ifndef HCT_ADDRESSES_H
#define HCT_ADDRESSES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_address {
	uint8_t addr[16]; /* v4-mapped */
	uint8_t len; /* of its network, in the v4-mapped form: /24 has 120 */
	bool global; /* reachable from outside: not loopback, not link-local */
	char device[IFNAMSIZ];
};
#define HOST_MAX_ADDRESSES 128
struct host_addresses {
	size_t n;
	bool truncated;
	struct host_address a[HOST_MAX_ADDRESSES];
};

bool address_is_ipv6(const uint8_t addr[16]); /* else it is v4-mapped */

/* In the network namespace of the calling thread.  0 or -errno. */
int addresses_read(struct host_addresses *out);

#endif
