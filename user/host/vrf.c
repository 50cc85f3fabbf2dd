// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of a device's VRF, by rtnetlink. */
#include "vrf.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "netlink.h"

struct link_facts {
	uint32_t master; /* 0: none */
	bool is_vrf;
	uint32_t table;
};

static void read_info(struct link_facts *link, const struct nlattr *info)
{
	const struct nlattr *attr, *inner;

	mnl_attr_for_each_nested(attr, info) {
		const char *kind = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			link->is_vrf = strncmp(kind, "vrf", mnl_attr_get_payload_len(attr)) == 0;
		if (mnl_attr_get_type(attr) != IFLA_INFO_DATA || !link->is_vrf)
			continue;
		mnl_attr_for_each_nested(inner, attr)
			if (mnl_attr_get_type(inner) == IFLA_VRF_TABLE)
				link->table = mnl_attr_get_u32(inner);
	}
}

static int take_link(const struct nlmsghdr *nlh, void *data)
{
	struct link_facts *link = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(attr) == IFLA_MASTER)
			link->master = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			read_info(link, attr);
	}
	return MNL_CB_OK;
}

static int read_link(unsigned ifindex, struct link_facts *link)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *header;

	memset(link, 0, sizeof(*link));
	nlh->nlmsg_type = RTM_GETLINK;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->ifi_index = (int)ifindex;
	return netlink_ask(NETLINK_ROUTE, nlh, false, take_link, link, NULL);
}

/* A bridge or bond can be between it and the VRF. */
int vrf_of_device(unsigned ifindex, uint32_t *table)
{
	struct link_facts link;

	*table = 0;
	for (int depth = 0; depth < 4 && ifindex; depth++) {
		int err = read_link(ifindex, &link);

		if (err)
			return err;
		if (link.is_vrf) {
			*table = link.table;
			return 1;
		}
		ifindex = link.master;
	}
	return 0;
}
