/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_ROUTES_H
#define HCT_ROUTES_H

#include "host.h"

/*
 * The route that a reply from TARGET to LB takes in the calling thread's
 * network namespace; both v4-mapped or both IPv6.  When TARGET is no address
 * of this namespace, the source is left out of the question.
 *
 * Returns 0 with out->err saying what the kernel's look-up answered, or
 * -errno when it could not be asked.
 */
int routes_back(const uint8_t target[16], const uint8_t lb[16], struct host_route *out);

#endif
