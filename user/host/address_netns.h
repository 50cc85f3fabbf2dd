/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which network namespace of this host has an address. */
#ifndef HCT_ADDRESS_NETNS_H
#define HCT_ADDRESS_NETNS_H

#include <stdint.h>

/* As host_ops.address_netns. */
int address_netns_find(const uint8_t addr[16], uint32_t *out);

#endif
