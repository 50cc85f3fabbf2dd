/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A bar on a terminal's stderr for what takes longer than a second. */
#ifndef HCT_PROGRESS_H
#define HCT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on; /* there is a terminal that nothing else is printed to */
	bool shown;
	uint64_t start_ms, last_ms;
};

void progress_start(struct progress *p, bool on);
/* DONE of ALL; cheap enough to be called often. */
void progress_show(struct progress *p, uint64_t done, uint64_t all);
void progress_end(struct progress *p); /* takes the bar away */

#endif
