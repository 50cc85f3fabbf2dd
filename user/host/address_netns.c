// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which network namespace of this host has an address.
 *
 * Unrelated namespaces may have it, too (every lab and every second Docker host has a
 * 172.17.0.2): it is the one that a device of this namespace leads into (veth), or whose
 * device has the hardware address that this namespace sends to, by its table of neighbours.
 */
#include "address_netns.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <string.h>

#include "netlink.h"
#include "netns.h"

#define MAX_OTHER_NETNS 256
#define MAX_NEIGHBOURS 4 /* of one address, on several devices */
#define MAX_LINKED 256 /* namespaces that devices lead into */
#define MAC_LEN 6

struct search {
	const uint8_t *addr;
	uint8_t macs[MAX_NEIGHBOURS][MAC_LEN];
	size_t n_macs;
	int32_t linked[MAX_LINKED]; /* numbers that this namespace has for others */
	size_t n_linked;
};

static bool is_addr(const struct search *s, const struct sockaddr *sa)
{
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };

	if (!sa)
		return false;
	if (sa->sa_family == AF_INET6)
		return memcmp(&((const struct sockaddr_in6 *)sa)->sin6_addr, s->addr, 16) == 0;
	if (sa->sa_family != AF_INET)
		return false;
	memcpy(mapped + 12, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	return memcmp(mapped, s->addr, 16) == 0;
}

static const struct ifaddrs *owner_in(const struct search *s, const struct ifaddrs *all)
{
	while (all && !is_addr(s, all->ifa_addr))
		all = all->ifa_next;
	return all;
}

/* 1: this namespace has it, 0, or -errno. */
static int has_address(void *ctx)
{
	struct ifaddrs *all;
	bool found;

	if (getifaddrs(&all))
		return -errno;
	found = owner_in(ctx, all) != NULL;
	freeifaddrs(all);
	return found;
}

static bool is_neighbour(const struct search *s, const struct sockaddr_ll *ll)
{
	for (size_t i = 0; i < s->n_macs; i++)
		if (ll->sll_halen == MAC_LEN && memcmp(ll->sll_addr, s->macs[i], MAC_LEN) == 0)
			return true;
	return false;
}

/* The same, by a device that is a neighbour of the namespace that we came from. */
static int has_neighbour(void *ctx)
{
	struct search *s = ctx;
	const struct ifaddrs *owner;
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all))
		return -errno;
	owner = owner_in(s, all);
	for (const struct ifaddrs *one = all; owner && one && !found; one = one->ifa_next)
		found = one->ifa_addr && one->ifa_addr->sa_family == AF_PACKET &&
			strcmp(one->ifa_name, owner->ifa_name) == 0 &&
			is_neighbour(s, (const struct sockaddr_ll *)one->ifa_addr);
	freeifaddrs(all);
	return found;
}

static int take_neighbour(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(nlh);
	const uint8_t *dst = NULL, *mac = NULL;
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
	struct search *s = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*neighbour)) {
		uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

		if (type == NDA_LLADDR && len == MAC_LEN) {
			mac = mnl_attr_get_payload(attr);
		} else if (type == NDA_DST && neighbour->ndm_family == AF_INET && len == 4) {
			memcpy(mapped + 12, mnl_attr_get_payload(attr), 4);
			dst = mapped;
		} else if (type == NDA_DST && neighbour->ndm_family == AF_INET6 && len == 16) {
			dst = mnl_attr_get_payload(attr);
		}
	}
	if (dst && mac && memcmp(dst, s->addr, 16) == 0 && s->n_macs < MAX_NEIGHBOURS)
		memcpy(s->macs[s->n_macs++], mac, MAC_LEN);
	return MNL_CB_OK;
}

static int read_neighbours(struct search *s)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *neighbour;

	nlh->nlmsg_type = RTM_GETNEIGH;
	neighbour = mnl_nlmsg_put_extra_header(nlh, sizeof(*neighbour));
	neighbour->ndm_family = AF_UNSPEC;
	return netlink_ask(NETLINK_ROUTE, nlh, true, take_neighbour, s, NULL);
}

static int take_link(const struct nlmsghdr *nlh, void *data)
{
	struct search *s = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
		if (mnl_attr_get_type(attr) == IFLA_LINK_NETNSID &&
		    mnl_attr_get_payload_len(attr) == sizeof(int32_t) && s->n_linked < MAX_LINKED)
			memcpy(&s->linked[s->n_linked++], mnl_attr_get_payload(attr),
			       sizeof(int32_t));
	return MNL_CB_OK;
}

static int read_links(struct search *s)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *link;

	nlh->nlmsg_type = RTM_GETLINK;
	link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	return netlink_ask(NETLINK_ROUTE, nlh, true, take_link, s, NULL);
}

static int take_nsid(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtgenmsg))
		if (mnl_attr_get_type(attr) == NETNSA_NSID &&
		    mnl_attr_get_payload_len(attr) == sizeof(int32_t))
			memcpy(data, mnl_attr_get_payload(attr), sizeof(int32_t));
	return MNL_CB_OK;
}

/* Does a device of this namespace lead into the one in which process PID lives? */
static bool is_linked(const struct search *s, uint32_t pid)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *general;
	int32_t nsid = -1;

	nlh->nlmsg_type = RTM_GETNSID;
	general = mnl_nlmsg_put_extra_header(nlh, sizeof(*general));
	general->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, NETNSA_PID, pid);
	if (netlink_ask(NETLINK_ROUTE, nlh, false, take_nsid, &nsid, NULL) || nsid < 0)
		return false;
	for (size_t i = 0; i < s->n_linked; i++)
		if (s->linked[i] == nsid)
			return true;
	return false;
}

int address_netns_find(const uint8_t addr[16], uint32_t *out)
{
	struct netns_ref refs[MAX_OTHER_NETNS];
	struct search s = { .addr = addr };
	size_t n;
	int err = has_address(&s);

	*out = 0;
	if (err < 0)
		return err;
	if (err) {
		*out = netns_self();
		return 0;
	}
	err = read_neighbours(&s);
	if (err)
		return err;
	err = read_links(&s);
	if (err)
		return err;
	n = netns_others(refs, MAX_OTHER_NETNS);
	for (size_t i = 0; i < n; i++) {
		bool linked = is_linked(&s, refs[i].pid);

		if ((!linked && !s.n_macs) ||
		    netns_visit(&refs[i], linked ? has_address : has_neighbour, &s) != 1)
			continue;
		if (*out) {
			*out = 0;
			return -ENOTUNIQ;
		}
		*out = refs[i].netns;
	}
	return *out ? 0 : -ENOENT;
}
