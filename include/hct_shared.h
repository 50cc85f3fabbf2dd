/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What both sides read and write while they run: the one value of the map
 * `shared`, which user space maps into its memory.
 */
#ifndef HCT_SHARED_H
#define HCT_SHARED_H

#include "hct_event.h"

struct hct_shared {
	/* Events that found no room in the ring, and flows that found none in the map. */
	__u64 lost[HCT_POINT_COUNT];
	/*
	 * The reader says whether it sleeps until it is woken (1), or comes by itself
	 * within HCT_PACE_NS (0): then an event need not wake it, unless the ring fills.
	 */
	__u32 reader_sleeps;
	__u32 hurried; /* the reader was woken because the ring fills; it takes that back */
	__u32 has_aliases; /* some flow was met with other addresses: they are worth looking for */
	__u32 pad;
};

#define HCT_PACE_NS 25000000ULL

#endif
