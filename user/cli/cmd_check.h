/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_CMD_CHECK_H
#define HCT_CMD_CHECK_H

#include "options.h"

/* Looks at the host as SETTINGS say, prints what it finds, returns an exit status. */
int cmd_check(const struct settings *settings);

#endif
