/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict `no-probe` for a whole run, told like any other failure. */
#ifndef HCT_NO_PROBE_H
#define HCT_NO_PROBE_H

#include "engine.h"

struct no_probe {
	const struct settings *settings;
	const struct host *host; /* may be NULL */
	const struct host_devices *devices; /* as they were when the run began */
	const char *asked; /* what other requests asked for; may be NULL */
};

/* Did nothing come in a run of TOTALS? */
bool no_probe_holds(const struct totals *totals);
/*
 * Fills D for such a run: what was expected, and what to check.  Its outcome
 * is unknown where the run was too short to be sure.
 */
void no_probe_diagnose(const struct no_probe *n, const struct totals *totals, struct diagnosis *d);

#endif
