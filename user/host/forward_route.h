/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where this host sends a packet that comes in for another address. */
#ifndef HCT_FORWARD_ROUTE_H
#define HCT_FORWARD_ROUTE_H

#include "host.h"

/* host_ops.forward_route, for the calling thread's network namespace. */
int forward_route_find(const uint8_t lb[16], const uint8_t target[16], const char *device,
		       uint32_t mark, struct host_forward_route *out);

#endif
