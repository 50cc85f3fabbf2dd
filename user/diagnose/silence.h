/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict no-probe, which is about no probe and so has no facts of one. */
#ifndef HCT_SILENCE_H
#define HCT_SILENCE_H

#include "host/host.h"
#include "services.h"
#include "verdict.h"

struct silence {
	const struct settings *settings;
	const struct host *host; /* may be NULL */
	const struct service *service; /* that was not probed */
	const struct host_devices *devices_before; /* as they were when the run began */
	uint64_t now_ns;
	bool own_xdp; /* XDP programs may be hctrace's own */
	bool lossy; /* events were lost since the last probe */
	const char *asked; /* what other requests asked for; NULL or "": not known */
};

void diagnose_silence(const struct silence *s, struct diagnosis *d);

#endif
