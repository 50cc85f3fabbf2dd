// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Devices by rtnetlink. */
#include "links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/netlink.h"

#define MAX_DEPTH 8 /* a VLAN on a bond in a bridge, and some more */

static void take_data(const struct nlattr *data, struct link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data) {
		unsigned type = mnl_attr_get_type(attr);

		if (strcmp(link->kind, "vlan") == 0 && type == IFLA_VLAN_ID && !link->vlan)
			link->vlan = mnl_attr_get_u16(attr);
		/* 802.1ad: nothing that this could push */
		if (strcmp(link->kind, "vlan") == 0 && type == IFLA_VLAN_PROTOCOL &&
		    mnl_attr_get_u16(attr) != htons(ETH_P_8021Q))
			link->lower = 0;
		if (strcmp(link->kind, "bond") == 0 && type == IFLA_BOND_ACTIVE_SLAVE)
			link->active = mnl_attr_get_u32(attr);
	}
}

static void take_info(const struct nlattr *info, struct link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_INFO_KIND:
			snprintf(link->kind, sizeof(link->kind), "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_INFO_DATA:
			take_data(attr, link);
			break;
		}
	}
}

static void take_xdp(const struct nlattr *xdp, struct link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, xdp)
		if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED)
			link->xdp_driver = mnl_attr_get_u8(attr) != XDP_ATTACHED_NONE &&
					   mnl_attr_get_u8(attr) != XDP_ATTACHED_SKB;
}

static int take_link(const struct nlmsghdr *h, void *ctx)
{
	const struct ifinfomsg *msg = mnl_nlmsg_get_payload(h);
	struct links *links = ctx;
	struct link *grown = realloc(links->l, (links->n + 1) * sizeof(*grown)), *link;
	const struct nlattr *attr;
	bool elsewhere = false;

	if (!grown) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	links->l = grown;
	link = &links->l[links->n++];
	memset(link, 0, sizeof(*link));
	link->ifindex = (unsigned)msg->ifi_index;
	link->type = msg->ifi_type;
	link->up = msg->ifi_flags & IFF_UP;
	mnl_attr_for_each(attr, h, sizeof(*msg)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			snprintf(link->name, sizeof(link->name), "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_MASTER:
			link->master = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK:
			link->lower = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		case IFLA_XDP:
			take_xdp(attr, link);
			break;
		case IFLA_QDISC:
			snprintf(link->qdisc, sizeof(link->qdisc), "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attr) == sizeof(link->mac))
				memcpy(link->mac, mnl_attr_get_payload(attr), sizeof(link->mac));
			break;
		}
	}
	if (elsewhere)
		link->lower = 0;
	mnl_attr_for_each(attr, h, sizeof(*msg))
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			take_info(attr, link);
	return MNL_CB_OK;
}

int links_read(struct links *out)
{
	char buffer[256] __attribute__((aligned(8)));
	int err, tries = NETLINK_TRIES;

	memset(out, 0, sizeof(*out));
	do {
		struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
		struct ifinfomsg *msg = mnl_nlmsg_put_extra_header(h, sizeof(*msg));

		out->n = 0;
		h->nlmsg_type = RTM_GETLINK;
		msg->ifi_family = AF_UNSPEC;
		err = netlink_ask(NETLINK_ROUTE, h, true, take_link, out, NULL);
	} while (err == -EINTR && --tries);
	return err;
}

void links_free(struct links *links)
{
	free(links->l);
	memset(links, 0, sizeof(*links));
}

const struct link *links_find(const struct links *links, unsigned ifindex)
{
	for (size_t i = 0; ifindex && i < links->n; i++)
		if (links->l[i].ifindex == ifindex)
			return &links->l[i];
	return NULL;
}

const struct link *links_by_name(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->n; i++)
		if (strcmp(links->l[i].name, name) == 0)
			return &links->l[i];
	return NULL;
}

static bool is_kind(const struct link *link, const char *kind)
{
	return strcmp(link->kind, kind) == 0;
}

static bool has_ports(const struct link *link)
{
	return is_kind(link, "bridge") || is_kind(link, "bond") || is_kind(link, "team");
}

bool link_is_passed(const struct links *links, const struct link *link)
{
	if (is_kind(link, "vlan"))
		return links_find(links, link->lower);
	for (size_t i = 0; has_ports(link) && i < links->n; i++)
		if (links->l[i].master == link->ifindex)
			return true;
	return false;
}

bool link_leads_inside(const struct link *link)
{
	return is_kind(link, "veth") || is_kind(link, "netkit") ||
	       (is_kind(link, "tun") && link->type == ARPHRD_ETHER);
}

/* The port of a bridge on which MAC was seen last. */
struct port_search {
	const struct links *links;
	unsigned bridge, port;
	const uint8_t *mac;
};

static int take_port(const struct nlmsghdr *h, void *ctx)
{
	const struct ndmsg *msg = mnl_nlmsg_get_payload(h);
	struct port_search *s = ctx;
	const struct link *port = links_find(s->links, (unsigned)msg->ndm_ifindex);
	const struct nlattr *attr;

	if (!port || port->master != s->bridge || msg->ndm_state & NUD_PERMANENT)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, h, sizeof(*msg))
		if (mnl_attr_get_type(attr) == NDA_LLADDR && mnl_attr_get_payload_len(attr) == 6 &&
		    memcmp(mnl_attr_get_payload(attr), s->mac, 6) == 0)
			s->port = port->ifindex;
	return MNL_CB_OK;
}

static unsigned port_of(const struct links *links, const struct link *bridge, const uint8_t mac[6])
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ndmsg *msg = mnl_nlmsg_put_extra_header(h, sizeof(*msg));
	struct port_search search = { links, bridge->ifindex, 0, mac };

	h->nlmsg_type = RTM_GETNEIGH;
	msg->ndm_family = AF_BRIDGE;
	netlink_ask(NETLINK_ROUTE, h, true, take_port, &search, NULL);
	return search.port;
}

/* Of a bridge or bond the port that leads outside, as far as can be told. */
static const struct link *port_outside(const struct links *links, const struct link *link,
				       const uint8_t gateway_mac[6])
{
	const struct link *port = links_find(links, link->active), *inside = NULL;

	if (!port && is_kind(link, "bridge") && gateway_mac)
		port = links_find(links, port_of(links, link, gateway_mac));
	for (size_t i = 0; !port && i < links->n; i++) {
		if (links->l[i].master != link->ifindex || !links->l[i].up)
			continue;
		if (!link_leads_inside(&links->l[i]))
			port = &links->l[i];
		else if (!inside)
			inside = &links->l[i];
	}
	return port ? port : inside;
}

const struct link *link_from_outside(const struct links *links, const struct link *link,
				     const uint8_t gateway_mac[6], uint16_t *vlan)
{
	*vlan = 0;
	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		const struct link *next = NULL;

		if (is_kind(link, "vlan") && !*vlan) {
			next = links_find(links, link->lower);
			if (next)
				*vlan = link->vlan;
		} else if (has_ports(link)) {
			next = port_outside(links, link, gateway_mac);
		}
		if (!next)
			break;
		link = next;
	}
	return link;
}
