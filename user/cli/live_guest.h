/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a command does in the midst of a live run: hctrace probe sends what the run follows. */
#ifndef HCT_LIVE_GUEST_H
#define HCT_LIVE_GUEST_H

#include "diagnose/engine.h"
#include "stream/obs.h"

/* All of them are called by the run's thread. */
struct live_guest {
	void *ctx;
	/*
	 * All that observes is attached, and nothing was told yet.  0, or an exit status after
	 * a message.
	 */
	int (*attached)(void *ctx);
	/* Later the same for single devices. */
	void (*device_up)(void *ctx, unsigned ifindex);
	void (*device_gone)(void *ctx, unsigned ifindex);
	/* The run has begun. */
	void (*start)(void *ctx);
	/* A descriptor that becomes readable when done() may say something else. */
	int (*fd)(void *ctx);
	bool (*done)(void *ctx, uint64_t now_ns, const struct totals *totals);
	uint64_t (*next)(void *ctx); /* when to ask done() again in any case; UINT64_MAX: no need */
	bool (*is_ours)(void *ctx, const struct obs *o); /* what is not is left out */
	/* What the guest itself knows about P, which was diagnosed as D. */
	void (*judge)(void *ctx, const struct probe *p, struct diagnosis *d);
	int (*status)(void *ctx); /* the run's exit status */
	void (*close)(void *ctx); /* before what observes is detached; also after a failed start */
};

#endif
