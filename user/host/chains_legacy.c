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

/* After net/if.h, which chains.h brings: the kernel's headers give way, not the other way round. */
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

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

bool iptables_has(const char *table, const char *hook, int32_t priority)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strcmp(builtins[i].table, table) && !strcmp(builtins[i].hook, hook) &&
		    builtins[i].priority == priority)
			return true;
	return false;
}

/* The two families' requests differ only in their names. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo),
	       "one layout for both families");
_Static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO && IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES,
	       "one number for both families");

/*
 * A chain's policy is the rule at its underflow offset: an entry without
 * matches whose standard target has the verdict, as -verdict - 1.
 */
static const char *policy_at(const char *blob, size_t size, size_t offset, bool ipv6)
{
	size_t entry = ipv6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
	struct xt_standard_target target;

	if (offset > size || size - offset < entry + sizeof(target))
		return "";
	memcpy(&target, blob + offset + entry, sizeof(target));
	if (target.target.u.user.name[0]) /* the standard target has the empty name */
		return "";
	if (target.verdict == -NF_DROP - 1)
		return "drop";
	return target.verdict == -NF_ACCEPT - 1 ? "accept" : "";
}

/* Do the matches between FROM and TO ask for conntrack's state invalid, and no other? */
static bool matches_invalid(const char *blob, size_t from, size_t to)
{
	struct xt_entry_match match;
	bool found = false;

	for (; from + sizeof(match) <= to; from += match.u.user.match_size) {
		const char *data = blob + from + sizeof(match);

		memcpy(&match, blob + from, sizeof(match));
		if (match.u.user.match_size < sizeof(match) ||
		    match.u.user.match_size > to - from)
			return false;
		found |= xt_matches_invalid(match.u.user.name, data,
					    match.u.user.match_size - sizeof(match));
	}
	return found;
}

static bool is_policy(const struct ipt_getinfo *info, size_t offset)
{
	for (unsigned int hook = 0; hook < NF_INET_NUMHOOKS; hook++)
		if (info->valid_hooks & 1U << hook && info->underflow[hook] == offset)
			return true;
	return false;
}

/* The one or the other: REJECT, or the standard target with the verdict drop. */
static bool target_drops(const char *blob, size_t from, size_t to)
{
	struct xt_standard_target target;

	if (from > to || to - from < sizeof(target.target))
		return false;
	memset(&target, 0, sizeof(target));
	memcpy(&target, blob + from, to - from < sizeof(target) ? to - from : sizeof(target));
	if (!target.target.u.user.name[0])
		return target.verdict == -NF_DROP - 1;
	return !strncmp(target.target.u.user.name, "REJECT", sizeof("REJECT"));
}

/* Walks all rules of the table, as the kernel's xt_entry_foreach() does. */
static void look_at_rules(const char *blob, const struct ipt_getinfo *info, bool ipv6,
			  struct host_chain *chain)
{
	size_t head = ipv6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
	size_t next;

	for (size_t at = 0; at + head <= info->size; at += next) {
		struct ip6t_entry v6;
		struct ipt_entry v4;
		size_t target;

		memcpy(&v4, blob + at, ipv6 ? 0 : sizeof(v4));
		memcpy(&v6, blob + at, ipv6 ? sizeof(v6) : 0);
		target = ipv6 ? v6.target_offset : v4.target_offset;
		next = ipv6 ? v6.next_offset : v4.next_offset;
		if (target < head || next < target || next > info->size - at)
			return;
		if (is_policy(info, at) || !target_drops(blob, at + target, at + next))
			continue;
		if (matches_invalid(blob, at + head, at + target))
			chain->drops_invalid = true;
		else
			chain->drops_else = true;
	}
}

/* Fills in CHAIN what the table's rules say: the policy of HOOK, and whether they drop. */
static void read_table(int fd, bool ipv6, const char *table, unsigned int hook,
		       struct host_chain *chain)
{
	struct ipt_getinfo info = { 0 };
	struct ipt_get_entries *request;
	socklen_t len = sizeof(info);
	int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;

	snprintf(info.name, sizeof(info.name), "%s", table);
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &len) || info.size > BLOB_MAX ||
	    !(info.valid_hooks & 1U << hook))
		return;
	/* Both families' structs have the rules at the same place, behind name and size. */
	len = sizeof(*request) + info.size;
	request = calloc(1, len);
	if (!request)
		return;
	snprintf(request->name, sizeof(request->name), "%s", table);
	request->size = info.size;
	/* Fails when the rules were replaced in between; then the policy is not known. */
	if (!getsockopt(fd, level, IPT_SO_GET_ENTRIES, request, &len)) {
		const char *blob = (const char *)request->entrytable;

		snprintf(chain->policy, sizeof(chain->policy), "%s",
			 policy_at(blob, info.size, info.underflow[hook], ipv6));
		look_at_rules(blob, &info, ipv6, chain);
	}
	free(request);
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
