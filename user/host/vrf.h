/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_VRF_H
#define HCT_VRF_H

#include <stdint.h>

/*
 * The table of the VRF that device IFINDEX of the calling thread's network
 * namespace belongs to.  1 and *TABLE set, 0: it belongs to none; or -errno.
 */
int vrf_of_device(unsigned ifindex, uint32_t *table);

#endif
