// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 3: sockets that are bound to a device take only the checks that come by it. */
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

static bool is_vrf(const struct check_facts *f, const char *device)
{
	for (size_t i = 0; i < f->devices.n; i++)
		if (!strcmp(f->devices.d[i].name, device))
			return f->devices.d[i].vrf;
	return false;
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
		if (!has(out, a->device) && answers_leave_by(f, a))
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

static void put_devices(struct finding *out, const struct check_facts *f, const struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		CHECK_PUT(out->what, "%s%s%s", i ? i + 1 < names->n ? ", " : " and " : "",
			  is_vrf(f, names->name[i]) ? "the VRF " : "", names->name[i]);
}

bool check_say_bound(struct check *c, const struct host_listeners *all, uint8_t protocol,
		     uint16_t port)
{
	const struct check_facts *f = c->facts;
	const struct host_listener *first = NULL;
	struct names bound = { 0 }, devices, missed = { 0 };
	struct finding out = check_finding(c, CHECK_OK);
	bool by_vrf = false;

	for (size_t i = 0; i < all->n; i++) {
		if (!is_reachable(f, &all->l[i], port))
			continue;
		if (!all->l[i].device[0])
			return false;
		first = first ? first : &all->l[i];
		by_vrf |= is_vrf(f, all->l[i].device);
		add(&bound, all->l[i].device);
	}
	if (!first)
		return false;
	find_devices(f, &devices);
	for (size_t i = 0; i < devices.n; i++)
		if (!has(&bound, devices.name[i]))
			add(&missed, devices.name[i]);
	/* which devices are members of a VRF is not asked */
	if (missed.n)
		out.result = missed.n == devices.n && !by_vrf ? CHECK_FAIL : CHECK_WARN;
	if (first->comm[0])
		CHECK_PUT(out.what, "%s (pid %u)", first->comm, first->pid);
	else
		CHECK_PUT(out.what, "A process that could not be found");
	CHECK_PUT(out.what, " listens on %s port %u for ", check_protocol_name(protocol), port);
	put_devices(&out, f, &bound);
	CHECK_PUT(out.what, " only");
	if (missed.n) {
		char advice[ADVICE_LEN];

		CHECK_PUT(out.what, missed.n == devices.n ? "; checks come by " :
							    "; checks that come by ");
		put_devices(&out, f, &missed);
		if (by_vrf)
			CHECK_PUT(out.what, missed.n == devices.n ?
						    ", which has to be a member of it" :
						    " are refused, unless that is a member of it");
		else if (missed.n < devices.n)
			CHECK_PUT(out.what, " are refused");
		listener_setting_advice(advice, sizeof(advice), first->comm, first->device,
					missed.name[0]);
		CHECK_ADVISE(&out, "%s", advice);
	}
	CHECK_PUT(out.what, ".");
	if (out.result == CHECK_FAIL)
		CHECK_PUT(out.why, "The kernel refuses what comes by another device, as if nobody "
				   "listened.");
	check_show_sockets(&out, protocol, port, true);
	check_say(c, &out);
	return true;
}
