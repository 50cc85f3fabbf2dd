/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Probe or traffic: a load balancer's range carries users' requests, too.
 * They are told apart by shape, by repetition, and by what the check is known
 * to ask for.
 */
#ifndef HCT_KIND_H
#define HCT_KIND_H

#include "cli/options.h"
#include "habits.h"
#include "probe.h"

struct kind {
	bool traffic; /* a user's request, else a check */
	bool never_check; /* such a one can be no check, however regularly it comes */
	enum told_by told_by;
};

/* P is over; VIEW is what was known before it. */
struct kind kind_of(const struct settings *s, const struct probe *p, const struct habit_view *view);

/* "period": stable once shipped; NULL for TOLD_BY_NOTHING. */
const char *told_by_name(enum told_by by);
/* Is what was told by BY a user's request?  (That of --path is never reported as one.) */
bool told_by_is_users(enum told_by by);
/* "by its steady period": the reason in words. */
const char *told_by_text(enum told_by by);

#endif
