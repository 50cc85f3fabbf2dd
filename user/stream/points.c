// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names of the observation points and what the lack of one costs. */
#include "points.h"

#include <string.h>

#define MAX_COSTS 12

static const struct {
	const char *name;
	const char *contract;
} points[HCT_POINT_COUNT] = {
#define X(ID, name, contract) [HCT_POINT_##ID] = { name, contract },
	HCT_POINTS(X)
#undef X
};

/* RECEIVE and TRANSMIT stand in for tc, XDP is extra: missing, they cost nothing by themselves. */
static const struct {
	size_t n;
	enum verdict_id verdicts[MAX_COSTS];
} costs[HCT_POINT_COUNT] = {
	[HCT_POINT_TC_INGRESS] = { 3, { VERDICT_HTTP_STATUS, VERDICT_ACCEPT_QUEUE_FULL, VERDICT_NOT_HTTP } },
	[HCT_POINT_TC_EGRESS] = { 2, { VERDICT_HTTP_STATUS, VERDICT_NOT_HTTP } },
	[HCT_POINT_ROUTE] = { 1, { VERDICT_NO_ROUTE_BACK } },
	[HCT_POINT_DROP] = { 9, { VERDICT_FIREWALL_DROP, VERDICT_RP_FILTER, VERDICT_GATEWAY_UNREACHABLE,
				  VERDICT_REPLY_DROPPED, VERDICT_TC_DROP, VERDICT_MARTIAN_SOURCE,
				  VERDICT_POLICY_DROP, VERDICT_FORWARD_DROP, VERDICT_KERNEL_DROP } },
	[HCT_POINT_SOCKET_STATE] = { 2, { VERDICT_APP_NOT_ACCEPTING, VERDICT_APP_CLOSED } },
	[HCT_POINT_RESET_SENT] = { 2, { VERDICT_NO_LISTENER, VERDICT_FIREWALL_REJECT } },
	[HCT_POINT_ICMP_SENT] = { 2, { VERDICT_UDP_NO_LISTENER, VERDICT_UNREACHABLE_SUPPRESSED } },
	[HCT_POINT_LIBWRAP] = { 1, { VERDICT_TCP_WRAPPERS } },
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

const enum verdict_id *point_costs(enum hct_point point, size_t *n)
{
	*n = point < HCT_POINT_COUNT ? costs[point].n : 0;
	return *n ? costs[point].verdicts : NULL;
}
