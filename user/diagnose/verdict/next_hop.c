// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which next hop of the route back did not answer. */
#include <stdio.h>
#include <string.h>

#include "diagnose/verdict/next_hop.h"
#include "diagnose/verdict/route.h"

bool neighbour_fails(const char state[16])
{
	return strcmp(state, "FAILED") == 0 || strcmp(state, "INCOMPLETE") == 0;
}

bool route_fails(const struct host_route *route)
{
	for (size_t i = 0; i < route->n; i++)
		if (neighbour_fails(route->hop[i].neighbour))
			return true;
	return neighbour_fails(route->neighbour);
}

static void set_device(struct next_hop *out, const char *device)
{
	snprintf(out->device, sizeof(out->device), "%s", device);
}

static void set_gateway(struct next_hop *out, const uint8_t gateway[16])
{
	out->has_gateway = true;
	memcpy(out->gateway, gateway, 16);
}

static bool is_hop(const struct host_hop *hop, const struct next_hop *out)
{
	return hop->has_gateway == out->has_gateway &&
	       (!hop->has_gateway || memcmp(hop->gateway, out->gateway, 16) == 0);
}

static void set_hop(struct next_hop *out, const struct host_hop *hop)
{
	out->has_gateway = hop->has_gateway;
	memcpy(out->gateway, hop->gateway, 16);
	set_device(out, hop->device);
	snprintf(out->neighbour, sizeof(out->neighbour), "%s", hop->neighbour);
}

/* Of several next hops the one that does not answer, if that is one alone. */
static void take_failing(const struct host_route *route, struct next_hop *out)
{
	const struct host_hop *failing = NULL;
	size_t n = 0;

	for (size_t i = 0; i < route->n; i++) {
		if (!neighbour_fails(route->hop[i].neighbour))
			continue;
		failing = &route->hop[i];
		n++;
	}
	if (n == 1 && !route->truncated)
		set_hop(out, failing);
	else
		out->unsure = true;
}

/* The drop names the gateway; what else is known of it is asked. */
static void take_dropped(const struct facts *f, const struct host_route *route,
			 struct next_hop *out)
{
	set_gateway(out, f->drop->next_hop);
	for (size_t i = 0; route && i < route->n; i++)
		if (is_hop(&route->hop[i], out)) {
			set_hop(out, &route->hop[i]);
			out->several = true;
			return;
		}
	set_device(out, f->drop->device);
}

static void find_living(const struct facts *f, const struct host_route *route,
			struct next_hop *out)
{
	for (size_t i = 0; i < route->n; i++) {
		const struct host_hop *hop = &route->hop[i];

		if (!hop->has_gateway || !hop->neighbour[0] || neighbour_fails(hop->neighbour) ||
		    (!out->unsure && is_hop(hop, out)) ||
		    strcmp(hop->device, f->p->device_in) != 0)
			continue;
		out->has_living = true;
		memcpy(out->living, hop->gateway, 16);
		return;
	}
}

static void find_one(const struct facts *f, const struct host_route *route, struct next_hop *out)
{
	static const uint8_t none[16];
	const struct probe *p = f->p;
	bool inside = f->drop && f->drop->inside;
	bool seen = p->has_good_route && p->good_route_inside == inside;

	if (f->drop && f->drop->reply && !inside && memcmp(f->drop->next_hop, none, 16) != 0) {
		take_dropped(f, route, out);
	} else if (route && route->n) {
		out->several = true;
		take_failing(route, out);
	} else if (seen && p->good_route.several) {
		out->several = out->unsure = true;
	} else if (seen && p->good_route.has_gateway) {
		set_gateway(out, p->good_route.gateway);
	} else if (route && route->has_gateway) {
		set_gateway(out, route->gateway);
	}
	if (out->device[0] || out->several)
		return;
	if (seen && p->good_route_device[0])
		set_device(out, p->good_route_device);
	else if (route)
		set_device(out, route->device);
}

void find_next_hop(const struct facts *f, const struct host_route *route, struct next_hop *out)
{
	memset(out, 0, sizeof(*out));
	if (route && route->err)
		route = NULL;
	find_one(f, route, out);
	if (!route)
		return;
	/* another route by now, or another next hop of it: then its neighbour's state is another's */
	if (!out->several && route->has_gateway == out->has_gateway &&
	    (!out->has_gateway || memcmp(route->gateway, out->gateway, 16) == 0))
		snprintf(out->neighbour, sizeof(out->neighbour), "%s", route->neighbour);
	if (out->several)
		find_living(f, route, out);
}

bool fix_next_hop(const struct facts *f, const struct next_hop *hop, const struct host_gateway *g,
		  struct diagnosis *d)
{
	const uint8_t *other = NULL;
	char gateway[ADDR_TEXT_LEN];

	if (hop->has_living)
		other = hop->living;
	else if (!hop->several && g->alive && memcmp(g->addr, hop->gateway, 16) != 0)
		other = g->addr;
	if (!other || !fix_by_other_router(f, other, g, d))
		return false;
	add_advice(d, "Answers to %s then go over %s, which answers.", f->range,
		   format_addr(gateway, other));
	if (!hop->unsure && hop->has_gateway)
		add_advice(d, "Or bring %s up, or take it out of the route.",
			   format_addr(gateway, hop->gateway));
	add_advice(d, "Make it permanent in the network configuration, too.");
	return true;
}

bool fix_failing_hop(const struct facts *f, const struct host_route *route,
		     const struct host_hop *hop, struct diagnosis *d)
{
	struct next_hop failing = { .several = route->n > 1 };
	struct host_gateway g;

	set_hop(&failing, hop);
	if (failing.several)
		find_living(f, route, &failing);
	ask_way_back(f, &g);
	return fix_next_hop(f, &failing, &g, d);
}
