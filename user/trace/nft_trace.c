// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* nftables' own trace in one network namespace. */
#include "nft_trace.h"

#include <errno.h>
#include <stdio.h> /* libnftnl's headers need FILE */
#include <libnftnl/chain.h>
#include <libnftnl/gen.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/chains.h"
#include "host/netlink.h"
#include "nft_report.h"

#define RECEIVE_BUFFER (4 * 1024 * 1024)
#define READ_LEN 65536
#define KERNEL_OWNER (5 << 8 | 12) /* 6001a930ce03: tables with an owner */

struct nft_trace {
	struct mnl_socket *reports; /* what the kernel tells */
	struct mnl_socket *tables; /* owns ours; NULL none */
	uint32_t lost; /* as last told */
	struct nft_reports seen;
};

/* ---- looking ---- */

unsigned kernel_number(const char *release)
{
	unsigned major, minor;

	if (sscanf(release, "%3u.%3u", &major, &minor) != 2 || minor > 255)
		return 0;
	return major << 8 | minor;
}

const char *nft_trace_lacks(bool passive, const char *release)
{
	if (passive)
		return "--passive: the ruleset stays as it is, so nftables is not asked which rule it was";
	if (kernel_number(release) < KERNEL_OWNER)
		return "this kernel's nftables has no tables that vanish with the program that made "
		       "them (they came with 5.12)";
	return NULL;
}

static int take_generation(const struct nlmsghdr *message, void *data)
{
	struct nftnl_gen *gen = nftnl_gen_alloc();
	uint32_t *out = data;

	if (!gen) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	if (nftnl_gen_nlmsg_parse(message, gen) == 0)
		*out = nftnl_gen_get_u32(gen, NFTNL_GEN_ID);
	nftnl_gen_free(gen);
	return MNL_CB_OK;
}

static int take_chain(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	bool *out = data;

	if (!chain) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	if (nftnl_chain_nlmsg_parse(message, chain) == 0 &&
	    nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM) &&
	    nftnl_chain_is_set(chain, NFTNL_CHAIN_TABLE) &&
	    !nft_table_is_hctraces(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE)))
		*out = true;
	nftnl_chain_free(chain);
	return *out ? MNL_CB_STOP : MNL_CB_OK;
}

static int ask(uint16_t type, bool dump, mnl_cb_t cb, void *out)
{
	char buf[256] __attribute__((aligned(8)));
	int err, tries = NETLINK_TRIES;
	bool refused;

	do {
		struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, type, NFPROTO_UNSPEC, 0, 0);

		err = netlink_ask(NETLINK_NETFILTER, nlh, dump, cb, out, &refused);
	} while (err == -EINTR && --tries);
	/* nfnetlink_rcv_msg()'s answer where nf_tables is not there */
	if (err == -EPROTONOSUPPORT || (refused && (err == -EINVAL || err == -EOPNOTSUPP)))
		return 0;
	return err;
}

int nft_trace_generation(uint32_t *out)
{
	*out = 0;
	return ask(NFT_MSG_GETGEN, false, take_generation, out);
}

int nft_trace_has_chains(bool *out)
{
	*out = false;
	return ask(NFT_MSG_GETCHAIN, true, take_chain, out);
}

/* ---- listening ---- */

int nft_trace_open(struct nft_trace **out)
{
	struct nft_trace *t = calloc(1, sizeof(*t));
	int group = NFNLGRP_NFTRACE, size = RECEIVE_BUFFER;
	int err;

	if (!t)
		return -ENOMEM;
	t->reports = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!t->reports || mnl_socket_bind(t->reports, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(t->reports, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		err = -errno;
		nft_trace_close(t);
		return err;
	}
	/* with the default, a burst would be lost; what is lost is counted */
	setsockopt(mnl_socket_get_fd(t->reports), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	*out = t;
	return 0;
}

static void remove_tables(struct nft_trace *t)
{
	if (t->tables)
		mnl_socket_close(t->tables);
	t->tables = NULL;
}

void nft_trace_close(struct nft_trace *t)
{
	if (!t)
		return;
	remove_tables(t);
	if (t->reports)
		mnl_socket_close(t->reports);
	free(t);
}

/* New tables come before the old ones go: no packet of a kind that stays is missed. */
int nft_trace_set(struct nft_trace *t, const struct nft_watch *watches, size_t n)
{
	struct mnl_socket *tables = NULL;
	int err = n ? nft_table_make(watches, n, &tables) : 0;

	remove_tables(t);
	t->tables = tables;
	return err;
}

int nft_trace_fd(const struct nft_trace *t)
{
	return mnl_socket_get_fd(t->reports);
}

/* netlink_overrun() counts each message that found no room, and says so once. */
static void tell_lost(struct nft_trace *t, const struct nft_trace_reader *to)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);
	uint64_t n = 1;

	if (getsockopt(nft_trace_fd(t), SOL_SOCKET, SO_MEMINFO, info, &len) == 0 &&
	    info[SK_MEMINFO_DROPS] != t->lost) {
		n = info[SK_MEMINFO_DROPS] - t->lost;
		t->lost = info[SK_MEMINFO_DROPS];
	}
	to->lost(to->ctx, n);
}

static void deliver(struct nft_trace *t, const void *buf, size_t received,
		    const struct nft_trace_reader *to)
{
	int len = (int)received;

	for (const struct nlmsghdr *h = buf; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
		uint32_t ifindex;
		struct obs o;

		if (nft_report_take(&t->seen, h, to->from, to->n_from, &o, &ifindex))
			to->report(to->ctx, &o, ifindex);
	}
}

void nft_trace_read(struct nft_trace *t, const struct nft_trace_reader *to)
{
	char buf[READ_LEN] __attribute__((aligned(8)));

	for (;;) {
		ssize_t len = mnl_socket_recvfrom(t->reports, buf, sizeof(buf));

		if (len > 0)
			deliver(t, buf, (size_t)len, to);
		else if (len < 0 && errno == ENOBUFS)
			tell_lost(t, to);
		else if (len == 0 || errno != EINTR)
			return;
	}
}
