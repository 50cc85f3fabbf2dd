/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A live run: load, listen, diagnose, until interrupted or done. */
#ifndef HCT_RUN_LIVE_H
#define HCT_RUN_LIVE_H

#include "diagnose/engine.h"
#include "live_guest.h"
#include "options.h"
#include "render/render.h"

/* How a run shows itself: what differs between the commands. */
struct live_view {
	const struct renderer *renderer;
	FILE *out; /* that it writes to */
	const struct live_guest *guest; /* NULL: a run that only watches */
	/*
	 * CTX is what the renderer's open() returned; each may be NULL.  SIZE: bytes
	 * of the recording, 0 without one.
	 */
	/* Once a second, while the run goes on. */
	void (*second)(void *ctx, uint64_t now_ns, const struct totals *totals, uint64_t size);
	/* The run ended, and all of it that is recorded is in the file. */
	void (*done)(void *ctx, uint64_t size);
};

/* Returns an exit status. */
int run_live(const struct settings *settings, const struct live_view *view);

#endif
