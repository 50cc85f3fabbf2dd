// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names of the observation points. */
#include "points.h"

#include <string.h>

static const struct {
	const char *name;
	const char *contract;
} points[HCT_POINT_COUNT] = {
#define X(ID, name, contract) [HCT_POINT_##ID] = { name, contract },
	HCT_POINTS(X)
#undef X
};

const char *point_name(enum hct_point point)
{
	return point < HCT_POINT_COUNT ? points[point].name : "?";
}

const char *point_contract(enum hct_point point)
{
	return point < HCT_POINT_COUNT ? points[point].contract : "";
}

int point_by_name(const char *name)
{
	for (int i = 0; i < HCT_POINT_COUNT; i++)
		if (strcmp(points[i].name, name) == 0)
			return i;
	return -1;
}

const char *points_tier(const struct point_status *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].point == HCT_POINT_ACCEPTED && list[i].attached)
			return "functions";
	return "tracepoints";
}
