/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When something like a check came, and whether it comes at a steady period.
 * Times are those of arrival (CLOCK_MONOTONIC, ns), added in any order.
 */
#ifndef HCT_RHYTHM_H
#define HCT_RHYTHM_H

#include <stdbool.h>
#include <stdint.h>

#define RHYTHM_TIMES 12

struct rhythm {
	uint64_t at_ns[RHYTHM_TIMES]; /* the last ones, ascending */
	uint64_t period_ns; /* that they show: asked for several times a probe */
	unsigned n;
};

void rhythm_add(struct rhythm *r, uint64_t at_ns);
/* The median distance of two in a row; 0: too few (three are needed), or not steady. */
uint64_t rhythm_period_ns(const struct rhythm *r);
/* Does AT_NS fit a steady period?  False where there is none. */
bool rhythm_expects(const struct rhythm *r, uint64_t at_ns);
/* Has a steady period been broken off by AT_NS, so that it predicts nothing any more? */
bool rhythm_is_over(const struct rhythm *r, uint64_t at_ns);
/* How many of them came in the WINDOW_NS before AT_NS (AT_NS itself not counted). */
unsigned rhythm_recent(const struct rhythm *r, uint64_t at_ns, uint64_t window_ns);
/* The latest, 0: none. */
uint64_t rhythm_last_ns(const struct rhythm *r);

#endif
