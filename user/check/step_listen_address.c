// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 3: a service that listens on one of several addresses is refused at the others. */
#include <netinet/in.h>
#include <string.h>

#include "check.h"
#include "render/format.h"

static bool is_any(const uint8_t addr[16])
{
	return memcmp(addr, &in6addr_any, 16) == 0;
}

static const struct host_address *address_of(const struct check_facts *f, const uint8_t addr[16])
{
	for (size_t i = 0; i < f->addresses.n; i++)
		if (memcmp(f->addresses.a[i].addr, addr, 16) == 0)
			return &f->addresses.a[i];
	return NULL;
}

/* Whether a socket of PORT takes what is sent to ADDR. */
static bool is_listened(const struct host_listeners *all, uint16_t port, const uint8_t addr[16])
{
	for (size_t i = 0; i < all->n; i++) {
		const struct host_listener *l = &all->l[i];

		if (l->port != port || l->other_netns)
			continue;
		if (memcmp(l->addr, addr, 16) == 0 ||
		    (is_any(l->addr) && (!l->v6only || address_is_ipv6(addr))))
			return true;
	}
	return false;
}

/* The service was bound to an address that has gone since, or that this host never had (freebind). */
static void tell_gone(struct check *c, uint8_t protocol, const struct host_listener *l)
{
	struct finding out = check_finding(c, CHECK_WARN);
	char own[ADDR_TEXT_LEN];

	CHECK_PUT(out.what, "%s listens on port %u of %s, an address that this host does not have.",
		  l->comm[0] ? l->comm : "A process", l->port, format_addr(own, l->addr));
	CHECK_PUT(out.why, "Checks of that address do not end here, and those of others are refused.");
	CHECK_ADVISE(&out, "Give this host the address %s again, or have %s listen on the one that is "
			   "checked, and restart it.", own, l->comm[0] ? l->comm : "the service");
	CHECK_SHOW(&out, "ip -br addr; ");
	check_show_sockets(&out, protocol, l->port, true);
	check_say(c, &out);
}

/* An address beside that of L, on its device, that nobody listens on; NULL: none. */
static const struct host_address *unheard_beside(const struct check_facts *f,
						 const struct host_listeners *all,
						 const struct host_listener *l)
{
	const struct host_address *own = address_of(f, l->addr);

	for (size_t i = 0; own && i < f->addresses.n; i++) {
		const struct host_address *a = &f->addresses.a[i];

		if (a->global && strcmp(a->device, own->device) == 0 &&
		    address_is_ipv6(a->addr) == address_is_ipv6(l->addr) &&
		    check_has_family(f, address_is_ipv6(a->addr)) &&
		    check_device_wanted(f, a->device) && !is_listened(all, l->port, a->addr))
			return a;
	}
	return NULL;
}

static void tell(struct check *c, uint8_t protocol, const struct host_listener *l,
		 const struct host_address *unheard)
{
	struct finding out = check_finding(c, CHECK_WARN);
	char own[ADDR_TEXT_LEN], other[ADDR_TEXT_LEN];
	const char *name = l->comm[0] ? l->comm : "the service";

	format_addr(own, l->addr);
	CHECK_PUT(out.what, "%s listens on port %u of %s, and nobody does on that of %s (%s).",
		  l->comm[0] ? l->comm : "A process", l->port, own,
		  format_addr(other, unheard->addr), unheard->device);
	CHECK_PUT(out.why, "Checks of %s are refused; those of %s are not.", other, own);
	CHECK_ADVISE(&out, "Have the load balancer check %s, or have %s listen on %s as well, in "
			   "its configuration, and restart it.", own, name, other);
	check_show_sockets(&out, protocol, l->port, true);
	check_say(c, &out);
}

void check_listen_addresses(struct check *c)
{
	const struct host *host = c->facts->host;
	struct check_ports ports;

	/* of ports that nobody asked for it is no matter; what cannot be read is said elsewhere */
	if (!c->facts->settings->n_ports || c->facts->addresses_err ||
	    check_ports(c->facts, &ports))
		return;
	for (size_t i = 0; i < ports.n; i++) {
		const struct host_address *unheard = NULL;
		struct host_listeners all;

		if (host->ops->listeners(host->ctx, ports.p[i].protocol, ports.p[i].port, &all))
			continue;
		for (size_t j = 0; j < all.n && !unheard; j++) {
			const struct host_listener *l = &all.l[j];

			if (l->port != ports.p[i].port || l->other_netns || is_any(l->addr) ||
			    check_is_loopback(l->addr))
				continue;
			if (!address_of(c->facts, l->addr)) {
				tell_gone(c, ports.p[i].protocol, l);
				break;
			}
			unheard = unheard_beside(c->facts, &all, l);
			if (unheard)
				tell(c, ports.p[i].protocol, l, unheard);
		}
	}
}
