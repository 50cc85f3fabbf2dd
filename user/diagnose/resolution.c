// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* This host's own rules that drop neighbour discovery or ARP. */
#include "resolution.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "advice_rule.h"
#include "firewall/names.h"
#include "fw_owner.h"
#include "render/format.h"

/* WHAT of HOP that comes in by DEVICE; as a REPLY what this host sends it there. */
static void packet_of(const uint8_t hop[16], const char *device, enum host_resolution what,
		      bool reply, struct host_packet *out)
{
	memset(out, 0, sizeof(*out));
	out->v6 = !addr_is_ipv4(hop);
	out->reply = reply;
	out->resolution = what;
	memcpy(out->tuple.lb, hop, 16);
	snprintf(reply ? out->out : out->in, IFNAMSIZ, "%s", device);
}

/* Of what can have ended such a packet, the rule or policy that surely drops it; NULL: none does. */
static const struct host_rule *sure_rule(const struct host_rules *rules)
{
	for (size_t i = 0; i < rules->n && i < HOST_MAX_RULES; i++)
		if (rules->r[i].surely &&
		    (rules->r[i].kind == RULE_DROP || rules->r[i].kind == RULE_REJECT))
			return &rules->r[i];
	return NULL;
}

static const char *packet_words_of(const struct host_packet *packet)
{
	bool answer = packet->resolution == RESOLVE_ANSWER;

	if (packet->v6)
		return answer ? "ICMPv6 type 136 (neighbour advertisements)" :
				"ICMPv6 type 135 (neighbour solicitations)";
	return answer ? "ARP replies" : "ARP requests";
}

/* ---- commands ---- */

/*
 * Only the next hop's answer has an address of the hop for its source; its
 * question may come from any address of it, so there the device has to do.
 */
static bool by_address(const struct host_packet *packet)
{
	return !packet->v6 || (packet->resolution == RESOLVE_ANSWER && !packet->reply);
}

static void nft_match(const struct host_rule *rule, const struct host_packet *packet,
		      const char *hop, struct command *c)
{
	bool answer = packet->resolution == RESOLVE_ANSWER;
	bool netdev = strcmp(rule->family, "netdev") == 0 || strcmp(rule->family, "bridge") == 0;

	if (!packet->v6) {
		command_add(c, "arp operation %s ", answer ? "reply" : "request");
		command_add(c, packet->reply ? "arp daddr ip %s" : "arp saddr ip %s", hop);
		return;
	}
	if (by_address(packet))
		command_add(c, "ip6 saddr %s ", hop);
	else if (!netdev)
		command_add(c, packet->reply ? "oifname %s " : "iifname %s ",
			    packet->reply ? packet->out : packet->in);
	command_add(c, "icmpv6 type %s", answer ? "nd-neighbor-advert" : "nd-neighbor-solicit");
}

static void fix_by_nft(const struct host_rule *rule, const struct host_packet *packet,
		       const char *hop, struct fix *fix)
{
	command_add(&fix->command, "nft %s rule %s %s %s ",
		    rule->policy && !rule->behind_goto ? "add" : "insert", rule->family,
		    rule->table, rule->chain);
	if (rule->handle && !rule->policy)
		command_add(&fix->command, "handle %lu ", (unsigned long)rule->handle);
	nft_match(rule, packet, hop, &fix->command);
	command_add(&fix->command, " accept");
}

static void arptables_match(const struct host_packet *packet, const char *hop, struct command *c)
{
	command_add(c, packet->reply ? "-d %s --opcode %s" : "-s %s --opcode %s", hop,
		    packet->resolution == RESOLVE_ANSWER ? "2" : "1");
}

static void ip6tables_match(const struct host_packet *packet, const char *hop, struct command *c)
{
	if (by_address(packet))
		command_add(c, "-s %s ", hop);
	else
		command_add(c, packet->reply ? "-o %s " : "-i %s ",
			    packet->reply ? packet->out : packet->in);
	command_add(c, "-p icmpv6 --icmpv6-type %s",
		    packet->resolution == RESOLVE_ANSWER ? "neighbour-advertisement" :
							   "neighbour-solicitation");
}

static void ebtables_match(const struct host_packet *packet, const char *hop, struct command *c)
{
	bool answer = packet->resolution == RESOLVE_ANSWER;

	if (!packet->v6) {
		command_add(c, "-p ARP --arp-opcode %s ", answer ? "Reply" : "Request");
		command_add(c, packet->reply ? "--arp-ip-dst %s" : "--arp-ip-src %s", hop);
		return;
	}
	command_add(c, "-p IPv6 ");
	if (by_address(packet))
		command_add(c, "--ip6-source %s ", hop);
	command_add(c, "--ip6-proto ipv6-icmp --ip6-icmp-type %s",
		    answer ? "neighbour-advertisement" : "neighbour-solicitation");
}

/* iptables and its likes: at the place of the rule, or behind all others ahead of the policy. */
static void fix_by_tables(const struct host_rule *rule, const struct host_packet *packet,
			  const char *hop, struct fix *fix)
{
	struct command *c = &fix->command;
	bool ebtables = strncmp(rule->backend, "ebtables", 8) == 0;
	bool arptables = strncmp(rule->backend, "arptables", 9) == 0;

	command_add(c, "%s ", ebtables	? "ebtables" :
			      arptables ? "arptables-nft" :
			      strcmp(rule->backend, "iptables-legacy") == 0 ? "ip6tables-legacy" :
									      "ip6tables-nft");
	if (strcmp(rule->table, "filter") != 0)
		command_add(c, "-t %s ", rule->table);
	command_add(c, "%s %s ", rule->policy && !rule->behind_goto ? "-A" : "-I", rule->chain);
	if (rule->number > 1 && !rule->policy)
		command_add(c, "%u ", rule->number);
	if (ebtables)
		ebtables_match(packet, hop, c);
	else if (arptables)
		arptables_match(packet, hop, c);
	else
		ip6tables_match(packet, hop, c);
	command_add(c, " -j ACCEPT");
}

/* Behind what is in FIX already; advice where no tool can be told the name of the table. */
static void add_fix(const struct host_rule *rule, const struct host_packet *packet,
		    struct fix *fix)
{
	bool nft = strcmp(rule->backend, "nft") == 0;
	char hop[ADDR_TEXT_LEN];
	struct fw_owner owner;
	const char *remark;
	size_t used;

	format_addr(hop, packet->tuple.lb);
	if (nft ? !nft_can_name(rule->table) || !nft_can_name(rule->chain) :
		  !iptables_can_name(rule->chain)) {
		snprintf(fix->advice, sizeof(fix->advice),
			 "Let the program that made this table accept %s of %s ahead of that rule: no "
			 "tool can be told a name like that of its table or chain.",
			 packet_words_of(packet), hop);
		return;
	}
	if (command_is_set(&fix->command))
		command_add(&fix->command, " && ");
	if (nft)
		fix_by_nft(rule, packet, hop, fix);
	else
		fix_by_tables(rule, packet, hop, fix);
	remark = fw_owner_of(rule, &owner) ? fw_owner_remark(&owner, rule) : "";
	used = strlen(fix->advice);
	if (remark[0] && !strstr(fix->advice, remark))
		snprintf(fix->advice + used, sizeof(fix->advice) - used, "%s%s", used ? " " : "",
			 remark);
}

static void add_show(const struct host_rule *rule, bool v6, struct fix *fix)
{
	if (strcmp(rule->backend, "nft") == 0)
		command_add(&fix->show, "nft -a list ruleset");
	else if (strncmp(rule->backend, "ebtables", 8) == 0)
		command_add(&fix->show, "ebtables -L --Ln");
	else if (strncmp(rule->backend, "arptables", 9) == 0)
		command_add(&fix->show, "arptables-nft -nvL");
	else
		command_add(&fix->show, "%s -t %s -nvL --line-numbers",
			    strcmp(rule->backend, "iptables-legacy") == 0 ? "ip6tables-legacy" :
									    "ip6tables-nft",
			    rule->table);
}

/* ---- the cause ---- */

static bool find_rule(resolution_ask ask, void *ctx, const struct host_packet *packet,
		      struct host_rule *out)
{
	const struct host_rule *rule;
	struct host_rules rules;

	memset(&rules, 0, sizeof(rules));
	if (ask(ctx, packet, &rules))
		return false;
	rule = sure_rule(&rules);
	if (rule)
		*out = *rule;
	return rule;
}

static void say_why(const struct host_packet *packet, struct resolution_cause *out)
{
	char words[256];
	size_t len;

	rule_words(&out->rule, words, sizeof(words));
	len = strlen(words);
	if (len && words[len - 1] == ',')
		words[len - 1] = '\0';
	snprintf(out->why, sizeof(out->why), "%s of this host drops %s%s%s", words,
		 packet_words_of(packet), out->rule.text[0] ? ": " : "", out->rule.text);
}

bool resolution_find(resolution_ask ask, void *ctx, const uint8_t hop[16], const char *device,
		     bool from_hop, struct resolution_cause *out)
{
	static const struct {
		enum host_resolution what;
		bool reply, from_hop;
	} ways[] = {
		{ RESOLVE_ANSWER, false, false }, { RESOLVE_QUESTION, true, false },
		{ RESOLVE_QUESTION, false, true }, { RESOLVE_ANSWER, true, true },
	};
	struct host_packet packet;
	char address[ADDR_TEXT_LEN];
	struct host_rule rule;
	size_t used;
	bool found = false;

	memset(out, 0, sizeof(*out));
	/* Once the hop's own entry is old, it asks for this host the same way. */
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		packet_of(hop, device, ways[i].what, ways[i].reply, &packet);
		if ((ways[i].from_hop && !from_hop && !found) || !find_rule(ask, ctx, &packet, &rule))
			continue;
		add_fix(&rule, &packet, &out->fix);
		if (!found) {
			out->rule = rule;
			say_why(&packet, out);
			add_show(&rule, packet.v6, &out->fix);
			found = true;
			continue;
		}
		used = strlen(out->fix.advice);
		snprintf(out->fix.advice + used, sizeof(out->fix.advice) - used,
			 "%sIts other part lets %s %s %s, which this host drops as well.",
			 used ? " " : "", packet_words_of(&packet),
			 packet.reply ? "out to" : "in from", format_addr(address, hop));
	}
	return found;
}
