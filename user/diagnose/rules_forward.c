// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules: addressed through this host (DNAT, a container), what became of it there and back. */
#include "rule_sets.h"

#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; name && i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* ip_error(), ip6_pkt_drop(): no route to where it is addressed, or this host does not forward. */
static bool found_no_way(const struct probe_incident *drop)
{
	static const char *const reasons[] = { "IP_INADDRERRORS", "IP_INNOROUTES" };

	return is_one_of(drop->reason, reasons, N(reasons)) ||
	       function_is(drop->function, "ip_error") ||
	       function_is(drop->function, "ip6_pkt_drop");
}

static bool met_no_neighbour(const struct probe_incident *drop)
{
	return (drop->reason && strncmp(drop->reason, "NEIGH_", 6) == 0) ||
	       function_is(drop->function, "neigh_invalidate") ||
	       function_is(drop->function, "arp_error_report") ||
	       function_is(drop->function, "ndisc_error_report");
}

enum match match_forward_drop(const struct facts *f)
{
	const struct probe_incident *drop = f->drop;

	if (!drop || drop->reply || drop->inside)
		return NO_MATCH;
	if (f->place.netfilter)
		return strcmp(f->place.hook, "FORWARD") == 0 ||
				       strcmp(f->place.hook, "POSTROUTING") == 0
			       ? MATCH_CERTAIN
			       : NO_MATCH;
	if (met_no_neighbour(drop) || function_is(drop->function, "ip_forward") ||
	    function_is(drop->function, "ip6_forward"))
		return MATCH_CERTAIN;
	return f->p->dnat.seen && found_no_way(drop) ? MATCH_CERTAIN : NO_MATCH;
}

/* The container answered, and this host does not know where to send it. */
enum match match_no_route_back_forwarded(const struct facts *f)
{
	return probe_forwarded(f->p) && f->drop && f->drop->reply && !f->drop->inside &&
			       !f->place.netfilter && found_no_way(f->drop)
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

/* Of TCP the numbers prove whose reply it was, of a datagram only the time. */
enum match match_reply_rewritten(const struct facts *f)
{
	if (!f->p->snat.seen || f->answered || (f->connected && !f->http))
		return NO_MATCH;
	return f->tcp ? MATCH_CERTAIN : MATCH_LIKELY;
}
