/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verdicts about routes share. */
#ifndef HCT_VERDICT_ROUTE_H
#define HCT_VERDICT_ROUTE_H

#include "diagnose/verdict/report.h"

/* The route back to the load balancer, as this host has it.  False: not known. */
bool ask_route(const struct facts *f, struct host_route *out);
/* The device that the request came in by, for a sentence: "the interface" where it is not known. */
const char *device_in(const struct facts *f);
/* ip_error(), ip6_pkt_drop(): no route to where it is addressed, or this host does not forward. */
bool found_no_way(const struct probe_incident *drop);
/* The next hop did not answer ARP or neighbour discovery (forward.c). */
bool met_no_neighbour(const struct probe_incident *drop);

/* source_refused.c: the fix where the target's address is none of this host's, which FORWARDS. */
void fix_not_local(const struct facts *f, bool forwards, struct diagnosis *d);

/* ---- passed_on.c: requests that this host forwards ---- */

/* Dropped in ip_forward() or ip6_forward(): a route was found, and then something forbade it. */
bool is_forwarding(const struct probe_incident *drop);
/* Was it to be forwarded, with no hop left? */
bool ttl_ran_out(const struct facts *f);
/* Where this host sends what comes in for the target.  False: not known. */
bool ask_way_on(const struct facts *f, struct host_forward_route *out);

#define CONF_KEY_LEN 96
/* "net.ipv4.conf.eth0.rp_filter"; as sysctl(8) has it, the dots of a device's name are slashes. */
const char *conf_key(char out[CONF_KEY_LEN], bool v6, const char *device, const char *name);
/* The fix: NAME of DEVICE, whatever that is called, set to VALUE. */
void fix_conf(bool v6, const char *device, const char *name, unsigned value, struct diagnosis *d);

/* way_back.c: how a reply could leave by the device of the request.  False: not known, and empty. */
bool ask_way_back(const struct facts *f, struct host_gateway *out);
/*
 * No table was looked in for the reply, which a rule explains that goes by marks, ports
 * or the like and forbids.
 */
bool may_be_denied(const struct facts *f, const struct host_gateway *g);
/*
 * The fix where the way back is missing, or forbidden; HAS_ROUTE: a look-up by addresses
 * finds one.  G: as ask_way_back() has it.
 */
void fix_way_back(const struct facts *f, bool has_route, const struct host_gateway *g,
		  struct diagnosis *d);
/*
 * The fix where the way back leaves by another device: a rule for what has the
 * target's address, and a table of its own with a route to TO (a range, or
 * "default"); other traffic keeps its routes.  False: too little is known, G is
 * what is.
 */
bool fix_by_table(const struct facts *f, const char *to, struct host_gateway *g,
		  struct diagnosis *d);
/* Behind fix_by_table() to the range: the same for ADDRESS, another of the device's. */
void fix_same_table(const struct facts *f, const uint8_t address[16], const struct host_gateway *g,
		    struct diagnosis *d);
/* The fix where the route's gateway does not answer: another to the range, over ROUTER, in its table. */
bool fix_by_other_router(const struct facts *f, const uint8_t router[16],
			 const struct host_gateway *g, struct diagnosis *d);
/* What is to be said beside a command with G's router; and where that is not known. */
void advise_router(const struct facts *f, const struct host_gateway *g, struct diagnosis *d);
void advise_unknown_router(const struct facts *f, const struct host_gateway *g,
			   struct diagnosis *d);

/*
 * own_rule.c: adds to why and fix that a rule of this host drops what would resolve
 * HOP on DEVICE.  False, and nothing added: none surely does.
 */
bool blame_own_rule(const struct facts *f, const uint8_t hop[16], const char *device,
		    struct diagnosis *d);

#endif
