/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verdicts about routes share. */
#ifndef HCT_VERDICT_ROUTE_H
#define HCT_VERDICT_ROUTE_H

#include "diagnose/verdict/report.h"

/* The route back to the load balancer, as this host has it.  False: not known. */
bool ask_route(const struct facts *f, struct host_route *out);
/* The device that the request came in by; "DEV" where that is not known. */
const char *device_in(const struct facts *f);
/* "ip", or "ip -6". */
const char *ip_command(const struct facts *f);
/* ip_error(), ip6_pkt_drop(): no route to where it is addressed, or this host does not forward. */
bool found_no_way(const struct probe_incident *drop);

#endif
