/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stream between a source (live or a recording) and its consumers (the
 * engine, a recorder).  Both kinds of source call the same functions in the
 * same order, so live and replay are one code path.
 */
#ifndef HCT_STREAM_H
#define HCT_STREAM_H

#include "obs.h"

/* One observation point as the loader found it. */
struct point_status {
	enum hct_point point;
	bool attached;
	const char *detail; /* attached: how ("tcx on eth0"); else why not; interned */
};

/* What is known before the first event. */
struct stream_start {
	const char *kernel; /* uname -r */
	uint64_t time_ns; /* CLOCK_MONOTONIC at start */
	int64_t wall_offset_ns; /* CLOCK_REALTIME − CLOCK_MONOTONIC */
	uint32_t netns; /* inode number of the namespace under watch */
	const char *netns_name; /* "" when it has none */
	const char *host; /* the traced host's name; NULL: not recorded */
	const char *run; /* what tells this run from any other, 16 hex digits; NULL: not recorded */
	const struct point_status *points;
	size_t n_points;
};

struct stream_sink {
	void (*start)(void *ctx, const struct stream_start *start);
	void (*obs)(void *ctx, const struct obs *o);
	/* COUNT events of POINT were lost between the previous call and TIME_NS. */
	void (*lost)(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns);
	/* Time has reached NOW_NS and everything before it has been delivered. */
	void (*tick)(void *ctx, uint64_t now_ns);
	void (*end)(void *ctx, uint64_t now_ns);
	/*
	 * At TIME_NS these points came to be attached, or no longer are; what is not
	 * among them is as it was.  Details are interned.
	 */
	void (*points)(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns);
};

#endif
