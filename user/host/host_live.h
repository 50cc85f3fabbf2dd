/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The running host's answers to the questions of host.h. */
#ifndef HCT_HOST_LIVE_H
#define HCT_HOST_LIVE_H

#include "host.h"

/*
 * Answers for the network namespace of the calling thread, in which it must
 * stay.  0 or -ENOMEM.  Give it back with host_live_close().
 */
int host_live_open(struct host *out);
void host_live_close(struct host *host);

#endif
