// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tables of nftables that make the kernel trace packets of a few kinds. */
#include "nft_table.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "host/chains.h"
#include "nft_trace_rule.h"

#define MESSAGE_MAX 4096 /* no rule of ours comes near */
#define BATCH_LEN (256 * 1024)
#define ANSWER_LEN 16384
#define TIMEOUT_US 500000
#define NAMES_TO_TRY 8
/* Ahead of all other chains: what drops before this one stays unseen. */
#define PRIORITY (-2000000000)

/* Messages that take effect together or not at all; each is acknowledged. */
struct batch {
	char table[32];
	struct mnl_nlmsg_batch *messages;
	uint32_t seq;
	uint32_t acks;
	int err;
};

static struct nlmsghdr *message(struct batch *b, uint16_t type, uint16_t family, uint16_t flags)
{
	b->acks++;
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(b->messages), type, family,
				     NLM_F_CREATE | NLM_F_ACK | flags, b->seq++);
}

static void message_done(struct batch *b)
{
	if (!mnl_nlmsg_batch_next(b->messages))
		b->err = -EMSGSIZE;
}

static void add_table(struct batch *b, uint16_t family)
{
	struct nftnl_table *table = nftnl_table_alloc();

	if (!table) {
		b->err = -ENOMEM;
		return;
	}
	nftnl_table_set_u32(table, NFTNL_TABLE_FAMILY, family);
	nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	if (nftnl_table_set_str(table, NFTNL_TABLE_NAME, b->table))
		b->err = -ENOMEM;
	nftnl_table_nlmsg_build_payload(message(b, NFT_MSG_NEWTABLE, family, NLM_F_EXCL), table);
	message_done(b);
	nftnl_table_free(table);
}

/* DEV: of family netdev only, else NULL. */
static void add_chain(struct batch *b, uint16_t family, const char *name, uint32_t hook,
		      const char *dev)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain) {
		b->err = -ENOMEM;
		return;
	}
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_FAMILY, family);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, PRIORITY);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	if (nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, b->table) ||
	    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name) ||
	    nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter") ||
	    (dev && nftnl_chain_set_str(chain, NFTNL_CHAIN_DEV, dev)))
		b->err = -ENOMEM;
	nftnl_chain_nlmsg_build_payload(message(b, NFT_MSG_NEWCHAIN, family, NLM_F_EXCL), chain);
	message_done(b);
	nftnl_chain_free(chain);
}

static void add_rule(struct batch *b, uint16_t family, const char *chain,
		     const struct nft_watch *watch)
{
	struct nftnl_rule *rule = nft_trace_rule(family, b->table, chain, watch);

	if (!rule) {
		b->err = -ENOMEM;
		return;
	}
	nftnl_rule_nlmsg_build_payload(message(b, NFT_MSG_NEWRULE, family, NLM_F_APPEND), rule);
	message_done(b);
	nftnl_rule_free(rule);
}

/* Requests come in; replies come in from a container, or are made here. */
static void add_ip(struct batch *b, const struct nft_watch *watches, size_t n)
{
	add_table(b, NFPROTO_INET);
	add_chain(b, NFPROTO_INET, "prerouting", NF_INET_PRE_ROUTING, NULL);
	add_chain(b, NFPROTO_INET, "output", NF_INET_LOCAL_OUT, NULL);
	for (size_t i = 0; i < n; i++) {
		add_rule(b, NFPROTO_INET, "prerouting", &watches[i]);
		if (watches[i].reply)
			add_rule(b, NFPROTO_INET, "output", &watches[i]);
	}
}

static void add_bridge(struct batch *b, const struct nft_watch *watches, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (!watches[i].bridge)
			continue;
		if (!any) {
			add_table(b, NFPROTO_BRIDGE);
			add_chain(b, NFPROTO_BRIDGE, "prerouting", NF_INET_PRE_ROUTING, NULL);
		}
		any = true;
		add_rule(b, NFPROTO_BRIDGE, "prerouting", &watches[i]);
	}
}

static bool device_came_before(const struct nft_watch *watches, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(watches[j].device, watches[i].device) == 0)
			return true;
	return false;
}

/* A chain for each device; their names, unlike a device's, are all sorts of nft's words. */
static void add_ingress(struct batch *b, const struct nft_watch *watches, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		char name[32];

		if (!watches[i].device[0] || device_came_before(watches, i))
			continue;
		if (!any)
			add_table(b, NFPROTO_NETDEV);
		any = true;
		snprintf(name, sizeof(name), "ingress%zu", i);
		add_chain(b, NFPROTO_NETDEV, name, NF_NETDEV_INGRESS, watches[i].device);
		for (size_t j = i; j < n; j++)
			if (strcmp(watches[j].device, watches[i].device) == 0)
				add_rule(b, NFPROTO_NETDEV, name, &watches[j]);
	}
}

/* All are answered for, or one is refused. */
static int read_acks(struct mnl_socket *nl, uint32_t acks)
{
	char buf[ANSWER_LEN] __attribute__((aligned(8)));

	while (acks) {
		const struct nlmsghdr *h = (const void *)buf;
		ssize_t received = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		int len = (int)received;

		if (received < 0) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		}
		for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
			const struct nlmsgerr *answer = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR ||
			    mnl_nlmsg_get_payload_len(h) < sizeof(answer->error))
				continue;
			if (answer->error)
				return answer->error;
			if (acks)
				acks--;
		}
	}
	return 0;
}

static int send_batch(struct mnl_socket *nl, char *buf, const char *name,
		      const struct nft_watch *watches, size_t n)
{
	struct batch b = { .seq = 1, .messages = mnl_nlmsg_batch_start(buf, BATCH_LEN) };
	int err;

	if (!b.messages)
		return -ENOMEM;
	snprintf(b.table, sizeof(b.table), "%s", name);
	nftnl_batch_begin(mnl_nlmsg_batch_current(b.messages), b.seq++);
	message_done(&b);
	add_ip(&b, watches, n);
	add_bridge(&b, watches, n);
	add_ingress(&b, watches, n);
	nftnl_batch_end(mnl_nlmsg_batch_current(b.messages), b.seq++);
	message_done(&b);
	err = b.err;
	if (!err && mnl_socket_sendto(nl, mnl_nlmsg_batch_head(b.messages),
				      mnl_nlmsg_batch_size(b.messages)) < 0)
		err = -errno;
	mnl_nlmsg_batch_stop(b.messages);
	return err ? err : read_acks(nl, b.acks);
}

static struct mnl_socket *open_socket(void)
{
	const struct timeval timeout = { .tv_usec = TIMEOUT_US };
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	if (!nl)
		return NULL;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) == 0)
		return nl;
	mnl_socket_close(nl);
	return NULL;
}

/* A socket for each try: the answers to one that was refused stay out of the next one. */
static int try_name(char *buf, const char *name, const struct nft_watch *watches, size_t n,
		    struct mnl_socket **out)
{
	struct mnl_socket *nl = open_socket();
	int err;

	if (!nl)
		return -errno;
	err = send_batch(nl, buf, name, watches, n);
	if (err)
		mnl_socket_close(nl);
	else
		*out = nl;
	return err;
}

/*
 * A name may be in use: by our own tables, which these replace, or by another
 * container's process of the same number.  nft_table_lookup() says -EPERM where
 * another socket owns it.
 */
int nft_table_make(const struct nft_watch *watches, size_t n, struct mnl_socket **out)
{
	int err = -EEXIST;
	char *buf;

	if (n > NFT_MAX_WATCHES)
		return -EMSGSIZE;
	buf = malloc(BATCH_LEN + MESSAGE_MAX);
	if (!buf)
		return -ENOMEM;
	for (int i = 0; i < NAMES_TO_TRY && (err == -EEXIST || err == -EPERM); i++) {
		char name[32];

		snprintf(name, sizeof(name), HCTRACE_TABLES "%d%.1s", (int)getpid(), &"\0bcdefgh"[i]);
		err = try_name(buf, name, watches, n, out);
	}
	free(buf);
	return err;
}
