// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A firewall's own reverse-path filter dropped it.  The verdict stays
 * firewall-drop, as netfilter dropped it, at a rule that has a name; what the rule
 * asks for is a route, so the cause and the fix are those of rp-filter.
 */
#include <string.h>

#include "diagnose/advice_rule.h"
#include "diagnose/reverse_path_rule.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/route.h"

static void say_cause(const struct facts *f, bool known, const struct host_route *route,
		      struct diagnosis *d)
{
	end_sentence(d);
	say(WHY(d), " That is reverse-path filtering by the firewall: ");
	if (known && route->err)
		say(WHY(d), "this host has no route back to %s.", f->lb);
	else if (known && route->device[0] && strcmp(route->device, f->p->device_in) != 0)
		say(WHY(d), "the route back to %s leads out of %s, while the %s came in on %s.",
		    f->lb, route->device, f->what, device_in(f));
	else
		say(WHY(d), "it asks that the route back to %s leads out of %s.", f->lb,
		    device_in(f));
}

bool fix_reverse_path(const struct facts *f, const struct culprit *c, struct diagnosis *d)
{
	const char *advice;
	struct host_gateway g = { 0 };
	struct host_route route;
	bool known, elsewhere;

	if (c->reply || c->inside || !c->named || c->confidence == CONFIDENCE_GUESS ||
	    !is_reverse_path_rule(&c->rule))
		return false;
	known = ask_route(f, &route);
	elsewhere = known && !route.err && f->p->device_in[0] && route.device[0] &&
		    strcmp(route.device, f->p->device_in) != 0;
	say_cause(f, known, &route, d);
	if (!elsewhere || is_loose_reverse_path_rule(&c->rule)) {
		ask_way_back(f, &g);
		fix_way_back(f, known && !route.err, &g, d);
	} else if (strcmp(f->address, f->inner_address) != 0 || !fix_by_table(f, f->range, &g, d))
		advise_unknown_router(f, &g, d);
	advice = reverse_path_owner_advice(&c->rule);
	if (advice[0])
		add_advice(d, "%s", advice);
	return true;
}
