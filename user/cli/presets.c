// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Load balancers: source addresses and defaults, from their public manuals.
 * Where a product has no defaults of its own (envoy), those are common ones.
 */
#include "presets.h"

#include <stdio.h>
#include <string.h>

#define ELB_WHERE                                                                              \
	"the load balancer, its listener, the backend server group, Health Check, Configure"
#define CLOUD_FILTERS                                                                          \
	.group = "security group", .acl = "network ACL", .add = "Inbound Rules, Add Rule"

/*
 * Name, sources, expected codes, then interval, timeout (s), failures in a row; what it
 * goes by in an HTTP answer and without HTTP, how it ends, and whether it keeps its
 * connection; and where all this is set.
 */
const struct preset presets[] = {
	{ "elb", { "100.125.0.0/16" },
	  { { 200, 200 }, { 202, 202 }, { 401, 401 } }, 5, 3, 3,
	  JUDGES_UNKNOWN, TCP_CHECK_CONNECTS, ENDS_BY_RST,
	  .words = { "ELB", .host = "Domain Name", .tcp = "protocol TCP", CLOUD_FILTERS,
		     .where = ELB_WHERE,
		     .note = "An enhanced load balancer takes 200, 202 and 401 for a pass, a "
			     "classic one 2xx and 3xx (--lb elb-classic); a TCP listener with an "
			     "HTTP check takes 200 alone (--expect-codes 200)." } },
	{ "elb-dedicated", { NULL }, { { 200, 200 } }, 5, 3, 3,
	  JUDGES_UNKNOWN, TCP_CHECK_CONNECTS, ENDS_BY_RST, .in_subnet = true,
	  .words = { "ELB", .host = "Domain Name", .codes = "Status Code",
		     .tcp = "protocol TCP", CLOUD_FILTERS, .where = ELB_WHERE,
		     .note = "A dedicated load balancer takes 200 for a pass, unless other codes "
			     "are set there." } },
	{ "elb-classic", { "100.125.0.0/16" }, { { 200, 399 } }, 5, 3, 3,
	  JUDGES_UNKNOWN, TCP_CHECK_CONNECTS, ENDS_BY_RST, .in_subnet = true,
	  .words = { "ELB", .tcp = "protocol TCP", CLOUD_FILTERS, .where = ELB_WHERE,
		     .note = "A classic load balancer takes 2xx and 3xx for a pass. A public one "
			     "checks from 100.125.0.0/16, a private one by TCP from the VPC's own "
			     "network (--lb elb-classic:SUBNET)." } },
	{ "gcp",
	  { "35.191.0.0/16", "130.211.0.0/22", "2600:2d00:1:b029::/64", "2600:2d00:1:1::/64" },
	  { { 200, 200 } }, 5, 5, 2,
	  .words = { "Google Cloud", .host = "Host HTTP header", .group = "VPC firewall",
		     .add = "VPC network, Firewall, Create firewall rule",
		     .where = "Compute Engine, Health checks, the check, Edit" } },
	{ "azure", { "168.63.129.16/32" }, { { 200, 200 } }, 15, 5, 2,
	  JUDGES_UNKNOWN, TCP_CHECK_CONNECTS, ENDS_BY_FIN,
	  .words = { "Azure", .group = "network security group",
		     .add = "Inbound security rules, Add",
		     .where = "the load balancer, Health probes, the probe" } },
	{ "alibaba", { "100.64.0.0/10" }, { { 200, 399 } }, 2, 5, 3,
	  JUDGES_UNKNOWN, TCP_CHECK_CONNECTS, ENDS_BY_RST,
	  .words = { "Alibaba Cloud", .method = "Health Check Method",
		     .host = "Health Check Domain Name", .codes = "Health Check Status Codes",
		     CLOUD_FILTERS, .where = "the listener, Modify Health Check",
		     .note = "It asks with HEAD unless GET is set: a service that takes no HEAD "
			     "answers 405 or 501." } },
	{ "tencent", { "100.64.0.0/10" }, { { 100, 499 } }, 5, 2, 3,
	  .words = { "Tencent Cloud", .method = "HTTP Request Method", .host = "Check Domain Name",
		     .codes = "HTTP Status Code Detection", CLOUD_FILTERS,
		     .where = "the listener, Health Check" } },
	{ "aws-nlb", { NULL }, { { 200, 399 } }, 30, 10, 3, JUDGES_UNKNOWN, TCP_CHECK_CONNECTS,
	  .in_subnet = true,
	  .words = { "AWS", .codes = "Success codes", CLOUD_FILTERS,
		     .where = "the target group, Health checks, Edit" } },
	{ "aws-alb", { NULL }, { { 200, 200 } }, 30, 5, 2, .in_subnet = true,
	  .words = { "AWS", .codes = "Success codes", CLOUD_FILTERS,
		     .where = "the target group, Health checks, Edit" } },
	{ "haproxy", { NULL }, { { 200, 399 } }, 2, 2, 3, JUDGES_STATUS,
	  .words = { "HAProxy", .method = "option httpchk GET", .method_path = true,
		     .host = "http-check send hdr Host NAME", .codes = "http-check expect status",
		     .note = "HAProxy's 'option httpchk' asks with OPTIONS unless told otherwise: "
			     "a service that takes no OPTIONS answers 405 or 501; 'option httpchk "
			     "GET /' asks for the page." } },
	{ "keepalived", { NULL }, { { 200, 299 } }, 60, 5, 2,
	  .words = { "keepalived", .host = "virtualhost NAME", .codes = "status_code" } },
	{ "envoy", { NULL }, { { 200, 200 } }, 5, 1, 3, .keeps = true,
	  .words = { "Envoy", .method = "http_health_check, method: GET",
		     .host = "http_health_check, host: NAME",
		     .codes = "http_health_check, expected_statuses" } },
	{ "kubelet", { NULL }, { { 200, 399 } }, 10, 1, 3, JUDGES_UNKNOWN, TCP_CHECK_CONNECTS,
	  ENDS_BY_FIN,
	  .words = { "kubelet", .host = "httpGet, httpHeaders: Host" } },
};
const size_t n_presets = sizeof(presets) / sizeof(presets[0]);

const struct preset *preset_find(const char *text, const char **subnets)
{
	size_t len = strcspn(text, ":");

	*subnets = text[len] == ':' ? text + len + 1 : NULL;
	for (size_t i = 0; i < n_presets; i++)
		if (strlen(presets[i].name) == len && memcmp(presets[i].name, text, len) == 0)
			return &presets[i];
	return NULL;
}

const struct preset *preset_named(const char *name)
{
	for (size_t i = 0; i < n_presets; i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	return NULL;
}

const char *preset_argument(const struct preset *preset)
{
	if (preset->from[0])
		return NULL;
	return preset->in_subnet ? "SUBNET" : "ADDR";
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
