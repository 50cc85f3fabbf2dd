/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* XDP and tc programs of others on this host's devices. */
#ifndef HCT_ATTACHED_H
#define HCT_ATTACHED_H

#include "check/check.h"

/*
 * Fills OUT with up to MAX programs of the devices that DEVICES lists, hctrace's
 * own left out; *N of them.  0; or -errno of what could not be asked (-EPERM:
 * tcx programs not without CAP_NET_ADMIN), with *N as far as it came.
 */
int attached_read(const struct host_devices *devices, struct attached_program *out, size_t max,
		  size_t *n);

#endif
