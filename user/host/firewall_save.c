// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules as iptables-save prints them. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall.h"

#define MAX_WORDS 128
#define TCP_FLAG_NAMES 6

struct parser {
	struct fw_rules *rules;
	const char *backend;
	bool ipv6;
	char table[64];
	struct fw_rule *rule;
	char *word[MAX_WORDS];
	size_t n, at;
	bool negate; /* a "!" stands before the option */
};

/* Cuts LINE into words; quotes hold words together, a backslash escapes. */
static size_t split(char *line, char *word[MAX_WORDS])
{
	size_t n = 0;

	while (n < MAX_WORDS) {
		char *out;
		bool quoted = false;

		line += strspn(line, " \t");
		if (!*line)
			break;
		word[n++] = out = line;
		for (; *line && (quoted || !strchr(" \t", *line)); line++) {
			if (*line == '"')
				quoted = !quoted;
			else if (*line == '\\' && quoted && line[1])
				*out++ = *++line;
			else
				*out++ = *line;
		}
		if (*line)
			line++;
		*out = '\0';
	}
	return n;
}

static struct fw_condition *condition(struct parser *p, enum fw_field field, size_t n,
				      struct fw_range **range)
{
	struct fw_condition *cond = fw_condition_add(p->rules, p->rule, field, n, range);

	if (cond)
		cond->negate = p->negate;
	return cond;
}

static int cannot_tell(struct parser *p)
{
	return condition(p, FW_UNKNOWN, 0, NULL) ? 0 : -ENOMEM;
}

static int take_address(struct parser *p, const char *value, bool source)
{
	enum fw_field field = p->ipv6 ? (source ? FW_SADDR6 : FW_DADDR6)
				      : (source ? FW_SADDR4 : FW_DADDR4);
	size_t len = fw_field_len(field);
	int family = p->ipv6 ? AF_INET6 : AF_INET;
	char text[96], *slash;
	struct fw_range *range;
	struct fw_condition *cond;

	snprintf(text, sizeof(text), "%s", value);
	slash = strchr(text, '/');
	if (slash)
		*slash++ = '\0';
	cond = condition(p, field, 1, &range);
	if (!cond)
		return -ENOMEM;
	memset(cond->mask, 0xff, len);
	if (slash && strspn(slash, "0123456789") == strlen(slash)) {
		unsigned bits = (unsigned)atoi(slash);

		for (size_t bit = bits; bit < len * 8; bit++)
			cond->mask[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	} else if (slash && inet_pton(family, slash, cond->mask) != 1) {
		cond->field = FW_UNKNOWN;
	}
	if (inet_pton(family, text, range->lo) != 1)
		cond->field = FW_UNKNOWN;
	cond->masked = true;
	memcpy(range->hi, range->lo, len);
	return 0;
}

static int take_protocol(struct parser *p, const char *value)
{
	const struct protoent *known = getprotobyname(value);
	struct fw_range *range;
	struct fw_condition *cond;
	int number = known ? known->p_proto : 0;

	/* What the tools know without /etc/protocols. */
	if (isdigit((unsigned char)*value))
		number = atoi(value);
	else if (!strcmp(value, "tcp"))
		number = IPPROTO_TCP;
	else if (!strcmp(value, "udp"))
		number = IPPROTO_UDP;
	else if (!strcmp(value, "icmp"))
		number = IPPROTO_ICMP;
	else if (!strcmp(value, "icmpv6") || !strcmp(value, "ipv6-icmp"))
		number = IPPROTO_ICMPV6;
	if (!number)
		return cannot_tell(p);
	cond = condition(p, FW_PROTO, 1, &range);
	if (!cond)
		return -ENOMEM;
	range->lo[0] = range->hi[0] = (uint8_t)number;
	return 0;
}

static int take_device(struct parser *p, const char *value, enum fw_field field)
{
	size_t len = strnlen(value, IFNAMSIZ - 1);
	struct fw_range *range;

	if (!condition(p, field, 1, &range))
		return -ENOMEM;
	if (len && value[len - 1] == '+') { /* every device that starts so */
		memset(range->hi, 0xff, sizeof(range->hi));
		len--;
	}
	memcpy(range->lo, value, len);
	memcpy(range->hi, value, len);
	return 0;
}

static void put_port(uint8_t out[16], unsigned port)
{
	out[0] = (uint8_t)(port >> 8);
	out[1] = (uint8_t)port;
}

/* "80", "80:90", and lists of them. */
static int take_ports(struct parser *p, char *value, enum fw_field field)
{
	size_t n = 1;
	struct fw_range *range;
	char *rest;

	for (const char *c = value; *c; c++)
		n += *c == ',';
	if (!condition(p, field, n, &range))
		return -ENOMEM;
	for (char *item = strtok_r(value, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
		char *colon = strchr(item, ':');

		put_port(range->lo, (unsigned)atoi(item));
		put_port(range->hi, colon ? (unsigned)atoi(colon + 1) : (unsigned)atoi(item));
		range++;
	}
	return 0;
}

static int take_states(struct parser *p, char *value)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} states[] = { { "INVALID", FW_CT_INVALID }, { "ESTABLISHED", FW_CT_ESTABLISHED },
		       { "RELATED", FW_CT_RELATED }, { "NEW", FW_CT_NEW },
		       { "UNTRACKED", FW_CT_UNTRACKED } };
	size_t n_states = sizeof(states) / sizeof(states[0]), used = 0;
	struct fw_range *range;
	struct fw_condition *cond = condition(p, FW_CTSTATE, n_states, &range);
	char *rest;

	if (!cond)
		return -ENOMEM;
	for (char *item = strtok_r(value, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
		size_t i = 0;

		while (i < n_states && strcmp(states[i].name, item))
			i++;
		if (i == n_states || used == n_states)
			cond->field = FW_UNKNOWN; /* SNAT, DNAT */
		else
			range[used].lo[3] = range[used].hi[3] = states[i].bit, used++;
	}
	cond->n = used;
	return 0;
}

static uint8_t tcp_flags(char *list)
{
	static const char *const names[TCP_FLAG_NAMES] = {
		"FIN", "SYN", "RST", "PSH", "ACK", "URG"
	};
	uint8_t flags = 0;
	char *rest;

	for (char *item = strtok_r(list, ",", &rest); item; item = strtok_r(NULL, ",", &rest))
		for (size_t i = 0; i < TCP_FLAG_NAMES; i++)
			if (!strcmp(item, names[i]) || !strcmp(item, "ALL"))
				flags |= (uint8_t)(1 << i);
	return flags;
}

static int take_tcp_flags(struct parser *p, char *mask, char *set)
{
	struct fw_range *range;
	struct fw_condition *cond = condition(p, FW_TCPFLAGS, 1, &range);

	if (!cond)
		return -ENOMEM;
	cond->masked = true;
	cond->mask[0] = tcp_flags(mask);
	range->lo[0] = range->hi[0] = tcp_flags(set);
	return 0;
}

static int take_icmp_type(struct parser *p, const char *value)
{
	struct fw_range *range;
	struct fw_condition *cond;

	if (!isdigit((unsigned char)*value) || strchr(value, '/'))
		return cannot_tell(p);
	cond = condition(p, FW_ICMPTYPE, 1, &range);
	if (!cond)
		return -ENOMEM;
	range->lo[0] = range->hi[0] = (uint8_t)atoi(value);
	return 0;
}

static enum fw_verdict verdict_of(const char *target)
{
	static const struct {
		const char *name;
		enum fw_verdict verdict;
	} known[] = {
		{ "ACCEPT", FW_ACCEPT }, { "DROP", FW_DROP }, { "REJECT", FW_REJECT },
		{ "RETURN", FW_RETURN }, { "DNAT", FW_NAT }, { "REDIRECT", FW_NAT },
		{ "SNAT", FW_ACCEPT }, { "MASQUERADE", FW_ACCEPT }, { "NETMAP", FW_NAT },
		{ "QUEUE", FW_OTHER }, { "NFQUEUE", FW_OTHER }, { "TPROXY", FW_ACCEPT },
		{ "TARPIT", FW_DROP }, { "SYNPROXY", FW_OTHER },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, target))
			return known[i].verdict;
	return FW_CONTINUE; /* LOG, MARK, CT and their like */
}

static void take_target(struct parser *p, const struct fw_chain *chain, const char *target,
			bool go)
{
	if (fw_chain_find(p->rules, chain, target)) {
		p->rule->verdict = go ? FW_GOTO : FW_JUMP;
		snprintf(p->rule->target, sizeof(p->rule->target), "%s", target);
	} else {
		p->rule->verdict = verdict_of(target);
	}
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return !strcmp(word, a) || !strcmp(word, b);
}

/* The option at p->at, which has a value or two.  Returns how many words it took. */
static int take_option(struct parser *p, const struct fw_chain *chain, size_t *took)
{
	const char *name = p->word[p->at];
	char *value = p->at + 1 < p->n ? p->word[p->at + 1] : NULL;

	*took = 2;
	if (!value)
		return cannot_tell(p);
	if (is_one_of(name, "-s", "-d"))
		return take_address(p, value, name[1] == 's');
	if (is_one_of(name, "-i", "-o"))
		return take_device(p, value, name[1] == 'i' ? FW_IIF : FW_OIF);
	if (!strcmp(name, "-p"))
		return take_protocol(p, value);
	if (is_one_of(name, "--dport", "--dports"))
		return take_ports(p, value, FW_DPORT);
	if (is_one_of(name, "--sport", "--sports"))
		return take_ports(p, value, FW_SPORT);
	if (is_one_of(name, "--ctstate", "--state"))
		return take_states(p, value);
	if (is_one_of(name, "--icmp-type", "--icmpv6-type"))
		return take_icmp_type(p, value);
	if (!strcmp(name, "--tcp-flags") && p->at + 2 < p->n) {
		*took = 3;
		return take_tcp_flags(p, value, p->word[p->at + 2]);
	}
	if (is_one_of(name, "-m", "--comment"))
		return 0;
	if (is_one_of(name, "-j", "-g")) {
		take_target(p, chain, value, name[1] == 'g');
		*took = p->n; /* what follows belongs to the target */
		return 0;
	}
	/* Of an option that is not known, neither its values nor their number is. */
	*took = 1;
	while (p->at + *took < p->n && p->word[p->at + *took][0] != '-' &&
	       strcmp(p->word[p->at + *took], "!"))
		++*took;
	return cannot_tell(p);
}

static int take_rule(struct parser *p, char *line)
{
	struct fw_chain like = { .backend = p->backend }, *chain;
	char *text = fw_alloc(p->rules, strlen(line) + 1);
	int err = 0;

	if (!text)
		return -ENOMEM;
	strcpy(text, line);
	p->n = split(line, p->word);
	snprintf(like.family, sizeof(like.family), "%s", p->ipv6 ? "ip6" : "ip");
	snprintf(like.table, sizeof(like.table), "%s", p->table);
	chain = p->n > 1 ? fw_chain_find(p->rules, &like, p->word[1]) : NULL;
	if (!chain)
		return 0;
	p->rule = fw_rule_add(p->rules, chain);
	if (!p->rule)
		return -ENOMEM;
	p->rule->text = text;
	for (p->at = 2; p->at < p->n && !err;) {
		size_t took = 1;

		p->negate = !strcmp(p->word[p->at], "!");
		p->at += p->negate;
		if (p->at < p->n)
			err = take_option(p, chain, &took);
		p->at += took;
	}
	return err;
}

/* ":INPUT ACCEPT [0:0]" */
static int take_chain(struct parser *p, char *line)
{
	static const char *const hooks[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING" };
	struct fw_chain *chain;

	p->n = split(line + 1, p->word);
	if (p->n < 2)
		return 0;
	chain = fw_chain_add(p->rules, p->backend, p->ipv6 ? "ip6" : "ip", p->table, p->word[0]);
	if (!chain)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (!strcmp(p->word[0], hooks[i]) && strcmp(p->word[1], "-"))
			chain->hook = hooks[i];
	chain->drops = !strcmp(p->word[1], "DROP");
	return 0;
}

int fw_parse_save(struct fw_rules *rules, const char *backend, bool ipv6, char *text)
{
	struct parser p = { .rules = rules, .backend = backend, .ipv6 = ipv6 };
	char *rest;
	int err = 0;

	for (char *line = strtok_r(text, "\n", &rest); line && !err;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (*line == '*')
			snprintf(p.table, sizeof(p.table), "%s", line + 1);
		else if (*line == ':')
			err = take_chain(&p, line);
		else if (!strncmp(line, "-A ", 3))
			err = take_rule(&p, line);
	}
	return err;
}
