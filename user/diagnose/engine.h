/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The engine: observations in, diagnosed probes out.
 *
 * It follows every probe in flight, decides when one is over (an end seen on
 * the wire, or the check's timeout) and hands it, diagnosed, to its listener.
 * It neither prints nor reads the clock: time comes with the stream.
 */
#ifndef HCT_ENGINE_H
#define HCT_ENGINE_H

#include "host/host.h"
#include "cli/options.h"
#include "probe.h"
#include "stream/stream.h"
#include "targets.h"
#include "verdict.h"

struct engine;
struct totals;

/* Called by the engine; every function may be NULL. */
struct engine_listener {
	void (*start)(void *ctx, const struct stream_start *start);
	/*
	 * A probe is over.  With verdict no-probe P is none: it names the target
	 * (port 0: any) that nothing came for between its start_ns and end_ns.
	 */
	void (*probe)(void *ctx, const struct probe *p, const struct diagnosis *d);
	/* The state that the load balancer should hold of a target changed, or the run ends. */
	void (*target)(void *ctx, const struct target *t);
	void (*lost)(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns);
	void (*end)(void *ctx, const struct totals *totals);
	/* Before anything is counted: what is known about P from elsewhere may change D. */
	void (*judge)(void *ctx, const struct probe *p, struct diagnosis *d);
	/* Points were lost, or came back. */
	void (*points)(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns);
	/* The connection of P is kept, and is (or is not) a steady check's: are its requests WANTED? */
	void (*follow)(void *ctx, const struct probe *p, bool wanted);
};

struct totals {
	uint64_t probes, passed, failed, unknown;
	uint64_t lost; /* events, over all points */
	uint64_t silences; /* `no-probe` reports: they are no probes */
	uint64_t traffic; /* users' requests that were left out: they are no probes (kind.h) */
	uint64_t unplaced; /* probes of more targets and nodes than are kept apart (TARGETS_MAX) */
	uint64_t unfinished; /* probes still undecided when the run ended */
	uint64_t start_ns, end_ns;
	/* At the end of a run in which nothing came: why; lives as long as the call.  Else NULL. */
	const struct diagnosis *no_probe;
};

/* SETTINGS, HOST and LISTENER are borrowed.  NULL: no memory. */
struct engine *engine_new(const struct settings *settings, const struct host *host,
			  const struct engine_listener *listener, void *listener_ctx);
void engine_free(struct engine *e); /* accepts NULL */

extern const struct stream_sink engine_sink; /* its ctx is a struct engine * */

/* When the next timer is due (CLOCK_MONOTONIC of the stream), UINT64_MAX: none. */
uint64_t engine_next_timer(const struct engine *e);
const struct totals *engine_totals(const struct engine *e);
/* The exit status that the run so far deserves: EXIT_ALL_HEALTHY, EXIT_SOME_FAILED or EXIT_NOTHING_ARRIVED. */
int engine_exit_status(const struct engine *e);

#endif
