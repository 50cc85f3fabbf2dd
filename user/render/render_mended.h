/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ended a failure (hctrace probe --until-healthy), as text or as a line of JSON. */
#ifndef HCT_RENDER_MENDED_H
#define HCT_RENDER_MENDED_H

#include <stdint.h>

#include "cli/options.h"
#include "probe/changes.h"

struct mended {
	uint64_t failed; /* probes before; 0: it was healthy at once */
	int64_t failed_wall_ns, healthy_wall_ns; /* when the last failure and the first success were sent */
	const struct changes *changes; /* NULL: could not be read */
};

void render_mended(FILE *out, const struct settings *settings, const struct mended *m);

#endif
