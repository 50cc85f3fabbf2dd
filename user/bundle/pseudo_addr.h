/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pseudonyms of addresses.  A keyed permutation of all addresses, so that two
 * never get the same one, which keeps prefixes: addresses that begin with the
 * same N bits have pseudonyms that do, so that routes and rules still fit.
 * The key is random and is told to nobody.
 *
 * As they are stay: the load balancer's ranges, networks around one of them,
 * unspecified, loopback, multicast and broadcast addresses, and netmasks.
 * Private addresses stay private, link-local ones link-local.
 */
#ifndef HCT_PSEUDO_ADDR_H
#define HCT_PSEUDO_ADDR_H

#include <stdbool.h>

#include "cli/options.h"

struct pseudo_addr;

/* SETTINGS: whose ranges stay; borrowed during the call.  NULL: no memory, no randomness. */
struct pseudo_addr *pseudo_addr_new(const struct settings *settings);
void pseudo_addr_free(struct pseudo_addr *p); /* accepts NULL */

/* ADDR (v4-mapped) becomes its pseudonym.  False: it stays as it is. */
bool pseudo_addr(struct pseudo_addr *p, uint8_t addr[16]);
/* The same of a network; LEN is of the v4-mapped form, bits behind it become zero. */
bool pseudo_prefix(struct pseudo_addr *p, uint8_t addr[16], unsigned len);
/*
 * When all addresses were seen: is none of them the pseudonym of another?  If
 * not, there is another key now, and all pseudonyms are others.
 */
bool pseudo_addr_settle(struct pseudo_addr *p);
/* Calls EACH for every address that was replaced. */
void pseudo_addr_each(struct pseudo_addr *p,
		      void (*each)(void *ctx, const uint8_t addr[16], const uint8_t pseudo[16]),
		      void *ctx);

#endif
