// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The veth pair, by rtnetlink. */
#include "bottle_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/addresses.h"
#include "host/netlink.h"

#define INSIDE "eth0"

static struct nlmsghdr *put_link(char *buffer, uint16_t type, uint16_t flags, unsigned ifindex,
				 unsigned set)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(h, sizeof(*link));

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	link->ifi_flags = set;
	link->ifi_change = set;
	return h;
}

static int ask(struct nlmsghdr *h)
{
	return netlink_ask(NETLINK_ROUTE, h, false, NULL, NULL, NULL);
}

int bottle_link_make(const char *name, int netns, const uint8_t mac[6])
{
	char buffer[1024] __attribute__((aligned(8)));
	struct nlmsghdr *h = put_link(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0);
	struct nlattr *info, *data, *peer;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	memset(mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg)), 0,
	       sizeof(struct ifinfomsg));
	mnl_attr_put_strz(h, IFLA_IFNAME, INSIDE);
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)netns);
	mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return ask(h);
}

/* IPv6 shall not give it a link-local address, nor speak over it. */
static int no_own_address(unsigned ifindex)
{
	char buffer[512] __attribute__((aligned(8)));
	struct nlmsghdr *h = put_link(buffer, RTM_NEWLINK, 0, ifindex, 0);
	struct nlattr *families = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	struct nlattr *v6 = mnl_attr_nest_start(h, AF_INET6);

	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, v6);
	mnl_attr_nest_end(h, families);
	return ask(h);
}

/* Without ARP no neighbour is asked for: bpf/bottle.bpf.c knows the hardware addresses. */
static int set_up(unsigned ifindex)
{
	char buffer[256] __attribute__((aligned(8)));
	int err = no_own_address(ifindex);

	/* without IPv6 there is nothing to switch off */
	if (err && err != -EAFNOSUPPORT && err != -EOPNOTSUPP)
		return err;
	return ask(put_link(buffer, RTM_NEWLINK, 0, ifindex, IFF_UP | IFF_NOARP));
}

int bottle_link_outside(unsigned ifindex)
{
	return set_up(ifindex);
}

int bottle_link_remove(unsigned ifindex)
{
	char buffer[256] __attribute__((aligned(8)));

	return ask(put_link(buffer, RTM_DELLINK, 0, ifindex, 0));
}

static int add_address(unsigned ifindex, bool v6, const uint8_t addr[16])
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *msg = mnl_nlmsg_put_extra_header(h, sizeof(*msg));
	const uint8_t *bytes = v6 ? addr : addr + 12;
	size_t len = v6 ? 16 : 4;

	h->nlmsg_type = RTM_NEWADDR;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	msg->ifa_family = v6 ? AF_INET6 : AF_INET;
	msg->ifa_prefixlen = (uint8_t)(len * 8);
	msg->ifa_flags = v6 ? IFA_F_NODAD : 0;
	msg->ifa_index = ifindex;
	mnl_attr_put(h, IFA_LOCAL, len, bytes);
	mnl_attr_put(h, IFA_ADDRESS, len, bytes);
	return ask(h);
}

static int add_route(unsigned ifindex, bool v6)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct rtmsg *msg = mnl_nlmsg_put_extra_header(h, sizeof(*msg));

	h->nlmsg_type = RTM_NEWROUTE;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	msg->rtm_family = v6 ? AF_INET6 : AF_INET;
	msg->rtm_table = RT_TABLE_MAIN;
	msg->rtm_protocol = RTPROT_STATIC;
	msg->rtm_scope = v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	msg->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(h, RTA_OIF, ifindex);
	return ask(h);
}

/* New namespaces have the settings that the host's first one has, its firm ones included. */
static void allow(const char *setting)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", setting);
	f = fopen(path, "we");
	if (!f)
		return; /* /proc is read-only, as in containers: the defaults will do */
	fputs("0\n", f);
	fclose(f);
}

int bottle_link_inside(const uint8_t addr[16])
{
	bool v6 = address_is_ipv6(addr);
	unsigned ifindex = if_nametoindex(INSIDE);
	int err;

	if (!ifindex)
		return -errno;
	allow("ipv4/conf/all/rp_filter");
	allow("ipv4/conf/" INSIDE "/rp_filter");
	allow("ipv6/conf/" INSIDE "/disable_ipv6");
	err = set_up(ifindex);
	if (!err)
		err = add_address(ifindex, v6, addr);
	if (!err)
		err = add_route(ifindex, v6);
	return err;
}
