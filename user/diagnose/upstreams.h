/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections that processes of this host opened themselves, and that failed (point UPSTREAM). */
#ifndef HCT_UPSTREAMS_H
#define HCT_UPSTREAMS_H

#include "stream/obs.h"

struct upstream {
	uint64_t start_ns, end_ns;
	uint32_t netns;
	uint32_t pid, parent;
	char comm[HCT_COMM_LEN];
	uint8_t addr[16];
	uint16_t port; /* host byte order */
	int err; /* errno of the socket; 0: the process gave up */
	/* by upstreams_find(): so many of the process failed, and some of them went elsewhere */
	unsigned times;
	bool others;
};

#define UPSTREAMS_KEPT 64
struct upstreams {
	struct upstream ring[UPSTREAMS_KEPT];
	size_t next;
};

void upstreams_add(struct upstreams *u, const struct obs *o);
/* Did any begin and fail between FROM and UNTIL? */
bool upstreams_any(const struct upstreams *u, uint64_t from_ns, uint64_t until_ns);
/* The last that process PID, or a child of it, began and saw fail between FROM and UNTIL; false: none. */
bool upstreams_find(const struct upstreams *u, uint32_t pid, uint64_t from_ns, uint64_t until_ns,
		    struct upstream *out);

#endif
