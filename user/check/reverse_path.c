// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A firewall's own reverse-path filter: which addresses of this host it cuts off from checks. */
#include <stdio.h>
#include <string.h>

#include "diagnose/ask.h"
#include "diagnose/reverse_path_rule.h"
#include "firewall_hit.h"
#include "render/format.h"

/* Does it look at nothing that is not known but the route?  nft looks it up, and compares. */
static bool asks_for_route_alone(const struct hit *h, const struct host_rule *rule)
{
	size_t unknown = 0;

	if (!hit_is_nft(h))
		return strncmp(rule->text, "-m rpfilter ", 12) == 0 &&
		       !strstr(rule->text + 12, " -m ");
	for (size_t i = 0; i < h->rule->n; i++)
		unknown += h->rule->cond[i].field == FW_UNKNOWN;
	return unknown <= 2;
}

static void tell_address(struct check *c, const struct hit *h, const struct host_rule *rule,
			 const struct host_address *a, const struct host_route *route)
{
	struct finding out = check_finding(c, asks_for_route_alone(h, rule) ? CHECK_FAIL : CHECK_WARN);
	char range[PREFIX_TEXT_LEN], own[ADDR_TEXT_LEN], lb[ADDR_TEXT_LEN];
	const char *advice = reverse_path_owner_advice(rule);
	uint8_t sample[16];

	prefix_sample(h->from, false, sample);
	format_prefix(range, h->from);
	format_addr(own, a->addr);
	CHECK_PUT(out.what, "Reverse-path filtering by the firewall drops checks of %s on %s: the route "
			    "back to %s leads out of %s.", own, a->device, range, route->device);
	CHECK_PUT(out.why, "The rule, in chain %s of table %s (%s): %s", rule->chain, rule->table,
		  rule->backend, rule->text);
	CHECK_SHOW(&out, h->first.v6 ? "ip -6 route get %s from %s" : "ip route get %s from %s",
		   format_addr(lb, sample), own);
	check_put_own_table(c, h->from, sample, a, route->device, &out);
	if (advice[0])
		CHECK_ADVISE(&out, "%s%s", out.fix.advice[0] ? " " : "", advice);
	check_say(c, &out);
}

size_t check_reverse_path(struct check *c, const struct hit *h, const struct host_rule *rule)
{
	const struct host_addresses *all = &c->facts->addresses;
	struct host_route route;
	uint8_t sample[16];
	size_t told = 0;

	if (is_loose_reverse_path_rule(rule))
		return 0; /* it drops where there is no route at all, which step 5 tells */
	prefix_sample(h->from, false, sample);
	for (size_t i = 0; i < all->n; i++) {
		const struct host_address *a = &all->a[i];
		bool again = false;

		if (!a->global || !check_device_wanted(c->facts, a->device) ||
		    address_is_ipv6(a->addr) != h->first.v6 ||
		    check_device_is_internal(c->facts, a->device))
			continue;
		for (size_t j = 0; j < i; j++)
			again |= all->a[j].global && !strcmp(all->a[j].device, a->device) &&
				 address_is_ipv6(all->a[j].addr) == h->first.v6;
		if (again || ask_route_back(c->facts->host, a->addr, sample, &route) || route.err ||
		    !route.device[0] || !strcmp(route.device, "lo") ||
		    !strcmp(route.device, a->device))
			continue;
		tell_address(c, h, rule, a, &route);
		told++;
	}
	return told;
}
