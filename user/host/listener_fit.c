// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Does a socket take what comes in?  inet_bound_dev_eq() and compute_score() of the kernel. */
#include "listener_fit.h"

#include <netinet/in.h>
#include <string.h>

#include "base/address.h"

bool listener_is_of_any(const struct host_listener *l)
{
	static const uint8_t any[16], any_v4[16] = { [10] = 0xff, [11] = 0xff };

	return memcmp(l->addr, any, 16) == 0 || memcmp(l->addr, any_v4, 16) == 0;
}

static bool is_v4(const uint8_t addr[16])
{
	return addr_is_ipv4(addr);
}

static bool takes_device(const struct host_listener *l, const struct arrival *in)
{
	return !l->device[0] || !in->device[0] || strcmp(l->device, in->device) == 0 ||
	       (in->vrf[0] && strcmp(l->device, in->vrf) == 0);
}

enum listener_fit listener_fit(const struct host_listener *l, const uint8_t target[16],
			       const struct arrival *in)
{
	bool v4 = is_v4(target);

	if (!listener_is_of_any(l) && memcmp(l->addr, target, 16) != 0)
		return LISTENER_OF_ADDRESS;
	if (listener_is_of_any(l) && (v4 ? l->v6only : l->v4only || is_v4(l->addr)))
		return LISTENER_OF_FAMILY;
	if (!takes_device(l, in))
		return LISTENER_OF_DEVICE;
	if (!l->device[0] && in->vrf[0] && !in->vrf_for_all)
		return LISTENER_OUTSIDE_VRF;
	return LISTENER_TAKES;
}

unsigned listener_preference(const struct host_listener *l, const uint8_t target[16])
{
	return (l->device[0] ? 4 : 0) + (listener_is_of_any(l) ? 0 : 2) +
	       (l->v4only == is_v4(target) ? 1 : 0);
}
