// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Connections of ours that the host still holds. */
#include "leftover.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "host/addresses.h"
#include "host/netlink.h"

/* What the kernel has for a connection. */
struct found {
	bool ours;
	uint16_t from_port_be;
	struct inet_diag_sockid id;
};

/*
 * Without a connection the kernel's look-up finds the listener (inet_diag_find_one_icsk()), which
 * is not ours to touch: a connection is what has our port at its other end.
 */
static int take_socket(const struct nlmsghdr *h, void *ctx)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(h);
	struct found *found = ctx;

	found->ours = msg->idiag_state != TCP_LISTEN && msg->idiag_state != TCP_CLOSE &&
		      msg->idiag_state != TCP_TIME_WAIT &&
		      msg->id.idiag_dport == found->from_port_be;
	found->id = msg->id;
	return MNL_CB_OK;
}

static void put_request(char *buffer, uint16_t type, bool v6, const struct inet_diag_sockid *id)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(h, sizeof(*request));

	h->nlmsg_type = type;
	request->sdiag_family = v6 ? AF_INET6 : AF_INET;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = ~(1u << TCP_LISTEN);
	request->id = *id;
}

void leftover_end(const uint8_t from[16], uint16_t from_port_be, const uint8_t target[16],
		  uint16_t port)
{
	char buffer[256] __attribute__((aligned(8)));
	struct inet_diag_sockid id = { .idiag_sport = htons(port), .idiag_dport = from_port_be,
				       .idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } };
	struct found found = { .from_port_be = from_port_be };
	bool v6 = address_is_ipv6(target);
	size_t skip = v6 ? 0 : 12;

	memcpy(id.idiag_src, target + skip, 16 - skip);
	memcpy(id.idiag_dst, from + skip, 16 - skip);
	put_request(buffer, SOCK_DIAG_BY_FAMILY, v6, &id);
	netlink_ask(NETLINK_SOCK_DIAG, (void *)buffer, false, take_socket, &found, NULL);
	if (!found.ours)
		return;
	/* by its cookie: it, and nothing that took its place meanwhile */
	memcpy(id.idiag_cookie, found.id.idiag_cookie, sizeof(id.idiag_cookie));
	if (id.idiag_cookie[0] == INET_DIAG_NOCOOKIE && id.idiag_cookie[1] == INET_DIAG_NOCOOKIE)
		return;
	put_request(buffer, SOCK_DESTROY, v6, &id);
	netlink_ask(NETLINK_SOCK_DIAG, (void *)buffer, false, NULL, NULL, NULL);
}
