// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Steady periods in a few arrival times. */
#include "rhythm.h"

#include <string.h>

#define MS UINT64_C(1000000)
#define SHORTEST_NS (400 * MS) /* the shortest interval of a check is 1 s: a burst is no rhythm */
#define JITTER_NS (50 * MS)
#define MAX_SKIPPED 3 /* checks that fell out, or were lost */

/* How far off a whole number of PERIODs a distance may be. */
static uint64_t tolerance(uint64_t period)
{
	return period / 5 + JITTER_NS;
}

/* Is DISTANCE one period, or a few? */
static bool fits(uint64_t distance, uint64_t period)
{
	uint64_t times = (distance + period / 2) / period, exact = times * period;
	uint64_t off = distance > exact ? distance - exact : exact - distance;

	return times >= 1 && times <= MAX_SKIPPED && off <= tolerance(period);
}

/* Ascending. */
static void sort(uint64_t *values, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		uint64_t value = values[i];
		unsigned j = i;

		for (; j > 0 && values[j - 1] > value; j--)
			values[j] = values[j - 1];
		values[j] = value;
	}
}

static uint64_t find_period(const struct rhythm *r)
{
	uint64_t distance[RHYTHM_TIMES], median;
	unsigned n = r->n ? r->n - 1 : 0, fitting = 0;

	if (n < 2)
		return 0;
	for (unsigned i = 0; i < n; i++)
		distance[i] = r->at_ns[i + 1] - r->at_ns[i];
	sort(distance, n);
	/* of two, the shorter: the longer may have skipped one */
	median = distance[(n - 1) / 2];
	if (median < SHORTEST_NS)
		return 0;
	for (unsigned i = 0; i < n; i++)
		fitting += fits(distance[i], median);
	return fitting * 4 >= n * 3 ? median : 0;
}

void rhythm_add(struct rhythm *r, uint64_t at_ns)
{
	unsigned i;

	if (r->n == RHYTHM_TIMES) {
		if (at_ns < r->at_ns[0])
			return;
		memmove(r->at_ns, r->at_ns + 1, (RHYTHM_TIMES - 1) * sizeof(r->at_ns[0]));
		r->n--;
	}
	for (i = r->n; i > 0 && r->at_ns[i - 1] > at_ns; i--)
		r->at_ns[i] = r->at_ns[i - 1];
	r->at_ns[i] = at_ns;
	r->n++;
	r->period_ns = find_period(r);
}

uint64_t rhythm_period_ns(const struct rhythm *r)
{
	return r->period_ns;
}

bool rhythm_expects(const struct rhythm *r, uint64_t at_ns)
{
	uint64_t period = rhythm_period_ns(r);
	unsigned i = r->n;

	if (!period)
		return false;
	while (i > 0 && r->at_ns[i - 1] >= at_ns)
		i--;
	/* the one before it; for an early straggler the one after it */
	if (i > 0)
		return fits(at_ns - r->at_ns[i - 1], period);
	return fits(r->at_ns[0] - at_ns, period);
}

bool rhythm_is_over(const struct rhythm *r, uint64_t at_ns)
{
	uint64_t period = rhythm_period_ns(r), last = rhythm_last_ns(r);

	return period && at_ns > last && at_ns - last > period + period / 2 + JITTER_NS;
}

unsigned rhythm_recent(const struct rhythm *r, uint64_t at_ns, uint64_t window_ns)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n; i++)
		n += r->at_ns[i] < at_ns && at_ns - r->at_ns[i] <= window_ns;
	return n;
}

uint64_t rhythm_last_ns(const struct rhythm *r)
{
	return r->n ? r->at_ns[r->n - 1] : 0;
}
