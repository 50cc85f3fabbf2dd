/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this kernel lets hctrace see. */
#ifndef HCT_CAPABILITIES_H
#define HCT_CAPABILITIES_H

#include "check/check.h"

/*
 * Finds out which points a live run would have, and fills OUT with up to MAX
 * lines that say so; returns how many.  The programs are loaded, attached to
 * nothing, and gone again when this returns.
 */
size_t capabilities_read(const struct settings *settings, uint32_t netns, struct capability *out,
			 size_t max);

#endif
