/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict `no-probe`: a run in which nothing arrived, told like any other failure. */
#ifndef HCT_NO_PROBE_H
#define HCT_NO_PROBE_H

#include "engine.h"

/* The devices as they were when the run began. */
struct no_probe {
	const struct settings *settings;
	const struct host *host;
	bool has_devices;
	bool own_xdp; /* an XDP program of the devices may be ours */
	struct host_devices devices;
};

/* SETTINGS and HOST (may be NULL) are borrowed. */
void no_probe_init(struct no_probe *n, const struct settings *settings, const struct host *host);
void no_probe_start(struct no_probe *n, const struct stream_start *start);
/* Fills D for a run of TOTALS without probes: what was expected, and what to check. */
void no_probe_diagnose(const struct no_probe *n, const struct totals *totals, struct diagnosis *d);

#endif
