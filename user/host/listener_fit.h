/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Does a socket take what comes in?  As the kernel's look-up decides it. */
#ifndef HCT_LISTENER_FIT_H
#define HCT_LISTENER_FIT_H

#include "host.h"

/* Where a packet comes in. */
struct arrival {
	char device[IFNAMSIZ]; /* "": not known, so none is excluded */
	char vrf[IFNAMSIZ]; /* the routing domain that the device is in; "": none, or not known */
	bool vrf_for_all; /* sockets bound to no device take what comes by a VRF (l3mdev_accept) */
};

/* The nearest miss first. */
enum listener_fit {
	LISTENER_TAKES,
	LISTENER_OF_DEVICE, /* for another device alone */
	LISTENER_OUTSIDE_VRF, /* bound to no device, which is not enough in a VRF */
	LISTENER_OF_FAMILY, /* for the other version of IP alone */
	LISTENER_OF_ADDRESS /* for another address alone */
};

bool listener_is_of_any(const struct host_listener *l);
/* What keeps L, whose port and namespace are right, from what comes for TARGET by IN. */
enum listener_fit listener_fit(const struct host_listener *l, const uint8_t target[16],
			       const struct arrival *in);
/* Of two that take it, the kernel's look-up prefers the one with the greater number. */
unsigned listener_preference(const struct host_listener *l, const uint8_t target[16]);

#endif
