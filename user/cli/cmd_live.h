/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_CMD_LIVE_H
#define HCT_CMD_LIVE_H

#include "options.h"

/* hctrace [live]: traces until interrupted or done.  Returns the exit status. */
int cmd_live(const struct settings *settings);

#endif
