// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Base chains of nftables, told apart from those that iptables-nft makes. */
#include "chains.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "host/netlink.h"

static const struct {
	const char *name;
	uint32_t number; /* families ip, ip6, inet */
} hooks[] = {
	{ "PREROUTING", NF_INET_PRE_ROUTING },	 { "INPUT", NF_INET_LOCAL_IN },
	{ "FORWARD", NF_INET_FORWARD },		 { "OUTPUT", NF_INET_LOCAL_OUT },
	{ "POSTROUTING", NF_INET_POST_ROUTING }, { "INGRESS", NF_INET_INGRESS },
};
#define BRIDGE "bridge " /* ahead of a hook: the bridge's, which has the same number (NF_BR_*) */

/*
 * What iptables-nft makes: the names of legacy iptables, at its priorities
 * (iptables 1.8.9, xtables_ipv4 in iptables/nft.c).
 */
static const struct {
	const char *table;
	const char *chain; /* NULL: every hook's */
	int32_t priority;
} builtins[] = {
	{ "raw", NULL, -300 },	  { "mangle", NULL, -150 },	 { "filter", NULL, 0 },
	{ "security", NULL, 50 }, { "nat", "PREROUTING", -100 }, { "nat", "OUTPUT", -100 },
	{ "nat", "INPUT", 100 },  { "nat", "POSTROUTING", 100 },  { "security", NULL, 150 },
};

struct collection {
	struct host_chains *out;
	const char *hook;
	uint32_t hook_number;
	uint32_t family; /* NFPROTO_IPV4, NFPROTO_IPV6 or NFPROTO_BRIDGE */
};

static bool is_iptables(const struct host_chain *c, const char *hook)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strcmp(c->table, builtins[i].table) && c->priority == builtins[i].priority &&
		    !strcmp(c->chain, builtins[i].chain ? builtins[i].chain : hook) &&
		    !strcmp(c->chain, hook))
			return true;
	return false;
}

/* What ebtables-nft makes (xtables_bridge in iptables/nft.c). */
static bool is_ebtables(const struct host_chain *c, const char *hook)
{
	return (!strcmp(c->table, "filter") || !strcmp(c->table, "nat") ||
		!strcmp(c->table, "broute")) &&
	       !strcmp(c->chain, hook);
}

void chains_insert(struct host_chains *out, const struct host_chain *chain, bool first)
{
	size_t i = 0;

	while (i < out->n && (out->c[i].priority < chain->priority ||
			      (!first && out->c[i].priority == chain->priority)))
		i++;
	if (out->n == HOST_MAX_CHAINS)
		out->truncated = true;
	else
		out->n++;
	if (i == HOST_MAX_CHAINS)
		return;
	memmove(&out->c[i + 1], &out->c[i], (out->n - 1 - i) * sizeof(out->c[0]));
	out->c[i] = *chain;
}

const char *nft_verdict_name(uint32_t verdict)
{
	if ((int32_t)verdict == NFT_CONTINUE)
		return "continue";
	if ((int32_t)verdict < 0) /* jump, goto, return: its way goes on elsewhere */
		return NULL;
	switch (verdict & NF_VERDICT_MASK) {
	case NF_DROP:
		return "drop";
	case NF_ACCEPT:
		return "accept";
	case NF_QUEUE:
		return "queue";
	case NF_STOLEN:
		return "stolen";
	default:
		return NULL;
	}
}

const char *nft_family_name(uint32_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_ARP:
		return "arp";
	default:
		return "netdev";
	}
}

bool nft_table_is_hctraces(const char *table)
{
	return strncmp(table, HCTRACE_TABLES, strlen(HCTRACE_TABLES)) == 0;
}

static const char *policy_name(uint32_t policy)
{
	return policy == NF_DROP ? "drop" : "accept";
}

static bool is_at_hook(const struct collection *c, uint32_t family, uint32_t hook_number)
{
	if (family == NFPROTO_NETDEV)
		return c->hook_number == NF_INET_INGRESS && hook_number == NF_NETDEV_INGRESS;
	if (hook_number != c->hook_number)
		return false;
	return family == c->family || (family == NFPROTO_INET && c->family != NFPROTO_BRIDGE);
}

static void add(struct collection *c, const struct nftnl_chain *nft)
{
	uint32_t family = nftnl_chain_get_u32(nft, NFTNL_CHAIN_FAMILY);
	struct host_chain chain = { .priority = nftnl_chain_get_s32(nft, NFTNL_CHAIN_PRIO) };
	bool in_iptables_family = family == NFPROTO_IPV4 || family == NFPROTO_IPV6;
	const char *backend = "nft";

	if (!is_at_hook(c, family, nftnl_chain_get_u32(nft, NFTNL_CHAIN_HOOKNUM)))
		return;
	snprintf(chain.family, sizeof(chain.family), "%s", nft_family_name(family));
	snprintf(chain.table, sizeof(chain.table), "%s",
		 nftnl_chain_get_str(nft, NFTNL_CHAIN_TABLE));
	snprintf(chain.chain, sizeof(chain.chain), "%s",
		 nftnl_chain_get_str(nft, NFTNL_CHAIN_NAME));
	if (in_iptables_family && is_iptables(&chain, c->hook))
		backend = "iptables-nft";
	else if (family == NFPROTO_BRIDGE && is_ebtables(&chain, c->hook))
		backend = "ebtables-nft";
	snprintf(chain.backend, sizeof(chain.backend), "%s",
		 backend);
	if (nftnl_chain_is_set(nft, NFTNL_CHAIN_POLICY))
		snprintf(chain.policy, sizeof(chain.policy), "%s",
			 policy_name(nftnl_chain_get_u32(nft, NFTNL_CHAIN_POLICY)));
	/* nf_hook_entries_grow() (6.1) puts a new hook before those of its priority. */
	chains_insert(c->out, &chain, true);
}

static int take_chain(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_chain *nft = nftnl_chain_alloc();

	if (!nft) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	if (nftnl_chain_nlmsg_parse(nlh, nft) == 0 &&
	    nftnl_chain_is_set(nft, NFTNL_CHAIN_HOOKNUM) &&
	    nftnl_chain_is_set(nft, NFTNL_CHAIN_TABLE) &&
	    nftnl_chain_is_set(nft, NFTNL_CHAIN_NAME) &&
	    !nft_table_is_hctraces(nftnl_chain_get_str(nft, NFTNL_CHAIN_TABLE)))
		add(data, nft);
	nftnl_chain_free(nft);
	return MNL_CB_OK;
}

static int read_nftables(struct collection *c)
{
	char buf[256] __attribute__((aligned(8)));
	int err, tries = NETLINK_TRIES;
	bool refused;

	do {
		struct nlmsghdr *nlh =
			nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, 0, 0);

		memset(c->out, 0, sizeof(*c->out));
		err = netlink_ask(NETLINK_NETFILTER, nlh, true, take_chain, c, &refused);
	} while (err == -EINTR && --tries);
	/* nfnetlink_rcv_msg()'s answer where nf_tables is not there. */
	return refused && (err == -EINVAL || err == -EOPNOTSUPP) ? 0 : err;
}

int chains_read(bool ipv6, const char *hook, struct host_chains *out)
{
	struct collection c = { .out = out, .family = ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4 };
	bool bridge = !strncmp(hook, BRIDGE, strlen(BRIDGE));
	int err;

	memset(out, 0, sizeof(*out));
	if (bridge) {
		hook += strlen(BRIDGE);
		c.family = NFPROTO_BRIDGE;
	}
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (!strcmp(hooks[i].name, hook)) {
			c.hook = hooks[i].name;
			c.hook_number = hooks[i].number;
		}
	if (!c.hook)
		return -EINVAL;
	err = read_nftables(&c);
	if (err == -EPROTONOSUPPORT) /* a kernel without nfnetlink */
		err = 0;
	if (!err && out->n)
		err = chains_note_rules(out);
	return err || bridge ? err : chains_add_legacy(ipv6, hook, out);
}
