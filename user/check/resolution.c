// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Do rules of this host keep it and the router to the load balancer from finding each other? */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "diagnose/ask.h"
#include "diagnose/resolution.h"
#include "firewall/rule_find.h"
#include "host/devices.h"
#include "render/format.h"

/* The rules that were read, in the place of the host's answer. */
static int ask(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	const struct check_facts *f = ctx;
	struct host_packet asked = *packet;
	struct rule_hits hits;
	int err = f->rules_err[packet->v6];

	if (err)
		return err;
	asked.bridged = device_is_bridge(packet->reply ? packet->out : packet->in);
	err = rule_find(&f->rules[packet->v6], &asked, &hits);
	/* What surely ends the packet's way is the last. */
	for (size_t i = 0; !err && i < hits.n && out->n < HOST_MAX_RULES; i++)
		if (hits.hit[i].met)
			rule_tell(&hits.hit[i], &out->r[out->n++]);
	rule_hits_free(&hits);
	return err;
}

bool check_put_own_rule(const struct check_facts *f, const uint8_t *hop,
			const struct prefix *from, const char *device, struct finding *out)
{
	struct resolution_cause cause;
	uint8_t sample[16];

	prefix_sample(from, false, sample);
	if (!resolution_find(ask, (void *)f, hop ? hop : sample, device, false, &cause))
		return false;
	CHECK_PUT(out->why, " That is because %s.", cause.why);
	out->fix = cause.fix;
	return true;
}

/* What is resolved needs no answer for now; step 5 tells of what cannot be. */
static bool is_for_later(const struct host_route *route)
{
	static const char *const states[] = { "FAILED", "INCOMPLETE", "PERMANENT", "NOARP" };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(route->neighbour, states[i]) == 0)
			return false;
	return !route->err && route->device[0] && strcmp(route->device, "lo") != 0;
}

void check_resolution(struct check *c, const struct prefix *from)
{
	const struct host_addresses *all = &c->facts->addresses;
	bool v6 = prefix_is_ipv6(from);
	struct resolution_cause cause;
	char hop[ADDR_TEXT_LEN];
	struct host_route route;
	uint8_t sample[16];

	prefix_sample(from, false, sample);
	for (size_t i = 0; i < all->n; i++) {
		const struct host_address *a = &all->a[i];
		struct finding out = check_finding(c, CHECK_WARN);
		const uint8_t *to = sample;

		if (!a->global || address_is_ipv6(a->addr) != v6 ||
		    !check_device_wanted(c->facts, a->device) ||
		    ask_route_back(c->facts->host, a->addr, sample, &route) ||
		    !is_for_later(&route) || strcmp(route.device, a->device) != 0)
			continue;
		if (route.has_gateway)
			to = route.gateway;
		if (!resolution_find(ask, (void *)c->facts, to, route.device, true, &cause))
			continue;
		format_addr(hop, to);
		CHECK_PUT(out.what, "This host and %s on %s, the way back to the load balancer, cannot "
				    "find each other once what they know of each other is old.", hop,
			  route.device);
		CHECK_PUT(out.why, "The cause is that %s.", cause.why);
		out.fix = cause.fix;
		check_say(c, &out);
		return;
	}
}
