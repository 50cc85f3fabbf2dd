// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Load balancers: source addresses and defaults, from their public manuals.
 * Where a product has no defaults of its own (envoy), those are common ones.
 */
#include "presets.h"

#include <stdio.h>
#include <string.h>

/*
 * Name, sources, expected codes, then interval, timeout (s), failures in a row; what it
 * goes by in an HTTP answer and without HTTP, how it ends, and whether it keeps its
 * connection.
 */
const struct preset presets[] = {
	{ "elb", { "100.125.0.0/16" },
	  { { 200, 200 }, { 202, 202 }, { 401, 401 } }, 5, 3, 3,
	  JUDGES_UNKNOWN, TCP_CHECK_CONNECTS, ENDS_BY_RST },
	{ "elb-dedicated", { NULL }, { { 200, 200 } }, 5, 3, 3,
	  JUDGES_UNKNOWN, TCP_CHECK_CONNECTS, ENDS_BY_RST },
	{ "gcp",
	  { "35.191.0.0/16", "130.211.0.0/22", "2600:2d00:1:b029::/64", "2600:2d00:1:1::/64" },
	  { { 200, 200 } }, 5, 5, 2 },
	{ "azure", { "168.63.129.16/32" }, { { 200, 200 } }, 15, 5, 2,
	  JUDGES_UNKNOWN, TCP_CHECK_CONNECTS, ENDS_BY_FIN },
	{ "alibaba", { "100.64.0.0/10" }, { { 200, 399 } }, 2, 5, 3,
	  JUDGES_UNKNOWN, TCP_CHECK_CONNECTS, ENDS_BY_RST },
	{ "tencent", { "100.64.0.0/10" }, { { 100, 499 } }, 5, 2, 3 },
	{ "aws-nlb", { NULL }, { { 200, 399 } }, 30, 10, 3, JUDGES_UNKNOWN, TCP_CHECK_CONNECTS },
	{ "aws-alb", { NULL }, { { 200, 200 } }, 30, 5, 2 },
	{ "haproxy", { NULL }, { { 200, 399 } }, 2, 2, 3, JUDGES_STATUS },
	{ "keepalived", { NULL }, { { 200, 299 } }, 60, 5, 2 },
	{ "envoy", { NULL }, { { 200, 200 } }, 5, 1, 3, .keeps = true },
	{ "kubelet", { NULL }, { { 200, 399 } }, 10, 1, 3, JUDGES_UNKNOWN, TCP_CHECK_CONNECTS,
	  ENDS_BY_FIN },
};
const size_t n_presets = sizeof(presets) / sizeof(presets[0]);

/* The cloud's own nodes take addresses of a subnet; the others are single hosts. */
static const char *const in_subnets[] = { "elb-dedicated", "aws-nlb", "aws-alb" };

const struct preset *preset_find(const char *text, const char **subnets)
{
	size_t len = strcspn(text, ":");

	*subnets = text[len] == ':' ? text + len + 1 : NULL;
	for (size_t i = 0; i < n_presets; i++)
		if (strlen(presets[i].name) == len && memcmp(presets[i].name, text, len) == 0)
			return &presets[i];
	return NULL;
}

const char *preset_argument(const struct preset *preset)
{
	if (preset->from[0])
		return NULL;
	for (size_t i = 0; i < sizeof(in_subnets) / sizeof(in_subnets[0]); i++)
		if (strcmp(in_subnets[i], preset->name) == 0)
			return "SUBNET";
	return "ADDR";
}

const char *judges_name(enum client_judges judges)
{
	switch (judges) {
	case JUDGES_STATUS:
	case JUDGES_STATUS_PROBABLY:
		return "status";
	case JUDGES_STATUS_LINE:
		return "status-line";
	case JUDGES_WHOLE_ANSWER:
		return "whole-answer";
	case JUDGES_UNKNOWN:
		break;
	}
	return NULL;
}

void preset_manner(char out[PRESET_MANNER_LEN], const struct preset *preset)
{
	static const char *const ends[] = { [ENDS_ANYHOW] = "", [ENDS_BY_RST] = ", ended by RST",
					    [ENDS_BY_FIN] = ", ended by FIN" };

	snprintf(out, PRESET_MANNER_LEN, "HTTP by %s; without HTTP by %s%s; %s",
		 preset->judges == JUDGES_UNKNOWN ? "status, and by the body where so configured" :
						    "the status",
		 preset->tcp == TCP_CHECK_CONNECTS ? "the handshake" :
						     "the handshake or an answer, as configured",
		 ends[preset->ends], preset->keeps ? "one connection for many checks" :
						     "a connection for each check");
}
