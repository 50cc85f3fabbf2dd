/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hctrace replay FILE: runs again what `live --save FILE` wrote. */
#ifndef HCT_CMD_REPLAY_H
#define HCT_CMD_REPLAY_H

#include "options.h"

/* Returns an exit status, as live would have: see enum exit_status. */
int cmd_replay(const struct settings *settings);

#endif
