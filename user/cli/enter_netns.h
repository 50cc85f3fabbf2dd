/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_ENTER_NETNS_H
#define HCT_ENTER_NETNS_H

#include "options.h"

/* Enters the network namespace of --netns, if given.  0, or -errno after a message. */
int enter_netns(const struct settings *settings);

#endif
