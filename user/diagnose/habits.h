/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What comes from which node to which target, and how regularly: by it a check
 * is told from a user's request that was routed through the load balancer.
 */
#ifndef HCT_HABITS_H
#define HCT_HABITS_H

#include "probe.h"

/* What history says of a request, which it does not hold yet. */
struct habit_view {
	bool check_known; /* something comes to this target at a steady period … */
	bool like_check; /* … and the request is like it (same method, path, Host) */
	bool on_time; /* the like of it is due from this node now */
	bool off_time; /* it came in between, while those at its time keep coming */
	bool again; /* the like of it came from this node about one interval ago */
	unsigned crowd; /* the like of it, off time, from this node within the last period */
	unsigned mixture; /* different other requests of this node within the last interval */
	bool has_traffic; /* users' requests come to this target */
	bool keeps; /* those of this node that are like it leave their connection open */
	uint64_t period_ns; /* of the check, 0 unknown */
};

struct habits;
struct habits *habits_new(uint64_t interval_ns); /* NULL: no memory */
void habits_free(struct habits *h); /* accepts NULL */
void habits_look(struct habits *h, const struct probe *p, struct habit_view *view);
/*
 * Remembers P, which VIEW was of and which was taken for a check, or for
 * TRAFFIC.  VIEW NULL: it can be no check, however regularly it comes.
 */
void habits_note(struct habits *h, const struct probe *p, const struct habit_view *view,
		 bool traffic);

#endif
