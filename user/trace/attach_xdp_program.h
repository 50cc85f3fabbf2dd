/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches what other people's XDP programs do with the probes of a device. */
#ifndef HCT_ATTACH_XDP_PROGRAM_H
#define HCT_ATTACH_XDP_PROGRAM_H

#include <stddef.h>

#include "programs.h"

#define XDP_WORDS_LEN 96

struct xdp_watch;

struct xdp_watch *xdp_watch_new(const struct programs *programs); /* borrowed; NULL: no memory */
void xdp_watch_free(struct xdp_watch *w); /* accepts NULL */

/*
 * Watches the program that device IFINDEX has now, and no longer one that is on no
 * device any more.  To be called again when the device changed.  0, or -errno;
 * WORDS then says which program cannot be watched.
 */
int xdp_watch_device(struct xdp_watch *w, unsigned ifindex, char words[XDP_WORDS_LEN]);
/* Programs that are watched. */
size_t xdp_watch_count(const struct xdp_watch *w);

#endif
