// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Addresses of this host's devices, from rtnetlink. */
#include "addresses.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "devices.h"
#include "netlink.h"

static int take_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct host_addresses *out = data;
	struct host_address *a;
	const struct nlattr *attr;
	bool local = false;
	int err;

	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return MNL_CB_OK;
	if (out->n == HOST_MAX_ADDRESSES) {
		out->truncated = true;
		return MNL_CB_OK;
	}
	a = &out->a[out->n];
	memset(a, 0, sizeof(*a));
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

		/* Of a point-to-point device, IFA_ADDRESS is the other end's. */
		if (type != IFA_LOCAL && (type != IFA_ADDRESS || local))
			continue;
		local = type == IFA_LOCAL;
		if (ifa->ifa_family == AF_INET && len == 4) {
			a->addr[10] = a->addr[11] = 0xff;
			memcpy(a->addr + 12, mnl_attr_get_payload(attr), 4);
			a->len = (uint8_t)(96 + ifa->ifa_prefixlen);
		} else if (ifa->ifa_family == AF_INET6 && len == 16) {
			memcpy(a->addr, mnl_attr_get_payload(attr), 16);
			a->len = ifa->ifa_prefixlen;
		}
	}
	a->global = ifa->ifa_scope < RT_SCOPE_LINK;
	err = a->len ? device_name(ifa->ifa_index, a->device) : -ENODEV;
	if (!err)
		out->n++;
	errno = -err;
	return err && err != -ENODEV ? MNL_CB_ERROR : MNL_CB_OK; /* it can be gone meanwhile */
}

/* Byte by byte: addresses lie at any place in their structs. */
bool address_is_ipv6(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

	return memcmp(addr, mapped, sizeof(mapped)) != 0;
}

int addresses_read(struct host_addresses *out)
{
	char buf[256] __attribute__((aligned(8)));
	int err, tries = NETLINK_TRIES;

	do {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
		struct ifaddrmsg *ifa;

		memset(out, 0, sizeof(*out));
		nlh->nlmsg_type = RTM_GETADDR;
		ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
		ifa->ifa_family = AF_UNSPEC;
		err = netlink_ask(NETLINK_ROUTE, nlh, true, take_address, out, NULL);
	} while (err == -EINTR && --tries);
	return err;
}
