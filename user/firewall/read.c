// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Collects the rules of all backends: from the kernel, and from the tools where they know more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall.h"
#include "xt_rules.h"
#include "host/run_tool.h"

static void say_incomplete(struct fw_rules *rules, const char *tool, int err)
{
	rules->incomplete = true;
	snprintf(rules->why, sizeof(rules->why),
		 err == -ENOENT ? "%s is not installed" : "%s: %s", tool, strerror(-err));
}

static bool is_iptables_table(const struct fw_chain *c, bool ipv6)
{
	return !strcmp(c->backend, "iptables-nft") && !strcmp(c->family, ipv6 ? "ip6" : "ip");
}

/* The rules of FROM, as iptables-save told them, in place of TO's, as netlink did. */
static void replace_rules(struct fw_chain *to, const struct fw_chain *from)
{
	/* Both count the same rules; else they changed in between, and no handle is sure. */
	bool same = to->n_rules == from->n_rules;
	const struct fw_rule *old = to->rules;

	for (struct fw_rule *rule = from->rules; rule && same; rule = rule->next) {
		while (old && old->number < rule->number) /* elements of a map share theirs */
			old = old->next;
		rule->handle = old ? old->handle : 0;
	}
	to->rules = from->rules;
	to->last = from->rules ? from->last : &to->rules;
	to->n_rules = from->n_rules;
	to->policy_packets = from->policy_packets;
}

/* Puts SAVED in the place of the same chains of RULES; those that came up in between are new. */
static int merge(struct fw_rules *rules, struct fw_rules *saved)
{
	const struct fw_chain *from = saved->chains;

	fw_adopt(rules, saved);
	for (; from; from = from->next) {
		struct fw_chain *to = fw_chain_find(rules, from, from->name);

		if (!to) {
			to = fw_chain_add(rules, from->backend, from->family, from->table,
					  from->name);
			if (!to)
				return -ENOMEM;
			to->hook = from->hook;
			to->priority = from->priority;
			to->drops = from->drops;
		}
		replace_rules(to, from);
	}
	return 0;
}

static int run_save(struct fw_rules *rules, bool legacy, bool ipv6, char **text)
{
	char tool[32];
	int err;

	snprintf(tool, sizeof(tool), "ip%stables-%s-save", ipv6 ? "6" : "",
		 legacy ? "legacy" : "nft");
	err = run_tool((const char *const[]){ tool, "-c", NULL }, text);
	return err;
}

/* Without the tool, iptables-nft's rules are as netlink tells them. */
static int add_saved_nft(struct fw_rules *rules, bool ipv6)
{
	struct fw_rules saved = { 0 };
	char *text;
	int err = run_save(rules, false, ipv6, &text);

	if (err)
		return err == -ENOMEM ? err : 0;
	err = fw_parse_save(&saved, "iptables-nft", ipv6, text);
	free(text);
	if (err)
		fw_rules_free(&saved);
	else
		err = merge(rules, &saved);
	return err;
}

static int add_legacy(struct fw_rules *rules, bool ipv6)
{
	char *text;
	int err = run_save(rules, true, ipv6, &text), why = -ENOENT;
	bool whole;

	if (err == -ENOMEM)
		return err;
	if (!err) {
		err = fw_parse_save(rules, "iptables-legacy", ipv6, text);
		free(text);
		return err;
	}
	if (err == -EMFILE || err == -ENFILE)
		why = err;
	/* Without the tool, what the kernel has. */
	err = fw_read_legacy(ipv6, rules, &whole);
	if (err && err != -ENOMEM)
		say_incomplete(rules, ipv6 ? "ip6tables-legacy-save" : "iptables-legacy-save",
			       why);
	else if (!whole)
		say_incomplete(rules, "legacy iptables' rules", -EBADMSG);
	return err == -ENOMEM ? err : 0;
}

/* The tables that are there: to ask for others would load them. */
static int has_legacy(bool ipv6, bool *any)
{
	FILE *names = fopen(ipv6 ? "/proc/thread-self/net/ip6_tables_names"
				 : "/proc/thread-self/net/ip_tables_names", "re");

	*any = false;
	if (!names)
		return errno == ENOENT ? 0 : -errno;
	*any = fgetc(names) != EOF;
	fclose(names);
	return 0;
}

int fw_rules_read(bool ipv6, struct fw_rules *out)
{
	bool iptables = false, legacy;
	int err, names_err;

	memset(out, 0, sizeof(*out));
	err = fw_read_nft(ipv6, out);
	for (struct fw_chain *c = out->chains; c; c = c->next)
		iptables |= is_iptables_table(c, ipv6);
	if (!err && iptables)
		err = add_saved_nft(out, ipv6);
	names_err = has_legacy(ipv6, &legacy);
	if (!err && names_err)
		say_incomplete(out, "legacy iptables' tables", names_err);
	else if (!err && legacy)
		err = add_legacy(out, ipv6);
	return err;
}
