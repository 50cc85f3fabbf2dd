// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* nftables' chains and rules, as the kernel lists them. */
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "firewall_nft.h"
#include "netlink.h"

struct reader {
	struct fw_rules *rules;
	bool ipv6;
	int err;
};

static const char *family_name(uint32_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_NETDEV:
		return "netdev";
	default:
		return NULL;
	}
}

static bool concerns(const struct reader *r, uint32_t family)
{
	return family == NFPROTO_INET || family == NFPROTO_NETDEV ||
	       family == (r->ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
}

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_rule *nft = nftnl_rule_alloc();
	struct fw_chain like = { .backend = "" }, *chain;
	const char *family;

	if (!nft || nftnl_rule_nlmsg_parse(nlh, nft))
		goto out;
	family = family_name(nftnl_rule_get_u32(nft, NFTNL_RULE_FAMILY));
	if (!family || !concerns(r, nftnl_rule_get_u32(nft, NFTNL_RULE_FAMILY)))
		goto out;
	snprintf(like.family, sizeof(like.family), "%s", family);
	snprintf(like.table, sizeof(like.table), "%s", nftnl_rule_get_str(nft, NFTNL_RULE_TABLE));
	chain = fw_chain_find(r->rules, &like, nftnl_rule_get_str(nft, NFTNL_RULE_CHAIN));
	if (chain)
		r->err = nft_rule_read(r->rules, chain, r->ipv6, nft);
out:
	if (nft)
		nftnl_rule_free(nft);
	errno = nft ? -r->err : ENOMEM;
	return nft && !r->err ? MNL_CB_OK : MNL_CB_ERROR;
}

/* The tables that iptables-nft makes: its names, with a base chain named like a hook. */
static bool is_iptables(uint32_t family, const char *table, const char *chain, const char *hook)
{
	static const char *const tables[] = { "filter", "nat", "mangle", "raw", "security" };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (!strcmp(tables[i], table))
			return family != NFPROTO_INET && family != NFPROTO_NETDEV &&
			       (!hook || !strcmp(chain, hook));
	return false;
}

static const char *hook_name(uint32_t family, uint32_t number)
{
	static const char *const hooks[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING", "INGRESS" };

	if (family == NFPROTO_NETDEV)
		return number == NF_NETDEV_INGRESS ? "INGRESS" : "EGRESS";
	return number < sizeof(hooks) / sizeof(hooks[0]) ? hooks[number] : "";
}

static int take_chain(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_chain *nft = nftnl_chain_alloc();
	const char *table, *name, *family, *hook = NULL;
	struct fw_chain *chain;
	uint32_t number;

	if (!nft || nftnl_chain_nlmsg_parse(nlh, nft))
		goto out;
	number = nftnl_chain_get_u32(nft, NFTNL_CHAIN_FAMILY);
	family = family_name(number);
	table = nftnl_chain_get_str(nft, NFTNL_CHAIN_TABLE);
	name = nftnl_chain_get_str(nft, NFTNL_CHAIN_NAME);
	if (!family || !concerns(r, number) || !table || !name)
		goto out;
	if (nftnl_chain_is_set(nft, NFTNL_CHAIN_HOOKNUM))
		hook = hook_name(number, nftnl_chain_get_u32(nft, NFTNL_CHAIN_HOOKNUM));
	chain = fw_chain_add(r->rules,
			     is_iptables(number, table, name, hook) ? "iptables-nft" : "nft",
			     family, table, name);
	if (!chain) {
		r->err = -ENOMEM;
		goto out;
	}
	chain->hook = hook;
	chain->drops = nftnl_chain_is_set(nft, NFTNL_CHAIN_POLICY) &&
		       nftnl_chain_get_u32(nft, NFTNL_CHAIN_POLICY) == NF_DROP;
out:
	if (nft)
		nftnl_chain_free(nft);
	errno = nft ? -r->err : ENOMEM;
	return nft && !r->err ? MNL_CB_OK : MNL_CB_ERROR;
}

static int dump(struct reader *r, uint16_t what, mnl_cb_t take)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, what, NFPROTO_UNSPEC, 0, 0);
	bool refused;
	int err = netlink_ask(NETLINK_NETFILTER, nlh, true, take, r, &refused);

	/* nfnetlink_rcv_msg()'s answer where nf_tables is not there; and no nfnetlink at all. */
	if ((refused && (err == -EINVAL || err == -EOPNOTSUPP)) || err == -EPROTONOSUPPORT)
		return 0;
	return err;
}

int fw_read_nft(bool ipv6, struct fw_rules *rules)
{
	struct reader r = { .ipv6 = ipv6, .rules = rules };
	int err, tries = NETLINK_TRIES;

	do {
		fw_rules_free(rules);
		r.err = 0;
		err = dump(&r, NFT_MSG_GETCHAIN, take_chain);
		if (!err)
			err = dump(&r, NFT_MSG_GETRULE, take_rule);
	} while (err == -EINTR && --tries);
	return err;
}
