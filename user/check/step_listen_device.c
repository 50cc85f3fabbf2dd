// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 3: sockets that are bound to a device, or outside of a VRF, take not all checks. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "host/listener_fit.h"
#include "host/listener_setting.h"

#define MAX_DEVICES 16

struct names {
	size_t n;
	char name[MAX_DEVICES][IFNAMSIZ];
};

static bool has(const struct names *names, const char *device)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name[i], device))
			return true;
	return false;
}

static void add(struct names *names, const char *device)
{
	if (names->n < MAX_DEVICES && !has(names, device))
		snprintf(names->name[names->n++], IFNAMSIZ, "%s", device);
}

static const struct host_device *find_device(const struct check_facts *f, const char *device)
{
	static const struct host_device none;

	for (size_t i = 0; i < f->devices.n; i++)
		if (!strcmp(f->devices.d[i].name, device))
			return &f->devices.d[i];
	return &none;
}

/* Do answers from the device's address A leave by it? */
static bool answers_leave_by(const struct check_facts *f, const struct host_address *a)
{
	for (size_t i = 0; i < f->settings->n_from; i++) {
		const struct prefix *from = &f->settings->from[i];
		struct host_route route;
		uint8_t sample[16];

		if (prefix_is_ipv6(from) != address_is_ipv6(a->addr))
			continue;
		prefix_sample(from, false, sample);
		if (f->host->ops->route_back(f->host->ctx, a->addr, sample, &route) == 0 &&
		    !route.err && !strcmp(route.device, a->device))
			return true;
	}
	return false;
}

/*
 * The devices by which checks come: those by which their answers leave, as what is bound
 * to a device answers by that alone; where there is none, all that have an address.
 */
static void find_devices(const struct check_facts *f, struct names *out)
{
	struct names all = { 0 };

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < f->addresses.n; i++) {
		const struct host_address *a = &f->addresses.a[i];

		if (!a->global || !check_comes_by(f, a->device) ||
		    !check_has_family(f, address_is_ipv6(a->addr)))
			continue;
		add(&all, a->device);
		/* a VRF has routes of its own, which were not asked for */
		if (!has(out, a->device) &&
		    (find_device(f, a->device)->member_of[0] || answers_leave_by(f, a)))
			add(out, a->device);
	}
	if (!out->n)
		*out = all;
}

static bool is_reachable(const struct check_facts *f, const struct host_listener *l, uint16_t port)
{
	return l->port == port && !l->other_netns && !check_is_loopback(l->addr) &&
	       check_takes_family(f, l);
}

/* Whether L takes what comes by DEVICE; VRF_FOR_ALL: of VRFs it need be bound to none. */
static bool takes_device(const struct check_facts *f, const struct host_listener *l,
			 const char *device, bool vrf_for_all)
{
	const char *vrf = find_device(f, device)->member_of;

	if (!l->device[0])
		return !vrf[0] || vrf_for_all;
	return !strcmp(l->device, device) || (vrf[0] && !strcmp(l->device, vrf));
}

static bool is_taken(const struct check_facts *f, const struct host_listeners *all, uint16_t port,
		     const char *device, bool vrf_for_all)
{
	for (size_t i = 0; i < all->n; i++)
		if (is_reachable(f, &all->l[i], port) &&
		    takes_device(f, &all->l[i], device, vrf_for_all))
			return true;
	return false;
}

static void put_devices(struct finding *out, const struct check_facts *f, const struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		CHECK_PUT(out->what, "%s%s%s", i ? i + 1 < names->n ? ", " : " and " : "",
			  find_device(f, names->name[i])->vrf ? "the VRF " : "", names->name[i]);
}

static void advise(struct finding *out, const struct check_facts *f, const struct host_listener *l,
		   const char *missed, const char *setting)
{
	const char *vrf = find_device(f, missed)->member_of;
	char advice[ADVICE_LEN];

	if (!l->device[0]) {
		CHECK_ADVISE(out, "Run the service in the VRF (`ip vrf exec %s` in front of its "
				  "command, or BindToDevice=%s in its systemd socket unit), or set "
				  "%s to 1, which opens the sockets of all services to all VRFs.",
			     vrf, vrf, setting);
		return;
	}
	listener_setting_advice(advice, sizeof(advice), l->comm, l->device, vrf[0] ? vrf : missed);
	CHECK_ADVISE(out, "%s", advice);
}

/* "; checks come by eth0, a member of the VRF blue." */
static void put_missed(struct finding *out, const struct check_facts *f, const struct names *missed,
		       bool all)
{
	const char *vrf = find_device(f, missed->name[0])->member_of;

	CHECK_PUT(out->what, all ? "; checks come by " : "; checks that come by ");
	put_devices(out, f, missed);
	if (vrf[0] && missed->n == 1)
		CHECK_PUT(out->what, ", a member of the VRF %s%s", vrf, all ? "" : ",");
	if (!all)
		CHECK_PUT(out->what, " are refused");
}

bool check_say_bound(struct check *c, const struct host_listeners *all, uint8_t protocol,
		     uint16_t port)
{
	const char *setting = protocol == IPPROTO_UDP ? "net.ipv4.udp_l3mdev_accept" :
							"net.ipv4.tcp_l3mdev_accept";
	const struct check_facts *f = c->facts;
	const struct host_listener *first = NULL;
	struct names bound = { 0 }, devices, missed = { 0 };
	struct finding out = check_finding(c, CHECK_OK);
	int64_t accept = 0;
	bool any = false;

	for (size_t i = 0; i < all->n; i++) {
		const struct host_listener *l = &all->l[i];

		if (!is_reachable(f, l, port))
			continue;
		if (!first || (first->device[0] && !l->device[0]))
			first = l;
		any |= !l->device[0];
		if (l->device[0])
			add(&bound, l->device);
	}
	if (!first)
		return false;
	find_devices(f, &devices);
	for (size_t i = 0; i < devices.n; i++)
		if (!is_taken(f, all, port, devices.name[i], false))
			add(&missed, devices.name[i]);
	if (any && (!missed.n || (f->host->ops->sysctl(f->host->ctx, setting, &accept) == 0 && accept)))
		return false;
	if (missed.n)
		out.result = missed.n == devices.n ? CHECK_FAIL : CHECK_WARN;
	if (first->comm[0])
		CHECK_PUT(out.what, "%s (pid %u)", first->comm, first->pid);
	else
		CHECK_PUT(out.what, "A process that could not be found");
	CHECK_PUT(out.what, " listens on %s port %u for ", check_protocol_name(protocol), port);
	if (any)
		CHECK_PUT(out.what, "no VRF");
	else
		put_devices(&out, f, &bound);
	if (!any)
		CHECK_PUT(out.what, " only");
	if (missed.n) {
		put_missed(&out, f, &missed, missed.n == devices.n);
		advise(&out, f, first, missed.name[0], setting);
		if (any)
			CHECK_PUT(out.why, "The kernel keeps what comes by a VRF from sockets that are "
					   "bound to no device (%s=0).", setting);
		else
			CHECK_PUT(out.why, "The kernel refuses what comes by another device, as if "
					   "nobody listened.");
	}
	CHECK_PUT(out.what, ".");
	check_show_sockets(&out, protocol, port, true);
	check_say(c, &out);
	return true;
}
