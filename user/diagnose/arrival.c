// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The device that a probe came in by, as the look-up of its socket saw it. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "rules.h"

/* Kernels before 5.17 give no reason; with a socket it is dropped in other functions. */
static bool met_no_socket(const struct probe_incident *drop)
{
	static const char *const functions[] = { "tcp_v4_rcv", "tcp_v6_rcv", "__udp4_lib_rcv",
						 "__udp6_lib_rcv" };

	if (!drop->seen || drop->reply)
		return false;
	if (drop->reason)
		return strcmp(drop->reason, "NO_SOCKET") == 0;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (function_is(drop->function, functions[i]))
			return true;
	return false;
}

/* The drop where the kernel's look-up of a socket failed. */
static const struct probe_incident *socketless_drop(const struct probe *p)
{
	return met_no_socket(&p->drop) ? &p->drop : met_no_socket(&p->last_drop) ? &p->last_drop : NULL;
}

static bool came_in_by(const struct probe *p, const char *device)
{
	for (size_t i = 0; i < p->n_devices_in; i++)
		if (strcmp(p->devices_in[i], device) == 0)
			return true;
	return false;
}

static bool is_vrf(const struct host *host, const char *device)
{
	struct host_devices all;

	if (ask_devices(host, &all))
		return false;
	for (size_t i = 0; i < all.n && i < HOST_MAX_DEVICES; i++)
		if (strcmp(all.d[i].name, device) == 0)
			return all.d[i].vrf;
	return false;
}

void probe_arrival(const struct host *host, const struct probe *p, struct arrival *out)
{
	const struct probe_incident *drop = socketless_drop(p);
	/* of a bridge, VLAN or bond the last is the one that has the address */
	const char *last = p->n_devices_in ? p->devices_in[p->n_devices_in - 1] : p->device_in;
	int64_t accept = 0;

	memset(out, 0, sizeof(*out));
	if (probe_forwarded(p)) {
		if (drop && drop->inside)
			snprintf(out->device, sizeof(out->device), "%s", drop->device);
		return;
	}
	if (!drop || !drop->device[0] || came_in_by(p, drop->device)) {
		snprintf(out->device, sizeof(out->device), "%s",
			 drop && drop->device[0] ? drop->device : last);
		return;
	}
	/* tc does not see the packet on a VRF, whose device it has by then (vrf_ip_rcv()) */
	snprintf(out->device, sizeof(out->device), "%s", drop->device);
	if (!last[0] || !is_vrf(host, drop->device))
		return;
	snprintf(out->device, sizeof(out->device), "%s", last);
	snprintf(out->vrf, sizeof(out->vrf), "%s", drop->device);
	ask_sysctl(host, p->tuple.protocol == IPPROTO_UDP ? "net.ipv4.udp_l3mdev_accept" :
							    "net.ipv4.tcp_l3mdev_accept", &accept);
	out->vrf_for_all = accept != 0;
}
