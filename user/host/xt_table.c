// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads tables of legacy iptables, and finds its way in them. */
#include "xt_table.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* After net/if.h: the kernel's headers give way, not the other way round. */
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

/* The two families' requests differ only in their names. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo),
	       "one layout for both families");
_Static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO && IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES,
	       "one number for both families");
_Static_assert(XT_HOOKS == NF_INET_NUMHOOKS, "one entry for each hook");
_Static_assert(sizeof(struct xt_entry_match) == sizeof(struct xt_entry_target),
	       "one header for both");
_Static_assert(sizeof(((struct xt_part *)0)->name) > XT_EXTENSION_MAXNAMELEN, "with its end");

int xt_table_read(int fd, bool ipv6, const char *name, size_t max, struct xt_table_copy *out)
{
	int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, err = 0;
	struct ipt_getinfo info = { 0 };
	struct ipt_get_entries *request;
	socklen_t len = sizeof(info);

	*out = (struct xt_table_copy){ .ipv6 = ipv6 };
	snprintf(info.name, sizeof(info.name), "%s", name);
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &len))
		return -errno;
	if (info.size > max)
		return -EFBIG;
	/* Both families' structs have the rules at the same place, behind name and size. */
	len = sizeof(*request) + info.size;
	request = calloc(1, len);
	out->blob = malloc(info.size + 1);
	if (!request || !out->blob) {
		err = -ENOMEM;
		goto cleanup;
	}
	snprintf(request->name, sizeof(request->name), "%s", name);
	request->size = info.size;
	if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, request, &len)) {
		err = -errno; /* -EAGAIN: the rules were replaced in between */
		goto cleanup;
	}
	out->valid_hooks = info.valid_hooks;
	memcpy(out->hook_entry, info.hook_entry, sizeof(out->hook_entry));
	memcpy(out->underflow, info.underflow, sizeof(out->underflow));
	out->size = info.size;
	memcpy(out->blob, request->entrytable, info.size);
cleanup:
	free(request);
	return err;
}

void xt_table_free(struct xt_table_copy *table)
{
	if (!table)
		return;
	free(table->blob);
	table->blob = NULL;
	table->size = 0;
}

bool xt_table_rule(const struct xt_table_copy *table, size_t at, struct xt_rule *out)
{
	size_t head = table->ipv6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
	size_t target, next;

	if (at >= table->size || table->size - at < head)
		return false;
	if (table->ipv6) {
		struct ip6t_entry entry;

		memcpy(&entry, table->blob + at, sizeof(entry));
		target = entry.target_offset;
		next = entry.next_offset;
	} else {
		struct ipt_entry entry;

		memcpy(&entry, table->blob + at, sizeof(entry));
		target = entry.target_offset;
		next = entry.next_offset;
	}
	if (target < head || next < target || next > table->size - at)
		return false;
	*out = (struct xt_rule){ at, at + head, at + target, at + next };
	return true;
}

/* A match or a target, which begin alike, between FROM and TO. */
static bool part_at(const struct xt_table_copy *table, size_t from, size_t to, size_t *size,
		    struct xt_part *out)
{
	struct xt_entry_match head;

	if (from > to || to - from < sizeof(head))
		return false;
	memcpy(&head, table->blob + from, sizeof(head));
	*size = head.u.user.match_size;
	if (*size < sizeof(head) || *size > to - from)
		return false;
	snprintf(out->name, sizeof(out->name), "%.*s", (int)sizeof(head.u.user.name),
		 head.u.user.name);
	out->revision = head.u.user.revision;
	out->data = table->blob + from + sizeof(head);
	out->len = *size - sizeof(head);
	return true;
}

bool xt_table_match(const struct xt_table_copy *table, const struct xt_rule *rule, size_t *at,
		    struct xt_part *out)
{
	size_t size;

	if (!part_at(table, *at, rule->target, &size, out))
		return false;
	*at += size;
	return true;
}

bool xt_table_target(const struct xt_table_copy *table, const struct xt_rule *rule,
		     struct xt_part *out)
{
	size_t size;

	return part_at(table, rule->target, rule->next, &size, out);
}

bool xt_standard_verdict(const struct xt_part *target, int *verdict)
{
	if (target->name[0] || target->len < sizeof(*verdict))
		return false;
	memcpy(verdict, target->data, sizeof(*verdict));
	return true;
}
