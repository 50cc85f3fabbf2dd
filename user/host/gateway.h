/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The router that a missing way back would have to lead over, and what forbids that way. */
#ifndef HCT_GATEWAY_H
#define HCT_GATEWAY_H

#include "host.h"

/* host_ops.gateway, for the calling thread's network namespace. */
int gateway_find(const uint8_t target[16], const uint8_t lb[16], const char *device,
		 struct host_gateway *out);

#endif
