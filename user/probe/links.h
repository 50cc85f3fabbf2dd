/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The devices of the calling thread's namespace, and how they stand upon each other. */
#ifndef HCT_LINKS_H
#define HCT_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link {
	unsigned ifindex;
	unsigned master; /* bridge or bond that it is a port of; 0: none */
	unsigned lower; /* device below it, in this namespace; 0: none */
	unsigned active; /* of a bond: the port in use; 0: several, or none */
	uint16_t type; /* ARPHRD_* */
	uint16_t vlan; /* of a VLAN device: its tag; 0: not 802.1Q */
	bool up;
	uint8_t mac[6];
	char name[IF_NAMESIZE];
	bool xdp_driver; /* an XDP program runs in its driver, or in the hardware */
	char qdisc[16];
	char kind[16]; /* "bridge", "veth", …; "": a device of its own */
};

struct links {
	struct link *l;
	size_t n;
};

/* 0 or -errno; free with links_free() in both cases. */
int links_read(struct links *out);
void links_free(struct links *links);

const struct link *links_find(const struct links *links, unsigned ifindex); /* NULL: no such */
const struct link *links_by_name(const struct links *links, const char *name);

/*
 * Does what leaves by LINK go on by another device of this namespace?  Then that one is
 * where it leaves the host.
 */
bool link_is_passed(const struct links *links, const struct link *link);
/* Is what lies behind LINK still on this host: a container, a virtual machine? */
bool link_leads_inside(const struct link *link);

/*
 * The device by which a frame from outside reaches LINK: itself, a bond's or bridge's port,
 * a VLAN's device.  GATEWAY_MAC (NULL: not known) tells a bridge's port.  *VLAN: the
 * tag that it has there, 0 none.
 */
const struct link *link_from_outside(const struct links *links, const struct link *link,
				     const uint8_t gateway_mac[6], uint16_t *vlan);

#endif
