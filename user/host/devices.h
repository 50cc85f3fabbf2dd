/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_DEVICES_H
#define HCT_DEVICES_H

#include "host.h"

/*
 * The devices of the calling thread's network namespace but loopback, lowest
 * ifindex first.  "up": administratively up and with a carrier.  rx_dropped
 * includes what the hardware had no room for (rx_missed).  0 or -errno.
 */
int devices_read(struct host_devices *out);

/*
 * The name of device IFINDEX, and the number of device NAME, in the calling
 * thread's network namespace.  0, -ENODEV there is none (any more), or -errno:
 * libc's functions for it say "none" where a file cannot be opened, too.
 */
int device_name(unsigned ifindex, char name[IFNAMSIZ]);
int device_index(const char *name, unsigned *ifindex);

/* Is NAME a bridge of the calling thread's network namespace?  False also where that is not known. */
bool device_is_bridge(const char *name);

#endif
