/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hctrace bundle FILE...|--duration T -o OUT.tar.gz: everything that support needs. */
#ifndef HCT_CMD_BUNDLE_H
#define HCT_CMD_BUNDLE_H

#include "options.h"

/* Returns an exit status; 0: the bundle is there, whatever became of the probes. */
int cmd_bundle(const struct settings *settings);

#endif
