// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the options of an iptables rule demand of a packet, and what its target does with it. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iptables_save.h"

#define TCP_FLAG_NAMES 6

static struct fw_condition *condition(struct save_parser *p, enum fw_field field, size_t n,
				      struct fw_range **range)
{
	struct fw_condition *cond = fw_condition_add(p->rules, p->rule, field, n, range);

	if (cond)
		cond->negate = p->negate;
	return cond;
}

static int cannot_tell(struct save_parser *p)
{
	return condition(p, FW_UNKNOWN, 0, NULL) ? 0 : -ENOMEM;
}

static int take_address(struct save_parser *p, const char *value, bool source)
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

/* What the tools know without /etc/protocols, which is slow to ask for each rule; 0: unknown. */
static int protocol_number(const char *name)
{
	const struct protoent *known;

	if (isdigit((unsigned char)*name))
		return atoi(name);
	if (!strcmp(name, "tcp"))
		return IPPROTO_TCP;
	if (!strcmp(name, "udp"))
		return IPPROTO_UDP;
	if (!strcmp(name, "icmp"))
		return IPPROTO_ICMP;
	if (!strcmp(name, "icmpv6") || !strcmp(name, "ipv6-icmp"))
		return IPPROTO_ICMPV6;
	known = getprotobyname(name);
	return known ? known->p_proto : 0;
}

static int take_protocol(struct save_parser *p, char *value)
{
	int number = protocol_number(value);
	struct fw_range *range;
	struct fw_condition *cond;

	if (!number)
		return cannot_tell(p);
	cond = condition(p, FW_PROTO, 1, &range);
	if (!cond)
		return -ENOMEM;
	range->lo[0] = range->hi[0] = (uint8_t)number;
	return 0;
}

static int take_device(struct save_parser *p, const char *value, enum fw_field field)
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
static int take_ports(struct save_parser *p, char *value, enum fw_field field)
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

/* multiport's --ports: the one or the other port is one of them. */
static int take_either_port(struct save_parser *p, char *value)
{
	const struct fw_condition *ports;
	struct fw_condition *cond;
	struct fw_range *range;
	int err = take_ports(p, value, FW_SPORT);

	if (err)
		return err;
	ports = &p->rule->cond[--p->rule->n];
	if (ports->field != FW_SPORT) /* too many conditions */
		return cannot_tell(p);
	range = fw_alloc(p->rules, ports->n * 4 * sizeof(*range));
	if (!range)
		return -ENOMEM;
	cond = &p->rule->cond[p->rule->n++];
	for (size_t i = 0; i < ports->n; i++) {
		struct fw_range *four = &range[i * 4];

		four[0] = four[3] = ports->range[i];
		memset(four[1].hi, 0xff, sizeof(four[1].hi));
		memset(four[2].hi, 0xff, sizeof(four[2].hi));
	}
	cond->field = FW_TUPLE;
	cond->part[0] = FW_SPORT;
	cond->part[1] = FW_DPORT;
	cond->n_parts = 2;
	cond->n = ports->n * 4;
	cond->range = range;
	return 0;
}

/* iprange's "10.0.0.1-10.0.0.9". */
static int take_address_range(struct save_parser *p, const char *value, bool source)
{
	enum fw_field field = p->ipv6 ? (source ? FW_SADDR6 : FW_DADDR6)
				      : (source ? FW_SADDR4 : FW_DADDR4);
	int family = p->ipv6 ? AF_INET6 : AF_INET;
	const char *dash = strchr(value, '-');
	struct fw_range *range;
	struct fw_condition *cond = condition(p, field, 1, &range);
	char first[64];

	if (!cond)
		return -ENOMEM;
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(value, "-"), value);
	if (inet_pton(family, first, range->lo) != 1 ||
	    inet_pton(family, dash ? dash + 1 : first, range->hi) != 1)
		cond->field = FW_UNKNOWN;
	return 0;
}

/* What kinds of address addrtype asks for: xt_addrtype_checkentry()'s bits are 1 << RTN_*. */
static int take_address_type(struct save_parser *p, char *value, enum fw_field field)
{
	static const char *const names[] = { "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST",
					     "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT",
					     "THROW", "NAT", "XRESOLVE" };
	size_t n = 0, n_names = sizeof(names) / sizeof(names[0]);
	struct fw_range *range;
	struct fw_condition *cond = condition(p, field, n_names, &range);
	char *rest;

	if (!cond)
		return -ENOMEM;
	for (char *item = strtok_r(value, ",", &rest); item; item = strtok_r(NULL, ",", &rest))
		for (size_t i = 0; i < n_names && n < n_names; i++)
			if (!strcmp(names[i], item))
				range[n].lo[0] = range[n].hi[0] = (uint8_t)i, n++;
	cond->n = n;
	return 0;
}

static int take_states(struct save_parser *p, char *value)
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

static int take_tcp_flags(struct save_parser *p, char *mask, char *set)
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

/* "8", "3/1", "echo-request"; "any". */
static int take_icmp_type(struct save_parser *p, char *value)
{
	static const struct {
		const char *name;
		uint8_t v4, v6;
	} names[] = {
		{ "echo-request", 8, 128 }, { "ping", 8, 128 }, { "echo-reply", 0, 129 },
		{ "pong", 0, 129 }, { "destination-unreachable", 3, 1 },
		{ "time-exceeded", 11, 3 }, { "ttl-exceeded", 11, 3 },
		{ "parameter-problem", 12, 4 },
	};
	const char *code = strchr(value, '/');
	struct fw_range *range;
	struct fw_condition *cond;
	int type = isdigit((unsigned char)*value) ? atoi(value) : -1;

	if (!strcmp(value, "any") && !p->negate)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, value))
			type = p->ipv6 ? names[i].v6 : names[i].v4;
	if (code && cannot_tell(p))
		return -ENOMEM;
	if (type < 0 || (code && p->negate)) /* "255": any, as the kernel has it */
		return code ? 0 : cannot_tell(p);
	if (type == 255 && !p->ipv6)
		return p->negate ? cannot_tell(p) : 0;
	cond = condition(p, FW_ICMPTYPE, 1, &range);
	if (!cond)
		return -ENOMEM;
	range->lo[0] = range->hi[0] = (uint8_t)type;
	return 0;
}

static void take_target(struct save_parser *p, const struct fw_chain *chain, const char *target,
			bool go)
{
	static const struct {
		const char *name;
		enum fw_verdict verdict;
		enum fw_effect effect;
	} known[] = {
		{ "ACCEPT", FW_ACCEPT },
		{ "DROP", FW_DROP },
		{ "REJECT", FW_REJECT },
		{ "RETURN", FW_RETURN },
		{ "DNAT", FW_NAT, FW_EFFECT_DNAT },
		{ "REDIRECT", FW_NAT, FW_EFFECT_DNAT },
		{ "NETMAP", FW_NAT, FW_EFFECT_DNAT },
		{ "SNAT", FW_ACCEPT, FW_EFFECT_SNAT },
		{ "MASQUERADE", FW_ACCEPT, FW_EFFECT_SNAT },
		{ "DNPT", FW_CONTINUE, FW_EFFECT_REWRITE },
		{ "SNPT", FW_CONTINUE, FW_EFFECT_REWRITE },
		{ "QUEUE", FW_OTHER, FW_EFFECT_QUEUE },
		{ "NFQUEUE", FW_OTHER, FW_EFFECT_QUEUE },
		{ "TPROXY", FW_ACCEPT, FW_EFFECT_TPROXY },
		{ "TARPIT", FW_DROP },
		{ "…", FW_OTHER }, /* what could not be read */
		{ "SYNPROXY", FW_OTHER },
	};
	struct fw_rule *rule = p->rule;

	rule->verdict = FW_CONTINUE; /* LOG, MARK, CT and their like */
	if (fw_chain_find(p->rules, chain, target)) {
		rule->verdict = go ? FW_GOTO : FW_JUMP;
		snprintf(rule->target, sizeof(rule->target), "%s", target);
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, target)) {
			rule->verdict = known[i].verdict;
			rule->effect = known[i].effect;
		}
	/* Before the address is routed by, NETMAP is about the destination, else the source. */
	if (!strcmp(target, "NETMAP") && chain->hook &&
	    (!strcmp(chain->hook, "POSTROUTING") || !strcmp(chain->hook, "INPUT"))) {
		rule->verdict = FW_ACCEPT;
		rule->effect = FW_EFFECT_SNAT;
	}
}

static int take_source(struct save_parser *p, char *value)
{
	return take_address(p, value, true);
}

static int take_destination(struct save_parser *p, char *value)
{
	return take_address(p, value, false);
}

static int take_in(struct save_parser *p, char *value)
{
	return take_device(p, value, FW_IIF);
}

static int take_out(struct save_parser *p, char *value)
{
	return take_device(p, value, FW_OIF);
}

static int take_sports(struct save_parser *p, char *value)
{
	return take_ports(p, value, FW_SPORT);
}

static int take_dports(struct save_parser *p, char *value)
{
	return take_ports(p, value, FW_DPORT);
}

static int take_source_range(struct save_parser *p, char *value)
{
	return take_address_range(p, value, true);
}

static int take_destination_range(struct save_parser *p, char *value)
{
	return take_address_range(p, value, false);
}

static int take_source_type(struct save_parser *p, char *value)
{
	return take_address_type(p, value, FW_SADDRTYPE);
}

static int take_destination_type(struct save_parser *p, char *value)
{
	return take_address_type(p, value, FW_DADDRTYPE);
}

static int take_nothing(struct save_parser *p, char *value)
{
	return 0;
}

/* Those that ask for nothing by themselves: what their options ask for is told by these. */
static int take_match(struct save_parser *p, char *value)
{
	static const char *const plain[] = { "tcp", "udp", "icmp", "icmp6", "conntrack", "state",
					     "multiport", "comment", "iprange", "addrtype" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(plain[i], value))
			return 0;
	return cannot_tell(p);
}

/* Options with one value. */
static const struct option {
	const char *name;
	int (*take)(struct save_parser *p, char *value);
} options[] = {
	{ "-s", take_source }, { "-d", take_destination }, { "-i", take_in }, { "-o", take_out },
	{ "-p", take_protocol },
	{ "--sport", take_sports }, { "--dport", take_dports },
	{ "--sports", take_sports }, { "--dports", take_dports }, { "--ports", take_either_port },
	{ "--ctstate", take_states }, { "--state", take_states },
	{ "--icmp-type", take_icmp_type }, { "--icmpv6-type", take_icmp_type },
	{ "--src-range", take_source_range }, { "--dst-range", take_destination_range },
	{ "--src-type", take_source_type }, { "--dst-type", take_destination_type },
	{ "-m", take_match }, { "--comment", take_nothing },
};

/* Of an option that is not known, neither its values nor their number is. */
static int take_unknown(struct save_parser *p, size_t *took)
{
	*took = 1;
	while (p->at + *took < p->n && p->word[p->at + *took][0] != '-' &&
	       strcmp(p->word[p->at + *took], "!"))
		++*took;
	return cannot_tell(p);
}

int save_take_option(struct save_parser *p, const struct fw_chain *chain, size_t *took)
{
	const char *name = p->word[p->at];
	char *value = p->at + 1 < p->n ? p->word[p->at + 1] : NULL;

	*took = 2;
	if (!strcmp(name, "--syn")) {
		char mask[] = "FIN,SYN,RST,ACK", set[] = "SYN";

		*took = 1;
		return take_tcp_flags(p, mask, set);
	}
	if (!value)
		return cannot_tell(p);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strcmp(options[i].name, name))
			return options[i].take(p, value);
	if (!strcmp(name, "--tcp-flags") && p->at + 2 < p->n) {
		*took = 3;
		return take_tcp_flags(p, value, p->word[p->at + 2]);
	}
	if (!strcmp(name, "-j") || !strcmp(name, "-g")) {
		take_target(p, chain, value, name[1] == 'g');
		*took = p->n; /* what follows belongs to the target */
		return 0;
	}
	return take_unknown(p, took);
}
