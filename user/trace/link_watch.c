// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* News of network devices, from rtnetlink's link group. */
#include "link_watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

struct link_watch {
	struct mnl_socket *nl;
	const struct link_watch_listener *listener;
	void *ctx;
};

int link_watch_open(struct link_watch **out, const struct link_watch_listener *listener, void *ctx)
{
	struct link_watch *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->listener = listener;
	w->ctx = ctx;
	w->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->nl || mnl_socket_bind(w->nl, RTMGRP_LINK, MNL_SOCKET_AUTOPID)) {
		err = -errno;
		link_watch_close(w);
		return err;
	}
	*out = w;
	return 0;
}

void link_watch_close(struct link_watch *w)
{
	if (!w)
		return;
	if (w->nl)
		mnl_socket_close(w->nl);
	free(w);
}

int link_watch_fd(const struct link_watch *w)
{
	return mnl_socket_get_fd(w->nl);
}

static int on_message(const struct nlmsghdr *header, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct link_watch *w = data;

	if (header->nlmsg_type == RTM_DELLINK)
		w->listener->gone(w->ctx, (unsigned)info->ifi_index);
	else if (header->nlmsg_type == RTM_NEWLINK && (info->ifi_flags & IFF_UP))
		w->listener->up(w->ctx, (unsigned)info->ifi_index);
	return MNL_CB_OK;
}

/* More news than the socket holds: whatever came up meanwhile is there now. */
static void look_at_all(struct link_watch *w)
{
	struct if_nameindex *devices = if_nameindex();

	for (struct if_nameindex *d = devices; d && d->if_index; d++)
		w->listener->up(w->ctx, d->if_index);
	if (devices)
		if_freenameindex(devices);
}

void link_watch_read(struct link_watch *w)
{
	char buffer[16384];
	ssize_t len;

	for (;;) {
		len = mnl_socket_recvfrom(w->nl, buffer, sizeof(buffer));
		if (len > 0)
			mnl_cb_run(buffer, (size_t)len, 0, 0, on_message, w);
		else if (len < 0 && errno == ENOBUFS)
			look_at_all(w);
		else
			break;
	}
}
