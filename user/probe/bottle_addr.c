// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Choosing an address that nobody uses. */
#include "bottle_addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/addresses.h"
#include "host/netlink.h"
#include "render/format.h"

#define LISTEN_MS 1000
#define TRIES 16
#define FEW 3 /* with so few bits to choose, what is in use is no reason to give up */

struct address {
	uint8_t family;
	uint8_t len;
	uint8_t bytes[16];
};

static struct address plain(const uint8_t addr[16], bool v6)
{
	struct address a = { .family = v6 ? AF_INET6 : AF_INET, .len = v6 ? 16 : 4 };

	memcpy(a.bytes, v6 ? addr : addr + 12, a.len);
	return a;
}

/* ---- who has it ---- */

/* Two bottles of a namespace do not meet: the name of an abstract socket is taken once. */
int bottle_addr_lock(const uint8_t addr[16])
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	char text[ADDR_TEXT_LEN];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;
	int len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "hctrace-bottle/%s",
			   format_addr(text, addr));

	if (fd < 0)
		return -errno;
	if (!bind(fd, (void *)&name,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static bool is_own(const uint8_t addr[16])
{
	struct host_addresses own;

	if (addresses_read(&own))
		return false;
	for (size_t i = 0; i < own.n; i++)
		if (memcmp(own.a[i].addr, addr, 16) == 0)
			return true;
	return false;
}

struct search {
	struct address a;
	bool found;
};

static int take_neighbour(const struct nlmsghdr *h, void *ctx)
{
	struct search *s = ctx;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, h, sizeof(struct ndmsg))
		if (mnl_attr_get_type(attr) == NDA_DST &&
		    mnl_attr_get_payload_len(attr) == s->a.len &&
		    memcmp(mnl_attr_get_payload(attr), s->a.bytes, s->a.len) == 0)
			s->found = true;
	return MNL_CB_OK;
}

static bool is_neighbour(const struct address *a)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ndmsg *msg = mnl_nlmsg_put_extra_header(h, sizeof(*msg));
	struct search search = { *a, false };

	h->nlmsg_type = RTM_GETNEIGH;
	msg->ndm_family = a->family;
	netlink_ask(NETLINK_ROUTE, h, true, take_neighbour, &search, NULL);
	return search.found;
}

/* Is the address an end of the tuple that CONNECTION (CTA_TUPLE_ORIG or _REPLY) is? */
static bool is_end(const struct nlattr *connection, const struct address *a)
{
	const struct nlattr *part, *attr;

	mnl_attr_for_each_nested(part, connection) {
		if (mnl_attr_get_type(part) != CTA_TUPLE_IP)
			continue;
		mnl_attr_for_each_nested(attr, part)
			if (mnl_attr_get_payload_len(attr) == a->len &&
			    memcmp(mnl_attr_get_payload(attr), a->bytes, a->len) == 0)
				return true;
	}
	return false;
}

static int take_connection(const struct nlmsghdr *h, void *ctx)
{
	struct search *s = ctx;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, h, sizeof(struct nfgenmsg)) {
		unsigned type = mnl_attr_get_type(attr);

		if ((type == CTA_TUPLE_ORIG || type == CTA_TUPLE_REPLY) && is_end(attr, &s->a))
			s->found = true;
	}
	return MNL_CB_OK;
}

static bool is_tracked(const struct address *a)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *msg = mnl_nlmsg_put_extra_header(h, sizeof(*msg));
	struct search search = { *a, false };

	h->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	msg->nfgen_family = a->family;
	msg->version = NFNETLINK_V0;
	/* without connection tracking there is nobody to ask, and nothing tracked */
	netlink_ask(NETLINK_NETFILTER, h, true, take_connection, &search, NULL);
	return search.found;
}

/* ---- is anything heard of it ---- */

#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define SAME(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)

/* Takes what has A as its source or destination; of IPv6 the last 8 bytes tell. */
static int listen_for(const struct address *a)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	uint32_t word[4];
	struct sock_filter v4[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		SAME(4, 0, 5), LOAD(12), SAME(0, 2, 0), LOAD(16), SAME(0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 64), BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter v6[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		SAME(6, 0, 9), LOAD(16), SAME(0, 0, 2), LOAD(20), SAME(0, 4, 0),
		LOAD(32), SAME(0, 0, 3), LOAD(36), SAME(0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 64), BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = sizeof(v4) / sizeof(v4[0]), .filter = v4 };

	if (fd < 0)
		return -errno;
	memcpy(word, a->bytes, sizeof(word));
	if (a->family == AF_INET) {
		v4[4].k = v4[6].k = ntohl(word[0]);
	} else {
		program = (struct sock_fprog){ sizeof(v6) / sizeof(v6[0]), v6 };
		v6[4].k = v6[8].k = ntohl(word[2]);
		v6[6].k = v6[10].k = ntohl(word[3]);
	}
	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return fd;
	close(fd);
	return -errno;
}

static bool is_heard(const struct address *a)
{
	int fd = listen_for(a);
	struct pollfd heard = { .fd = fd, .events = POLLIN };
	char byte;

	if (fd < 0)
		return false;
	/* what came before the filter did */
	while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
		continue;
	poll(&heard, 1, LISTEN_MS);
	close(fd);
	return heard.revents & POLLIN;
}

/* ---- choosing ---- */

/*
 * An address of PREFIX by chance; its ends, which are often a router's or nobody's, are not
 * taken.
 */
static void pick(const struct prefix *prefix, uint8_t addr[16])
{
	uint8_t chance[16];
	unsigned free_bits = 128 - prefix->len;

	if (getrandom(chance, sizeof(chance), 0) != sizeof(chance))
		memset(chance, 0xa5, sizeof(chance));
	memcpy(addr, prefix->addr, 16);
	for (unsigned bit = prefix->len; bit < 128; bit++)
		addr[bit / 8] = (uint8_t)(addr[bit / 8] | (chance[bit / 8] & 0x80 >> bit % 8));
	if (free_bits > FEW && (uint8_t)(addr[15] + 1) < 2)
		addr[15] ^= 0x2;
}

static const struct prefix *network_of(const struct settings *s, bool v6)
{
	for (size_t i = 0; i < s->n_from; i++)
		if (address_is_ipv6(s->from[i].addr) == v6)
			return &s->from[i];
	return NULL;
}

int bottle_addr_choose(const struct settings *settings, const uint8_t target[16],
		       uint8_t addr[16], int *lock, bool *in_use)
{
	bool v6 = address_is_ipv6(target), few;
	const struct prefix *network = network_of(settings, v6);
	int err = -EADDRINUSE;

	if (!network)
		return -EAFNOSUPPORT;
	few = 128 - network->len <= FEW;
	for (int i = 0; i < TRIES; i++) {
		struct address a;
		bool taken;

		pick(network, addr);
		if (memcmp(addr, target, 16) == 0) {
			err = -EADDRNOTAVAIL;
			continue;
		}
		err = bottle_addr_lock(addr);
		if (err == -EADDRINUSE)
			continue;
		if (err < 0)
			return err;
		*lock = err;
		a = plain(addr, v6);
		/* a load balancer's address that this host has, too, is a fault to be shown */
		taken = is_own(addr) || is_neighbour(&a) || is_tracked(&a) || is_heard(&a);
		if (!taken || few) {
			*in_use = taken;
			return 0;
		}
		close(*lock);
		*lock = -1;
		err = -EADDRINUSE;
	}
	return err;
}
