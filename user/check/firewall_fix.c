// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What lets checks pass a rule: in the words of the program that wrote it, or else of its backend. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/fw_owner.h"
#include "firewall/kube_port.h"
#include "firewall/names.h"
#include "firewall/rule_find.h"
#include "firewall_hit.h"
#include "render/format.h"

static const char *tables_tool(const struct hit *h)
{
	if (!strcmp(h->chain->backend, "iptables-legacy"))
		return h->first.v6 ? "ip6tables-legacy" : "iptables-legacy";
	return h->first.v6 ? "ip6tables-nft" : "iptables-nft";
}

bool hit_is_nft(const struct hit *h)
{
	return strcmp(h->chain->backend, "nft") == 0;
}

/* Whether the tool can be told the name of CHAIN, and of its table. */
static bool can_name(const struct hit *h, const struct fw_chain *chain)
{
	return hit_is_nft(h) ? nft_can_name(chain->table) && nft_can_name(chain->name) :
			   iptables_can_name(chain->name);
}

void hit_put_show(const struct hit *h, struct finding *out)
{
	bool named = can_name(h, h->chain);

	if (hit_is_nft(h) && named)
		CHECK_SHOW(out, "nft -a list chain %s %s %s", h->chain->family, h->chain->table,
			   h->chain->name);
	else if (hit_is_nft(h))
		CHECK_SHOW(out, "nft -a list ruleset");
	else if (named)
		CHECK_SHOW(out, "%s -t %s -nvL %s --line-numbers", tables_tool(h), h->chain->table,
			   h->chain->name);
	else
		CHECK_SHOW(out, "%s -t %s -nvL --line-numbers", tables_tool(h), h->chain->table);
}

bool hit_is_icmp(const struct sent *sent)
{
	return sent->protocol == IPPROTO_ICMP || sent->protocol == IPPROTO_ICMPV6;
}

/* "80, 443" as one word of a command. */
static const char *port_list(char out[120], const struct hit *h, const char *before,
			     const char *behind)
{
	char *end = stpcpy(out, before);

	for (const char *c = h->ports; *c; c++)
		if (*c != ' ')
			*end++ = *c;
	strcpy(end, behind);
	return out;
}

static void put_nft_match(const struct hit *h, struct finding *out)
{
	const struct sent *s = &h->first;
	char range[PREFIX_TEXT_LEN], ports[120];
	bool list = h->n > 1;

	CHECK_FIX(out, "%s %s %s ", s->v6 ? "ip6" : "ip", s->reply ? "daddr" : "saddr",
		  format_prefix(range, h->from));
	if (hit_is_icmp(s))
		CHECK_FIX(out, "%s type %s ", s->v6 ? "icmpv6" : "icmp",
			  s->reply ? "echo-reply" : "echo-request");
	else if (s->port && h->n <= MAX_LISTED)
		CHECK_FIX(out, "%s %s %s ", check_protocol_name(s->protocol),
			  s->reply ? "sport" : "dport",
			  port_list(ports, h, list ? "{" : "", list ? "}" : ""));
}

static void put_iptables_match(const struct hit *h, struct finding *out)
{
	const struct sent *s = &h->first;
	char range[PREFIX_TEXT_LEN], ports[120];
	bool list = h->n > 1;

	CHECK_FIX(out, "%s %s ", s->reply ? "-d" : "-s", format_prefix(range, h->from));
	if (hit_is_icmp(s))
		CHECK_FIX(out, s->v6 ? "-p icmpv6 --icmpv6-type %s " : "-p icmp --icmp-type %s ",
			  s->reply ? "echo-reply" : "echo-request");
	else if (s->port && h->n <= MAX_LISTED)
		CHECK_FIX(out, list ? "-p %s -m multiport --%s %s " : "-p %s --%s %s ",
			  check_protocol_name(s->protocol),
			  s->reply ? (list ? "sports" : "sport") : (list ? "dports" : "dport"),
			  port_list(ports, h, "", ""));
}

/* At the top of the base chain: what is accepted there meets no other rule of it. */
static void put_by_backend(const struct hit *h, struct finding *out)
{
	char range[PREFIX_TEXT_LEN];

	if (!can_name(h, h->base)) {
		CHECK_ADVISE(out, "Let the program that made this table accept packets %s %s ahead of "
				  "that rule: no tool can be told a name like that of its table or "
				  "chain.", h->reply ? "to" : "from", format_prefix(range, h->from));
	} else if (hit_is_nft(h)) {
		CHECK_FIX(out, "nft insert rule %s %s %s ", h->base->family, h->base->table,
			  h->base->name);
		put_nft_match(h, out);
		CHECK_FIX(out, "accept");
	} else {
		CHECK_FIX(out, "%s -t %s -I %s ", tables_tool(h), h->base->table, h->base->name);
		put_iptables_match(h, out);
		CHECK_FIX(out, "-j ACCEPT");
	}
}

/* ---- in the owner's words ---- */

void hit_rule(const struct check_facts *f, const struct hit *h, struct host_rule *out)
{
	struct walk_hit hit = { .base = h->base, .chain = h->chain, .rule = h->rule };

	rule_tell(&hit, out);
	kube_note_check_port(&f->rules[h->first.v6], out);
}

/* RANGE belongs to PASS.  Which of its nodes checks is known where there is one alone. */
static struct fw_pass pass_of(const struct hit *h, char range[PREFIX_TEXT_LEN],
			      char node[ADDR_TEXT_LEN])
{
	struct fw_pass pass = { .range = format_prefix(range, h->from), .v6 = h->first.v6,
				.reply = h->reply, .protocol = "icmp" };

	if (h->from->len == 128)
		pass.lb = format_addr(node, h->from->addr);
	if (!hit_is_icmp(&h->first)) {
		pass.protocol = check_protocol_name(h->first.protocol);
		pass.port = h->first.port;
	}
	return pass;
}

/* One of the owner's commands for each port.  False: it has none for that. */
static bool put_by_owner(const struct fw_owner *owner, const struct host_rule *rule,
			 struct fw_pass *pass, const struct hit *h, struct fix *out)
{
	struct fix all = { 0 };

	/* Without a port a command of theirs would be for all of them, or for ping. */
	if (!hit_is_icmp(&h->first) && !pass->port)
		return false;
	if (!fw_owner_fix(owner, rule, pass, &all))
		return false;
	for (unsigned i = 1; i < h->n && command_is_set(&all.command); i++) {
		struct fix one = { 0 };

		if (i == MAX_LISTED)
			return false;
		pass->port = h->port[i];
		if (!fw_owner_fix(owner, rule, pass, &one))
			return false;
		if (strcmp(one.command.text, all.command.text) == 0)
			break; /* it is not about ports */
		command_add(&all.command, " && ");
		command_append(&all.command, &one.command);
	}
	if (all.command.too_long)
		return false;
	if (command_is_set(&all.show))
		out->show = all.show;
	out->command = all.command;
	snprintf(out->advice, sizeof(out->advice), "%s", all.advice);
	return true;
}

void hit_put_why(const struct check_facts *f, const struct hit *h, struct finding *out)
{
	char range[PREFIX_TEXT_LEN], node[ADDR_TEXT_LEN], meaning[320];
	struct fw_pass pass = pass_of(h, range, node);
	struct fw_owner owner;
	struct host_rule rule;

	hit_rule(f, h, &rule);
	if (fw_owner_of(&rule, &owner) &&
	    *fw_owner_meaning(&owner, &rule, &pass, meaning, sizeof(meaning)))
		CHECK_PUT(out->why, "%s ", meaning);
	if (rule.text[0] && hit_is_nft(h))
		CHECK_PUT(out->why, "The rule: %s", rule.text);
	else if (rule.text[0])
		CHECK_PUT(out->why, "The rule: -A %s %s", h->chain->name, rule.text);
	else if (h->unclear)
		CHECK_PUT(out->why, "What the rule does with the packet cannot be told from here.");
	else if (h->rule && !h->n_certain)
		CHECK_PUT(out->why, "It depends on what the rule, or one before it, looks at "
				    "besides addresses and ports.");
}

void hit_put_fix(const struct check_facts *f, const struct hit *h, struct finding *out)
{
	char range[PREFIX_TEXT_LEN], node[ADDR_TEXT_LEN];
	struct fw_pass pass = pass_of(h, range, node);
	struct fw_owner owner;
	struct host_rule rule;
	bool owned;

	hit_rule(f, h, &rule);
	owned = fw_owner_of(&rule, &owner);
	if (owned && put_by_owner(&owner, &rule, &pass, h, &out->fix))
		return;
	put_by_backend(h, out);
	if (owned && command_is_set(&out->fix.command))
		CHECK_ADVISE(out, "%s", fw_owner_remark(&owner, &rule));
}
