// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the verdicts about routes and devices share. */
#include <stdio.h>
#include <string.h>

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
	return f->p->device_in[0] ? f->p->device_in : "the interface";
}

const char *conf_key(char out[CONF_KEY_LEN], bool v6, const char *device, const char *name)
{
	int at = snprintf(out, CONF_KEY_LEN, "net.ipv%c.conf.", v6 ? '6' : '4');

	for (; *device && at < CONF_KEY_LEN / 2; device++)
		out[at++] = *device == '.' ? '/' : *device;
	snprintf(out + at, CONF_KEY_LEN - (size_t)at, ".%s", name);
	return out;
}

/* Names that sysctl(8) takes for something else have dots, '=' or wildcards in them. */
void fix_conf(bool v6, const char *device, const char *name, unsigned value, struct diagnosis *d)
{
	if (device[strspn(device, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
		FIX_COMMAND(d, "echo %u >/proc/sys/net/%s/conf/%s/%s", value, v6 ? "ipv6" : "ipv4",
			    device, name);
	else
		FIX_COMMAND(d, "sysctl -w net.%s.conf.%s.%s=%u", v6 ? "ipv6" : "ipv4", device, name,
			    value);
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
