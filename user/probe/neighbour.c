// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The bottle as a neighbour of its subnet. */
#include "neighbour.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bottle_addr.h"
#include "client.h"
#include "host/addresses.h"
#include "host/netlink.h"
#include "host/routes.h"

#define OURS 0x48 /* NDA_PROTOCOL of our entries: no routing daemon has this number */
#define ARP_WAIT_NS 500000000ULL
#define MAX_STALE 16

struct entry {
	uint8_t addr[16]; /* v4-mapped */
	unsigned ifindex;
};

struct neighbour {
	struct entry entry;
	int pipe; /* its other end is the stand-in's: the end of it is our end */
	pid_t stand_in;
};

/* Does the answer to W need the bottle's own hardware address?  *IFINDEX: on which device. */
static bool is_on_link(const struct way *w, unsigned *ifindex)
{
	struct host_route back;

	if (routes_back(w->target, w->from, &back) || back.err || back.has_gateway ||
	    !back.device[0])
		return false;
	*ifindex = if_nametoindex(back.device);
	return *ifindex;
}

/* ---- does somebody have the address ---- */

struct arp_packet {
	struct arphdr head;
	uint8_t from_mac[6], from[4], to_mac[6], to[4];
} __attribute__((packed));

static bool ask_arp(int fd, const struct way *w, unsigned ifindex)
{
	struct arp_packet question = {
		.head = { htons(ARPHRD_ETHER), htons(ETH_P_IP), 6, 4, htons(ARPOP_REQUEST) },
	};
	struct sockaddr_ll everybody = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP),
					 .sll_ifindex = (int)ifindex, .sll_halen = 6 };

	memset(everybody.sll_addr, 0xff, 6);
	memcpy(question.from_mac, w->mac, 6);
	memcpy(question.to, w->from + 12, 4);
	return !bind(fd, (void *)&everybody, sizeof(everybody)) &&
	       sendto(fd, &question, sizeof(question), 0, (void *)&everybody,
		      sizeof(everybody)) > 0;
}

bool neighbour_has_address(const struct way *w)
{
	uint64_t deadline = client_now() + ARP_WAIT_NS;
	struct arp_packet heard;
	bool found = false;
	unsigned ifindex;
	int fd;

	/* of IPv6 an address by chance is nobody's: its last 64 bits are, as a rule */
	if (address_is_ipv6(w->from) || w->in_use || !is_on_link(w, &ifindex))
		return false;
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ARP));
	if (fd < 0)
		return false;
	if (ask_arp(fd, w, ifindex)) {
		const struct client none = { .stop_fd = -1 };

		while (!found && !client_wait(&none, fd, POLLIN, deadline))
			found = recv(fd, &heard, sizeof(heard), 0) >= (ssize_t)sizeof(heard) &&
				memcmp(heard.from, w->from + 12, 4) == 0;
	}
	close(fd);
	return found;
}

/* ---- the entry ---- */

static int change(const struct entry *e, uint16_t type, uint16_t flags, const uint8_t *mac)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ndmsg *msg = mnl_nlmsg_put_extra_header(h, sizeof(*msg));
	bool v6 = address_is_ipv6(e->addr);

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	msg->ndm_family = v6 ? AF_INET6 : AF_INET;
	msg->ndm_ifindex = (int)e->ifindex;
	msg->ndm_state = NUD_PERMANENT;
	mnl_attr_put(h, NDA_DST, v6 ? 16 : 4, v6 ? e->addr : e->addr + 12);
	if (mac) {
		mnl_attr_put(h, NDA_LLADDR, 6, mac);
		mnl_attr_put_u8(h, NDA_PROTOCOL, OURS);
	}
	return netlink_ask(NETLINK_ROUTE, h, false, NULL, NULL, NULL);
}

static void remove_entry(const struct entry *e)
{
	change(e, RTM_DELNEIGH, 0, NULL);
}

/* A process that outlives this one just long enough to remove the entry. */
static void stand_in(const struct entry *e, int pipe)
{
	sigset_t all;
	char byte;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "hctrace-sweeper");
	setsid(); /* what kills the group of the other leaves this one */
	while (read(pipe, &byte, 1) < 0 && errno == EINTR)
		continue;
	remove_entry(e);
	_exit(0);
}

static int start_stand_in(struct neighbour *n)
{
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	n->stand_in = fork();
	if (!n->stand_in) {
		close(ends[1]);
		stand_in(&n->entry, ends[0]);
	}
	err = n->stand_in < 0 ? -errno : 0;
	close(ends[0]);
	n->pipe = ends[1];
	return err;
}

int neighbour_open(struct neighbour **out, const struct way *w, const uint8_t mac[6])
{
	struct neighbour *n;
	unsigned ifindex;
	int err;

	*out = NULL;
	if (!is_on_link(w, &ifindex))
		return 0;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->pipe = -1;
	n->entry.ifindex = ifindex;
	memcpy(n->entry.addr, w->from, sizeof(n->entry.addr));
	err = change(&n->entry, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, mac);
	if (err) {
		free(n);
		/* a real node's entry serves as well, and stays as it is */
		return err == -EEXIST && w->in_use ? 0 : err;
	}
	err = start_stand_in(n);
	if (err) {
		neighbour_close(n);
		return err;
	}
	*out = n;
	return 0;
}

void neighbour_close(struct neighbour *n)
{
	if (!n)
		return;
	remove_entry(&n->entry);
	if (n->pipe >= 0)
		close(n->pipe);
	if (n->stand_in > 0)
		waitpid(n->stand_in, NULL, 0);
	free(n);
}

/* ---- what was left ---- */

struct stale {
	struct entry e[MAX_STALE];
	size_t n;
};

static int take_stale(const struct nlmsghdr *h, void *ctx)
{
	const struct ndmsg *msg = mnl_nlmsg_get_payload(h);
	struct stale *stale = ctx;
	struct entry e = { .ifindex = (unsigned)msg->ndm_ifindex };
	const struct nlattr *attr;
	bool ours = false;

	mnl_attr_for_each(attr, h, sizeof(*msg)) {
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == NDA_PROTOCOL)
			ours = mnl_attr_get_u8(attr) == OURS;
		if (mnl_attr_get_type(attr) == NDA_DST && len == 16)
			memcpy(e.addr, mnl_attr_get_payload(attr), 16);
		if (mnl_attr_get_type(attr) == NDA_DST && len == 4) {
			e.addr[10] = e.addr[11] = 0xff;
			memcpy(e.addr + 12, mnl_attr_get_payload(attr), 4);
		}
	}
	if (ours && stale->n < MAX_STALE)
		stale->e[stale->n++] = e;
	return MNL_CB_OK;
}

unsigned neighbour_sweep(void)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ndmsg *msg = mnl_nlmsg_put_extra_header(h, sizeof(*msg));
	struct stale stale = { .n = 0 };
	unsigned swept = 0;

	h->nlmsg_type = RTM_GETNEIGH;
	msg->ndm_family = AF_UNSPEC;
	netlink_ask(NETLINK_ROUTE, h, true, take_stale, &stale, NULL);
	for (size_t i = 0; i < stale.n; i++) {
		int lock = bottle_addr_lock(stale.e[i].addr);

		if (lock < 0)
			continue; /* its bottle lives */
		remove_entry(&stale.e[i]);
		close(lock);
		swept++;
	}
	return swept;
}
