// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a run can see, by the points that are attached. */
#include "coverage.h"

uint32_t coverage_missing(const struct stream_start *start)
{
	static const enum hct_point twins[][2] = {
		{ HCT_POINT_TC_INGRESS, HCT_POINT_RECEIVE },
		{ HCT_POINT_TC_EGRESS, HCT_POINT_TRANSMIT },
	};
	uint32_t missing = 0, attached = 0;

	for (size_t i = 0; i < start->n_points; i++) {
		if (start->points[i].point >= HCT_POINT_COUNT)
			continue;
		if (start->points[i].attached)
			attached |= UINT32_C(1) << start->points[i].point;
		else
			missing |= UINT32_C(1) << start->points[i].point;
	}
	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		uint32_t pair = UINT32_C(1) << twins[i][0] | UINT32_C(1) << twins[i][1];

		if (attached & pair)
			attached |= pair;
		else if (missing & pair)
			missing |= pair;
	}
	return missing & ~attached;
}

uint32_t coverage_attached(const struct stream_start *start)
{
	uint32_t attached = 0;

	for (size_t i = 0; i < start->n_points; i++)
		if (start->points[i].point < HCT_POINT_COUNT && start->points[i].attached)
			attached |= UINT32_C(1) << start->points[i].point;
	return attached;
}
