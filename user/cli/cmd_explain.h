/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `hctrace explain [VERDICT]`: the catalogue, on stdout. */
#ifndef HCT_CMD_EXPLAIN_H
#define HCT_CMD_EXPLAIN_H

#include "options.h"

/* Returns the exit status. */
int cmd_explain(const struct settings *settings);

#endif
