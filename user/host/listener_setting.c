// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How a service is told where to listen, in its own words. */
#include "listener_setting.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *comm;
	const char *before, *after; /* of the device's name */
	const char *where;
} settings[] = {
	{ "haproxy", "interface ", "", "the bind line of that port in HAProxy's configuration" },
	{ "systemd", "BindToDevice=", "", "the socket unit" },
	{ "socat", "so-bindtodevice=", "", "socat's address" },
	{ "chronyd", "binddevice ", "", "chrony.conf" },
	{ "rsyslogd", "device=\"", "\"", "the input in rsyslog's configuration" },
	{ "openvpn", "bind-dev ", "", "OpenVPN's configuration" },
};

void listener_setting_advice(char *out, size_t size, const char *comm, const char *device,
			     const char *wanted)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(comm, settings[i].comm) != 0)
			continue;
		snprintf(out, size, "In %s, take `%s%s%s` out or make it `%s%s%s`, and restart it.",
			 settings[i].where, settings[i].before, device, settings[i].after,
			 settings[i].before, wanted, settings[i].after);
		return;
	}
	snprintf(out, size, "Have the service listen on every device, or on %s, and restart it: its "
			    "socket is bound to %s (`interface` in HAProxy, BindToDevice= in a systemd "
			    "socket unit).", wanted, device);
}

int listener_address_advice(char *out, size_t size, const char *comm, const char *addr)
{
	/* they listen where the container's port mapping says */
	if (strcmp(comm, "docker-proxy") != 0 && strcmp(comm, "rootlessport") != 0)
		return 0;
	return snprintf(out, size, "In the container's port mapping leave the address %s out "
				   "(-p of docker or podman, ports: of compose), and create the "
				   "container anew.", addr);
}
