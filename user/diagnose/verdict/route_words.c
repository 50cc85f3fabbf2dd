// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the verdicts about routes share. */
#include "diagnose/ask.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

bool ask_route(const struct facts *f, struct host_route *out)
{
	/* of a container's routes this host knows nothing */
	if (f->drop && f->drop->inside)
		return false;
	return ask_route_back(f->given.host, f->p->tuple.target, f->p->tuple.lb, out) == 0;
}

const char *device_in(const struct facts *f)
{
	return f->p->device_in[0] ? f->p->device_in : "DEV";
}

const char *ip_command(const struct facts *f)
{
	return f->v6 ? "ip -6" : "ip";
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* ip_error(), ip6_pkt_drop(): no route to where it is addressed, or this host does not forward. */
bool found_no_way(const struct probe_incident *drop)
{
	static const char *const reasons[] = { "IP_INADDRERRORS", "IP_INNOROUTES" };

	return reason_in(drop, reasons, N(reasons)) ||
	       function_is(drop->function, "ip_error") ||
	       function_is(drop->function, "ip6_pkt_drop");
}
