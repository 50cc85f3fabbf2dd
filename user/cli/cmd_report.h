/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hctrace report FILE...: summarizes what was recorded, in any format. */
#ifndef HCT_CMD_REPORT_H
#define HCT_CMD_REPORT_H

#include "options.h"

int cmd_report(const struct settings *settings); /* returns an exit status */

#endif
