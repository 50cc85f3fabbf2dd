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

static const char *policy(int fd, bool ipv6, const char *table, unsigned int hook)
{
	struct ipt_getinfo info = { 0 };
	struct ipt_get_entries *request;
	socklen_t len = sizeof(info);
	int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
	const char *name = "";

	snprintf(info.name, sizeof(info.name), "%s", table);
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &len) || info.size > BLOB_MAX ||
	    !(info.valid_hooks & 1U << hook))
		return "";
	/* Both families' structs have the rules at the same place, behind name and size. */
	len = sizeof(*request) + info.size;
	request = calloc(1, len);
	if (!request)
		return "";
	snprintf(request->name, sizeof(request->name), "%s", table);
	request->size = info.size;
	/* Fails when the rules were replaced in between; then the policy is not known. */
	if (!getsockopt(fd, level, IPT_SO_GET_ENTRIES, request, &len))
		name = policy_at((const char *)request->entrytable, info.size, info.underflow[hook],
				 ipv6);
	free(request);
	return name;
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
			snprintf(chain.policy, sizeof(chain.policy), "%s",
				 policy(fd, ipv6, table, builtins[i].number));
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
