/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_CMD_PROBE_H
#define HCT_CMD_PROBE_H

#include "options.h"

/* hctrace probe: sends a check through this host and says what becomes of it.  Returns an exit status. */
int cmd_probe(const struct settings *settings);

#endif
