// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The base chains that one packet meets, in their order. */
#include "rule_order.h"

#include <stdlib.h>
#include <string.h>

enum way { IN = 1, THROUGH = 2, OUT = 4 };

/* IP's own hooks, and for which ways a packet meets them. */
static const struct {
	const char *hook;
	unsigned ways;
} hooks[] = {
	{ "INGRESS", IN | THROUGH }, { "PREROUTING", IN | THROUGH },
	{ "INPUT", IN },	     { "FORWARD", THROUGH },
	{ "OUTPUT", OUT },	     { "POSTROUTING", OUT | THROUGH },
	{ "EGRESS", OUT | THROUGH },
};
#define N_HOOKS (sizeof(hooks) / sizeof(hooks[0]))

/* What resolves an address meets a bridge's hooks where the device is one, and ARP its own. */
static const struct {
	const char *hook;
	enum way way;
} resolving[] = {
	{ "INGRESS", IN }, { "bridge PREROUTING", IN }, { "bridge INPUT", IN },
	{ "PREROUTING", IN }, { "INPUT", IN }, { "arp INPUT", IN },
	{ "OUTPUT", OUT }, { "POSTROUTING", OUT }, { "arp OUTPUT", OUT },
	{ "bridge OUTPUT", OUT }, { "bridge POSTROUTING", OUT }, { "EGRESS", OUT },
};
#define N_RESOLVING (sizeof(resolving) / sizeof(resolving[0]))

static bool find_resolving(const struct host_packet *packet, const struct fw_chain *chain,
			   unsigned *place)
{
	if (!strcmp(chain->family, "bridge") && !packet->bridged)
		return false;
	if (!packet->v6 && strcmp(chain->family, "arp") && strcmp(chain->family, "netdev") &&
	    strcmp(chain->family, "bridge"))
		return false; /* "inet" has no ARP at its ingress, either: nft_do_chain_inet_ingress() */
	while (*place < N_RESOLVING && strcmp(resolving[*place].hook, chain->hook))
		++*place;
	return *place < N_RESOLVING && resolving[*place].way == (packet->reply ? OUT : IN);
}

/* With both devices known it is forwarded; else the direction tells. */
static enum way way_of(const struct host_packet *packet)
{
	if (packet->in[0] && packet->out[0])
		return THROUGH;
	return packet->reply ? OUT : IN;
}

/* Where CHAIN's hook is among those of PACKET; false: it has no such. */
static bool find_hook(const struct host_packet *packet, const struct fw_chain *chain,
		      unsigned *place)
{
	*place = 0;
	if (!chain->hook || (packet->hook[0] && strcmp(packet->hook, chain->hook)))
		return false;
	if (packet->resolution)
		return find_resolving(packet, chain, place);
	if (packet->hook[0])
		return true;
	while (*place < N_HOOKS && strcmp(hooks[*place].hook, chain->hook))
		++*place;
	return *place < N_HOOKS && hooks[*place].ways & way_of(packet);
}

static bool family_fits(const struct host_packet *packet, const char *family)
{
	if (!strcmp(family, "arp"))
		return packet->resolution && !packet->v6;
	if (!strcmp(family, "ip"))
		return !packet->v6;
	if (!strcmp(family, "ip6"))
		return packet->v6;
	return true;
}

static bool is_legacy(const struct fw_chain *chain)
{
	return !strcmp(chain->backend, "iptables-legacy");
}

static bool backend_fits(const struct host_packet *packet, const struct fw_chain *chain)
{
	if (!packet->backend[0])
		return true;
	return is_legacy(chain) == !strcmp(packet->backend, "iptables-legacy");
}

static bool priority_fits(const struct host_packet *packet, const struct fw_chain *chain)
{
	if (packet->above >= packet->below) /* not set */
		return true;
	return chain->priority > packet->above && chain->priority < packet->below;
}

static bool is_bound_to_devices(const struct fw_chain *chain)
{
	return !strcmp(chain->hook, "INGRESS") || !strcmp(chain->hook, "EGRESS");
}

/* False: the chain is at other devices.  *DOUBTFUL: that is not known. */
static bool device_fits(const struct host_packet *packet, const struct fw_chain *chain,
			bool *doubtful)
{
	const char *device = strcmp(chain->hook, "EGRESS") ? packet->in : packet->out;

	*doubtful = false;
	if (!is_bound_to_devices(chain))
		return true;
	*doubtful = !chain->device[0] || !device[0];
	return *doubtful || !strcmp(chain->device, device);
}

/*
 * Is A met before B?  For one priority, nf_hook_entries_grow() (6.1) puts the
 * later one first: nftables' chains are listed as they were made.  Between
 * nftables and legacy iptables it is not known; nftables comes first here, as
 * in host_ops.chains.
 */
static bool before(const struct rule_stop *a, const struct rule_stop *b)
{
	if (a->hook != b->hook)
		return a->hook < b->hook;
	if (a->base->priority != b->base->priority)
		return a->base->priority < b->base->priority;
	return !is_legacy(a->base);
}

static void insert(struct rule_stop *stops, size_t n, const struct rule_stop *stop)
{
	size_t i = n;

	while (i && before(stop, &stops[i - 1])) {
		stops[i] = stops[i - 1];
		i--;
	}
	stops[i] = *stop;
}

struct rule_stop *rule_order(const struct fw_rules *rules, const struct host_packet *packet,
			     size_t *n)
{
	struct rule_stop *stops;
	size_t room = 0;

	*n = 0;
	for (const struct fw_chain *c = rules->chains; c; c = c->next)
		room += c->hook != NULL;
	if (!room)
		return NULL;
	stops = calloc(room, sizeof(*stops));
	if (!stops) {
		*n = 1;
		return NULL;
	}
	for (const struct fw_chain *c = rules->chains; c; c = c->next) {
		struct rule_stop stop = { .base = c };

		if (find_hook(packet, c, &stop.hook) && family_fits(packet, c->family) &&
		    backend_fits(packet, c) && priority_fits(packet, c) &&
		    device_fits(packet, c, &stop.doubtful))
			insert(stops, (*n)++, &stop);
	}
	if (!*n) {
		free(stops);
		stops = NULL;
	}
	return stops;
}
