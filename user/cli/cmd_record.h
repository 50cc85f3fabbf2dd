/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_CMD_RECORD_H
#define HCT_CMD_RECORD_H

#include "options.h"

/* hctrace record -o FILE: records until interrupted or done.  Returns the exit status. */
int cmd_record(const struct settings *settings);

#endif
