// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Network devices, their XDP programs and receive counters, from rtnetlink. */
#include "devices.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

/* linux/if.h has it too, but does not go together with net/if.h. */
#define FLAG_LOWER_UP (1U << 16)

/* What is read, and by which numbers the devices name each other. */
struct links {
	struct host_devices *out;
	struct host_device *device; /* the one that is being read */
	uint32_t ifindex[HOST_MAX_DEVICES], master[HOST_MAX_DEVICES];
};

static int take_xdp(const struct nlattr *attr, void *data)
{
	struct host_device *device = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_XDP_PROG_ID:
	case IFLA_XDP_DRV_PROG_ID:
	case IFLA_XDP_SKB_PROG_ID:
	case IFLA_XDP_HW_PROG_ID:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0 && !device->xdp_prog_id)
			device->xdp_prog_id = mnl_attr_get_u32(attr);
		break;
	}
	return MNL_CB_OK;
}

static int take_info(const struct nlattr *attr, void *data)
{
	struct host_device *device = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		device->vrf = strcmp(mnl_attr_get_str(attr), "vrf") == 0;
	return MNL_CB_OK;
}

static int take_attr(const struct nlattr *attr, void *data)
{
	struct links *links = data;
	struct host_device *device = links->device;
	struct rtnl_link_stats64 stats;
	size_t len;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			snprintf(device->name, sizeof(device->name), "%s", mnl_attr_get_str(attr));
		break;
	case IFLA_STATS64:
		/* Newer kernels send more, older ones less, than our headers know. */
		memset(&stats, 0, sizeof(stats));
		len = mnl_attr_get_payload_len(attr);
		memcpy(&stats, mnl_attr_get_payload(attr),
		       len < sizeof(stats) ? len : sizeof(stats));
		device->rx_packets = stats.rx_packets;
		device->rx_dropped = stats.rx_dropped + stats.rx_missed_errors;
		break;
	case IFLA_MASTER:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			links->master[device - links->out->d] = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, take_info, device);
		break;
	case IFLA_XDP:
		mnl_attr_parse_nested(attr, take_xdp, device);
		break;
	}
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct links *links = data;
	struct host_devices *out = links->out;

	if (ifi->ifi_flags & IFF_LOOPBACK)
		return MNL_CB_OK;
	if (out->n == HOST_MAX_DEVICES) {
		out->truncated = true;
		return MNL_CB_OK;
	}
	links->ifindex[out->n] = (uint32_t)ifi->ifi_index;
	links->device = &out->d[out->n++];
	links->device->up = (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & FLAG_LOWER_UP);
	mnl_attr_parse(nlh, sizeof(*ifi), take_attr, links);
	return MNL_CB_OK;
}

static void name_vrfs(struct links *links)
{
	struct host_device *d = links->out->d;

	for (size_t i = 0; i < links->out->n; i++)
		for (size_t j = 0; j < links->out->n; j++)
			if (links->master[i] && links->ifindex[j] == links->master[i] && d[j].vrf)
				memcpy(d[i].member_of, d[j].name, sizeof(d[i].member_of));
}

int devices_read(struct host_devices *out)
{
	char buf[256] __attribute__((aligned(8)));
	int err, tries = NETLINK_TRIES;
	struct links links;

	do {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
		struct ifinfomsg *ifi;

		memset(out, 0, sizeof(*out));
		links = (struct links){ .out = out };
		nlh->nlmsg_type = RTM_GETLINK;
		ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
		ifi->ifi_family = AF_UNSPEC;
		err = netlink_ask(NETLINK_ROUTE, nlh, true, take_link, &links, NULL);
	} while (err == -EINTR && --tries);
	if (!err)
		name_vrfs(&links);
	return err;
}

/* Any socket takes the question. */
static int ask_device(unsigned long question, struct ifreq *request)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	err = ioctl(fd, question, request) ? -errno : 0;
	close(fd);
	return err == -ENXIO ? -ENODEV : err;
}

int device_name(unsigned ifindex, char name[IFNAMSIZ])
{
	struct ifreq request = { .ifr_ifindex = (int)ifindex };
	int err = ask_device(SIOCGIFNAME, &request);

	memset(name, 0, IFNAMSIZ);
	if (!err)
		memcpy(name, request.ifr_name, strnlen(request.ifr_name, IFNAMSIZ - 1));
	return err;
}

int device_index(const char *name, unsigned *ifindex)
{
	struct ifreq request = { 0 };
	int err;

	*ifindex = 0;
	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	memcpy(request.ifr_name, name, strlen(name));
	err = ask_device(SIOCGIFINDEX, &request);
	if (!err)
		*ifindex = (unsigned)request.ifr_ifindex;
	return err;
}

bool device_is_bridge(const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (char *)&info };

	if (!name[0] || strlen(name) >= IFNAMSIZ)
		return false;
	memcpy(request.ifr_name, name, strlen(name));
	return !ask_device(SIOCETHTOOL, &request) && strcmp(info.driver, "bridge") == 0;
}
