// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Built-in chains of legacy iptables (x_tables), with their policies. */
#include "chains.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>

#include "xt_table.h"

/* Rules of a table come in one piece; above this a policy is not worth the memory. */
#define BLOB_MAX (1024 * 1024)

/* Where each table has a chain and runs: net/ipv4/netfilter/iptable_*.c, the same for IPv6. */
static const struct {
	const char *table;
	const char *hook;
	unsigned int number;
	int32_t priority;
} builtins[] = {
	{ "raw", "PREROUTING", NF_INET_PRE_ROUTING, -300 },
	{ "raw", "OUTPUT", NF_INET_LOCAL_OUT, -300 },
	{ "mangle", "PREROUTING", NF_INET_PRE_ROUTING, -150 },
	{ "mangle", "INPUT", NF_INET_LOCAL_IN, -150 },
	{ "mangle", "FORWARD", NF_INET_FORWARD, -150 },
	{ "mangle", "OUTPUT", NF_INET_LOCAL_OUT, -150 },
	{ "mangle", "POSTROUTING", NF_INET_POST_ROUTING, -150 },
	{ "nat", "PREROUTING", NF_INET_PRE_ROUTING, -100 },
	{ "nat", "OUTPUT", NF_INET_LOCAL_OUT, -100 },
	{ "nat", "INPUT", NF_INET_LOCAL_IN, 100 },
	{ "nat", "POSTROUTING", NF_INET_POST_ROUTING, 100 },
	{ "filter", "INPUT", NF_INET_LOCAL_IN, 0 },
	{ "filter", "FORWARD", NF_INET_FORWARD, 0 },
	{ "filter", "OUTPUT", NF_INET_LOCAL_OUT, 0 },
	{ "security", "INPUT", NF_INET_LOCAL_IN, 50 },
	{ "security", "FORWARD", NF_INET_FORWARD, 50 },
	{ "security", "OUTPUT", NF_INET_LOCAL_OUT, 50 },
};

int32_t iptables_priority(const char *table, const char *hook)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strcmp(builtins[i].table, table) && !strcmp(builtins[i].hook, hook))
			return builtins[i].priority;
	return 0;
}

/* iptables-nft's chains of table security (xtables_ipv4 in iptables/nft.c, 1.8.9). */
#define NFT_SECURITY 150

bool iptables_has(const char *table, const char *hook, int32_t priority)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strcmp(builtins[i].table, table) && !strcmp(builtins[i].hook, hook) &&
		    (builtins[i].priority == priority ||
		     (priority == NFT_SECURITY && !strcmp(table, "security"))))
			return true;
	return false;
}

/*
 * A chain's policy is the rule at its underflow offset: an entry without
 * matches whose standard target has the verdict.
 */
static const char *policy_at(const struct xt_table_copy *table, size_t offset)
{
	struct xt_part target;
	struct xt_rule rule;
	int verdict;

	if (!xt_table_rule(table, offset, &rule) || !xt_table_target(table, &rule, &target) ||
	    !xt_standard_verdict(&target, &verdict))
		return "";
	if (verdict == -NF_DROP - 1)
		return "drop";
	return verdict == -NF_ACCEPT - 1 ? "accept" : "";
}

/* Do RULE's matches ask for conntrack's state invalid, and no other? */
static bool matches_invalid(const struct xt_table_copy *table, const struct xt_rule *rule)
{
	size_t at = rule->matches;
	struct xt_part match;
	bool found = false;

	while (xt_table_match(table, rule, &at, &match))
		found |= xt_matches_invalid(match.name, match.data, match.len);
	return found;
}

static bool is_policy(const struct xt_table_copy *table, size_t offset)
{
	for (unsigned int hook = 0; hook < XT_HOOKS; hook++)
		if (table->valid_hooks & 1U << hook && table->underflow[hook] == offset)
			return true;
	return false;
}

/* The one or the other: REJECT, or the standard target with the verdict drop. */
static bool target_drops(const struct xt_table_copy *table, const struct xt_rule *rule)
{
	struct xt_part target;
	int verdict;

	if (!xt_table_target(table, rule, &target))
		return false;
	if (xt_standard_verdict(&target, &verdict))
		return verdict == -NF_DROP - 1;
	return !strcmp(target.name, "REJECT");
}

/* Walks all rules of the table, as the kernel's xt_entry_foreach() does. */
static void look_at_rules(const struct xt_table_copy *table, struct host_chain *chain)
{
	struct xt_rule rule;

	for (size_t at = 0; xt_table_rule(table, at, &rule) && rule.next > at; at = rule.next) {
		if (is_policy(table, at) || !target_drops(table, &rule))
			continue;
		if (matches_invalid(table, &rule))
			chain->drops_invalid = true;
		else
			chain->drops_else = true;
	}
}

/* Fills in CHAIN what the table's rules say: the policy of HOOK, and whether they drop. */
static void read_table(int fd, bool ipv6, const char *name, unsigned int hook,
		       struct host_chain *chain)
{
	struct xt_table_copy table;

	/* Where it cannot be read, the policy is not known. */
	if (!xt_table_read(fd, ipv6, name, BLOB_MAX, &table) &&
	    table.valid_hooks & 1U << hook) {
		snprintf(chain->policy, sizeof(chain->policy), "%s",
			 policy_at(&table, table.underflow[hook]));
		look_at_rules(&table, chain);
	}
	xt_table_free(&table);
}

static void add_table(int fd, bool ipv6, const char *table, const char *hook,
		      struct host_chains *out)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
		struct host_chain chain = { .priority = builtins[i].priority };

		if (strcmp(builtins[i].table, table) || strcmp(builtins[i].hook, hook))
			continue;
		snprintf(chain.backend, sizeof(chain.backend), "iptables-legacy");
		snprintf(chain.family, sizeof(chain.family), "%s", ipv6 ? "ip6" : "ip");
		snprintf(chain.table, sizeof(chain.table), "%s", table);
		snprintf(chain.chain, sizeof(chain.chain), "%s", hook);
		if (fd >= 0)
			read_table(fd, ipv6, table, builtins[i].number, &chain);
		chains_insert(out, &chain, false);
	}
}

int chains_add_legacy(bool ipv6, const char *hook, struct host_chains *out)
{
	/* The tables that are registered in this namespace: asking for others would load them. */
	FILE *names = fopen(ipv6 ? "/proc/thread-self/net/ip6_tables_names"
				 : "/proc/thread-self/net/ip_tables_names",
			    "re");
	char table[XT_TABLE_MAXNAMELEN];
	int fd;

	if (!names)
		return errno == ENOENT ? 0 : -errno;
	fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	while (fscanf(names, "%31s", table) == 1)
		add_table(fd, ipv6, table, hook, out);
	if (fd >= 0)
		close(fd);
	fclose(names);
	return 0;
}
