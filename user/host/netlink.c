// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One question to the kernel over netlink. */
#include "netlink.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

/* As the kernel fills at most in one go for a dump (NETLINK_DUMP: SKB_WITH_OVERHEAD(32768)). */
#define ANSWER_LEN 32768
#define TIMEOUT_US 500000

static int receive(struct mnl_socket *nl, uint32_t seq, mnl_cb_t cb, void *data, bool *refused)
{
	char buf[ANSWER_LEN] __attribute__((aligned(8)));
	uint32_t port = mnl_socket_get_portid(nl);
	ssize_t len;
	int ret;

	do {
		do
			len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		while (len < 0 && errno == EINTR);
		if (len < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		ret = mnl_cb_run(buf, len, seq, port, cb, data);
		if (ret < 0) {
			const struct nlmsghdr *h = (const void *)buf;

			*refused = h->nlmsg_type == NLMSG_ERROR;
			return errno ? -errno : -EIO;
		}
	} while (ret != MNL_CB_STOP);
	return 0;
}

int netlink_ask(int bus, struct nlmsghdr *request, bool dump, mnl_cb_t cb, void *data,
		bool *refused)
{
	const struct timeval timeout = { .tv_usec = TIMEOUT_US };
	bool ignored;
	struct mnl_socket *nl;
	int err = 0;

	if (!refused)
		refused = &ignored;
	*refused = false;
	/* Without a list to end, the acknowledgement is what ends the answer. */
	request->nlmsg_flags |= NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK);
	request->nlmsg_seq = 1;

	nl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		err = -errno;
	if (!err)
		err = receive(nl, request->nlmsg_seq, cb, data, refused);
	mnl_socket_close(nl);
	return err;
}
