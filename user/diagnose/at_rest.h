/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An open probe between two of its observations, in as little memory as it
 * takes: of a struct probe most members are empty until something goes wrong,
 * and most of a timeline is never used.  100,000 may be open.
 */
#ifndef HCT_AT_REST_H
#define HCT_AT_REST_H

#include "probe.h"

struct at_rest;

void at_rest_free(struct at_rest *r); /* accepts NULL */

/*
 * Its probe again, for further observations: of the timeline only the last
 * entry is set.
 */
void at_rest_wake(const struct at_rest *r, struct probe *p);
/* Sets the entries of P's timeline that at_rest_wake() left out. */
void at_rest_recall(const struct at_rest *r, struct probe *p);
/*
 * Takes over P, which was woken from *R (or is new: *R is NULL) and may have
 * been added to.  0, or -ENOMEM: then a part of what was added is lost.
 */
int at_rest_keep(struct at_rest **r, const struct probe *p);
/* Its probe, of which only what comes before `route` may be looked at. */
const struct probe *at_rest_head(const struct at_rest *r);

#endif
