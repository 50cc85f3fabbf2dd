// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a run can see, by the points that are attached. */
#include "coverage.h"

void coverage_take(struct coverage *c, const struct point_status *points, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (points[i].point >= HCT_POINT_COUNT)
			continue;
		*(points[i].attached ? &c->attached : &c->missing) |= UINT32_C(1) << points[i].point;
	}
}

void coverage_change(struct coverage *c, const struct point_status *points, size_t n,
		     uint64_t time_ns)
{
	for (size_t i = 0; i < n; i++) {
		if (points[i].point >= HCT_POINT_COUNT)
			continue;
		c->attached &= ~(UINT32_C(1) << points[i].point);
		c->missing &= ~(UINT32_C(1) << points[i].point);
		c->changed_ns[points[i].point] = time_ns;
	}
	coverage_take(c, points, n);
}

uint32_t coverage_changed(const struct coverage *c, uint64_t start_ns)
{
	uint32_t points = 0;

	for (int i = 0; i < HCT_POINT_COUNT; i++)
		if (c->changed_ns[i] && c->changed_ns[i] >= start_ns)
			points |= UINT32_C(1) << i;
	return points;
}

uint32_t coverage_missing(const struct coverage *c)
{
	static const enum hct_point twins[][2] = {
		{ HCT_POINT_TC_INGRESS, HCT_POINT_RECEIVE },
		{ HCT_POINT_TC_EGRESS, HCT_POINT_TRANSMIT },
	};
	uint32_t missing = c->missing, attached = c->attached;

	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		uint32_t pair = UINT32_C(1) << twins[i][0] | UINT32_C(1) << twins[i][1];

		if (attached & pair)
			attached |= pair;
		else if (missing & pair)
			missing |= pair;
	}
	return missing & ~attached;
}
