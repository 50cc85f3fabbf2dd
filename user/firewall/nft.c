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

#include "chains.h"
#include "nft.h"
#include "host/netlink.h"

struct reader {
	struct fw_rules *rules;
	bool ipv6;
	struct fw_chain *chain; /* of the last rule */
	struct nft_sets sets;
	int err;
};

static bool concerns(const struct reader *r, uint32_t family)
{
	return family == NFPROTO_INET || family == NFPROTO_NETDEV || family == NFPROTO_BRIDGE ||
	       family == (r->ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4) ||
	       (!r->ipv6 && family == NFPROTO_ARP);
}

/* Rules come chain by chain. */
static struct fw_chain *find_chain(struct reader *r, const struct nftnl_rule *nft)
{
	const char *family = nft_family_name(nftnl_rule_get_u32(nft, NFTNL_RULE_FAMILY));
	const char *table = nftnl_rule_get_str(nft, NFTNL_RULE_TABLE);
	const char *name = nftnl_rule_get_str(nft, NFTNL_RULE_CHAIN);
	struct fw_chain like = { .backend = "" };

	if (!table || !name || !concerns(r, nftnl_rule_get_u32(nft, NFTNL_RULE_FAMILY)))
		return NULL;
	if (r->chain && !strcmp(r->chain->name, name) && !strcmp(r->chain->table, table) &&
	    !strcmp(r->chain->family, family))
		return r->chain;
	snprintf(like.family, sizeof(like.family), "%s", family);
	snprintf(like.table, sizeof(like.table), "%s", table);
	r->chain = fw_chain_find(r->rules, &like, name);
	return r->chain;
}

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_rule *nft = nftnl_rule_alloc();

	if (nft && !nftnl_rule_nlmsg_parse(nlh, nft) && find_chain(r, nft))
		r->err = nft_rule_read(r->rules, &r->sets, r->chain, r->ipv6, nft);
	if (nft)
		nftnl_rule_free(nft);
	errno = nft ? -r->err : ENOMEM;
	return nft && !r->err ? MNL_CB_OK : MNL_CB_ERROR;
}

static const char *hook_name(uint32_t family, uint32_t number)
{
	static const char *const hooks[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING", "INGRESS" };
	static const char *const bridge[] = { "bridge PREROUTING", "bridge INPUT",
					      "bridge FORWARD", "bridge OUTPUT",
					      "bridge POSTROUTING" };

	if (family == NFPROTO_ARP) /* NF_ARP_IN, NF_ARP_OUT; 2 was never used */
		return number ? "arp OUTPUT" : "arp INPUT";
	if (family == NFPROTO_NETDEV)
		return number == NF_NETDEV_INGRESS ? "INGRESS" : "EGRESS";
	if (family == NFPROTO_BRIDGE)
		return number < sizeof(bridge) / sizeof(bridge[0]) ? bridge[number] : "";
	return number < sizeof(hooks) / sizeof(hooks[0]) ? hooks[number] : "";
}

static void set_base(struct fw_chain *chain, uint32_t family, const struct nftnl_chain *nft)
{
	const char *const *devices;

	chain->hook = hook_name(family, nftnl_chain_get_u32(nft, NFTNL_CHAIN_HOOKNUM));
	chain->priority = nftnl_chain_get_s32(nft, NFTNL_CHAIN_PRIO);
	chain->drops = nftnl_chain_is_set(nft, NFTNL_CHAIN_POLICY) &&
		       nftnl_chain_get_u32(nft, NFTNL_CHAIN_POLICY) == NF_DROP;
	chain->has_policy_packets = nftnl_chain_is_set(nft, NFTNL_CHAIN_PACKETS);
	if (chain->has_policy_packets)
		chain->policy_packets = nftnl_chain_get_u64(nft, NFTNL_CHAIN_PACKETS);
	if (nftnl_chain_is_set(nft, NFTNL_CHAIN_DEV))
		snprintf(chain->device, sizeof(chain->device), "%s",
			 nftnl_chain_get_str(nft, NFTNL_CHAIN_DEV));
	devices = nftnl_chain_is_set(nft, NFTNL_CHAIN_DEVICES)
			  ? nftnl_chain_get_array(nft, NFTNL_CHAIN_DEVICES) : NULL;
	if (devices && devices[0] && !devices[1])
		snprintf(chain->device, sizeof(chain->device), "%s", devices[0]);
}

static int take_chain(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_chain *nft = nftnl_chain_alloc();
	const char *table, *name;
	struct fw_chain *chain;
	uint32_t family;

	if (!nft || nftnl_chain_nlmsg_parse(nlh, nft))
		goto out;
	family = nftnl_chain_get_u32(nft, NFTNL_CHAIN_FAMILY);
	table = nftnl_chain_get_str(nft, NFTNL_CHAIN_TABLE);
	name = nftnl_chain_get_str(nft, NFTNL_CHAIN_NAME);
	if (!concerns(r, family) || !table || !name)
		goto out;
	chain = fw_chain_add(r->rules, "nft", nft_family_name(family), table, name);
	if (!chain)
		r->err = -ENOMEM;
	else if (nftnl_chain_is_set(nft, NFTNL_CHAIN_HOOKNUM))
		set_base(chain, family, nft);
out:
	if (nft)
		nftnl_chain_free(nft);
	errno = nft ? -r->err : ENOMEM;
	return nft && !r->err ? MNL_CB_OK : MNL_CB_ERROR;
}

/* ---- iptables-nft's tables ---- */

/* Whether base chain C is one that iptables-nft makes, ebtables-nft or arptables-nft. */
static bool is_builtin(const struct fw_chain *c)
{
	static const char *const ebtables[] = { "filter", "nat", "broute" };
	const char *hook = c->hook;

	if (!strcmp(c->family, "arp"))
		return !strcmp(c->table, "filter") && !strcmp(c->name, hook + strlen("arp "));
	if (!strcmp(c->family, "bridge")) {
		for (size_t i = 0; i < sizeof(ebtables) / sizeof(ebtables[0]); i++)
			if (!strcmp(c->table, ebtables[i]))
				return !strcmp(c->name, hook + strlen("bridge "));
		return false;
	}
	return (!strcmp(c->family, "ip") || !strcmp(c->family, "ip6")) && !strcmp(c->name, hook) &&
	       iptables_has(c->table, hook, c->priority);
}

static bool is_same_table(const struct fw_chain *a, const struct fw_chain *b)
{
	return !strcmp(a->table, b->table) && !strcmp(a->family, b->family);
}

static const char *backend_of(const char *family)
{
	if (!strcmp(family, "bridge"))
		return "ebtables-nft";
	return strcmp(family, "arp") ? "iptables-nft" : "arptables-nft";
}

/* A table is theirs when each of its base chains is; they refuse to handle others. */
static void tell_iptables(struct fw_rules *rules)
{
	for (struct fw_chain *c = rules->chains; c; c = c->next) {
		const struct fw_chain *other = rules->chains;

		if (!c->hook || !is_builtin(c) || strcmp(c->backend, "nft"))
			continue;
		while (other && (!is_same_table(c, other) || !other->hook || is_builtin(other)))
			other = other->next;
		for (struct fw_chain *o = other ? NULL : rules->chains; o; o = o->next)
			if (is_same_table(c, o))
				o->backend = backend_of(c->family);
	}
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
		r.chain = NULL;
		nft_sets_free(&r.sets);
		err = dump(&r, NFT_MSG_GETCHAIN, take_chain);
		if (!err)
			err = dump(&r, NFT_MSG_GETRULE, take_rule);
	} while (err == -EINTR && --tries);
	nft_sets_free(&r.sets);
	if (!err)
		tell_iptables(rules);
	return err;
}
