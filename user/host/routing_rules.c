// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The routing rules (`ip rule`), read by rtnetlink: which of them a reply meets, and their text. */
#include "routing_rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "netlink.h"

/* FRA_SPORT_MASK and FRA_DPORT_MASK of 6.15, which comes with every port from there on. */
enum { SPORT_MASK = 28, DPORT_MASK = 29 };

bool routing_covers(uint8_t family, const uint8_t prefix[16], unsigned len, const uint8_t addr[16])
{
	unsigned bits = len + (family == AF_INET ? 96 : 0);

	if (bits > 128 || memcmp(prefix, addr, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || (prefix[bits / 8] ^ addr[bits / 8]) >> (8 - bits % 8) == 0;
}

/* ---- reading ---- */

static void read_name(char out[IFNAMSIZ], const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (len > IFNAMSIZ - 1)
		len = IFNAMSIZ - 1;
	memcpy(out, mnl_attr_get_payload(attr), len);
	out[len] = '\0';
}

static void read_range16(uint16_t out[2], const struct nlattr *attr)
{
	struct fib_rule_port_range range;

	if (mnl_attr_get_payload_len(attr) < sizeof(range))
		return;
	memcpy(&range, mnl_attr_get_payload(attr), sizeof(range));
	out[0] = range.start;
	out[1] = range.end;
}

static void read_uids(struct routing_rule *rule, const struct nlattr *attr)
{
	struct fib_rule_uid_range range;

	if (mnl_attr_get_payload_len(attr) < sizeof(range))
		return;
	memcpy(&range, mnl_attr_get_payload(attr), sizeof(range));
	rule->has_uid = range.start != 0 || range.end != UINT32_MAX;
	rule->uid[0] = range.start;
	rule->uid[1] = range.end;
}

static void read_attribute(struct routing_rule *rule, uint8_t family, const struct nlattr *attr)
{
	const void *payload = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	uint32_t value = 0;

	memcpy(&value, payload, len < sizeof(value) ? len : sizeof(value));
	switch (mnl_attr_get_type(attr)) {
	case FRA_TABLE:
		rule->table = value;
		break;
	case FRA_PRIORITY:
		rule->priority = value;
		break;
	case FRA_GOTO:
		rule->target = value;
		break;
	case FRA_SRC:
		rule->from = addr_widen(family, payload, len, rule->src);
		break;
	case FRA_DST:
		rule->to = addr_widen(family, payload, len, rule->dst);
		break;
	case FRA_FWMARK:
		rule->has_mark = true;
		rule->mark = value;
		break;
	case FRA_FWMASK:
		rule->has_mark |= value != 0;
		rule->mask = value;
		break;
	case FRA_IIFNAME:
		read_name(rule->iif, attr);
		break;
	case FRA_OIFNAME:
		read_name(rule->oif, attr);
		break;
	case FRA_L3MDEV:
		rule->l3mdev = len && *(const uint8_t *)payload;
		break;
	case FRA_UID_RANGE:
		read_uids(rule, attr);
		break;
	case FRA_IP_PROTO:
		rule->ip_proto = len ? *(const uint8_t *)payload : 0;
		break;
	case FRA_SPORT_RANGE:
		read_range16(rule->sport, attr);
		break;
	case FRA_DPORT_RANGE:
		read_range16(rule->dport, attr);
		break;
	case FRA_SUPPRESS_PREFIXLEN:
		rule->suppress_len = value;
		break;
	case FRA_SUPPRESS_IFGROUP:
		rule->suppress_group = value;
		break;
	case FRA_UNSPEC:
	case FRA_PROTOCOL:
	case FRA_PAD:
	case FRA_FLOW: /* what it gives to the route, not what it asks for */
		break;
	case FRA_TUN_ID:
		rule->unknown |= len >= 8 && memcmp(payload, "\0\0\0\0\0\0\0", 8) != 0;
		break;
	case SPORT_MASK:
	case DPORT_MASK:
		rule->unknown |= (value & 0xffff) != 0xffff;
		break;
	default:
		rule->unknown = true;
	}
}

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(nlh);
	struct routing_rules *out = data;
	struct routing_rule *rule;
	const struct nlattr *attr;

	if (header->family != out->family)
		return MNL_CB_OK;
	if (out->n == MAX_ROUTING_RULES) {
		out->truncated = true;
		return MNL_CB_STOP;
	}
	rule = &out->r[out->n++];
	*rule = (struct routing_rule){
		.action = header->action, .table = header->table, .tos = header->tos,
		.src_len = header->src_len, .dst_len = header->dst_len,
		.invert = header->flags & FIB_RULE_INVERT, .suppress_len = UINT32_MAX,
		.suppress_group = UINT32_MAX,
	};
	mnl_attr_for_each(attr, nlh, sizeof(*header))
		read_attribute(rule, out->family, attr);
	return MNL_CB_OK;
}

int routing_rules_read(uint8_t family, struct routing_rules *out)
{
	int err, tries = NETLINK_TRIES;

	do {
		char buf[256] __attribute__((aligned(8)));
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
		struct fib_rule_hdr *header;

		out->family = family;
		out->n = 0;
		out->truncated = false;
		nlh->nlmsg_type = RTM_GETRULE;
		header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
		header->family = family;
		err = netlink_ask(NETLINK_ROUTE, nlh, true, take_rule, out, NULL);
	} while (err == -EINTR && --tries);
	return err;
}

/* ---- what meets it ---- */

/* fib_rule_match(), net/core/fib_rules.c, of which FIT_MAYBE is what cannot be known. */
enum rule_fit routing_rule_fit(const struct routing_rule *rule, uint8_t family,
			       const uint8_t from[16], const uint8_t to[16], bool in_vrf)
{
	bool maybe = rule->unknown || rule->has_uid || rule->ip_proto || rule->sport[0] ||
		     rule->sport[1] || rule->dport[0] || rule->dport[1] || (rule->oif[0] && in_vrf);
	bool fits = (!rule->from || routing_covers(family, rule->src, rule->src_len, from)) &&
		    (!rule->to || routing_covers(family, rule->dst, rule->dst_len, to)) &&
		    (!rule->iif[0] || strcmp(rule->iif, "lo") == 0) &&
		    (!rule->oif[0] || in_vrf) && !rule->tos && (!rule->l3mdev || in_vrf);
	bool unmarked = !rule->has_mark || !(rule->mark & rule->mask);

	/* sockets can be given a mark, and rules of the firewall can set one */
	if (fits && rule->has_mark && unmarked == rule->invert)
		return FIT_MARKED;
	if (fits && maybe)
		return FIT_MAYBE;
	return (fits && unmarked) != rule->invert ? FIT_YES : FIT_NO;
}

/* ---- in words ---- */

__attribute__((format(printf, 3, 4)))
static void add(char *out, size_t size, const char *format, ...)
{
	size_t len = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + len, size - len, format, args);
	va_end(args);
}

static void add_prefix(char *out, size_t size, uint8_t family, const char *word,
		       const uint8_t prefix[16], unsigned len)
{
	bool v4 = family == AF_INET;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, v4 ? prefix + 12 : prefix, text, sizeof(text));
	add(out, size, "%s%s", word, text);
	if (len != (v4 ? 32 : 128))
		add(out, size, "/%u", len);
}

static void add_ports(char *out, size_t size, const char *word, const uint16_t range[2])
{
	if (!range[0] && !range[1])
		return;
	add(out, size, " %s %u", word, range[0]);
	if (range[0] != range[1])
		add(out, size, "-%u", range[1]);
}

static void add_table(char *out, size_t size, uint32_t table)
{
	if (table == RT_TABLE_MAIN || table == RT_TABLE_LOCAL || table == RT_TABLE_DEFAULT)
		add(out, size, " lookup %s", table == RT_TABLE_MAIN ? "main" :
			table == RT_TABLE_LOCAL ? "local" : "default");
	else
		add(out, size, " lookup %u", table);
}

static void add_action(char *out, size_t size, const struct routing_rule *rule)
{
	switch (rule->action) {
	case FR_ACT_TO_TBL:
		if (!rule->l3mdev)
			add_table(out, size, rule->table);
		if (rule->suppress_len != UINT32_MAX)
			add(out, size, " suppress_prefixlength %u", rule->suppress_len);
		if (rule->suppress_group != UINT32_MAX)
			add(out, size, " suppress_ifgroup %u", rule->suppress_group);
		break;
	case FR_ACT_GOTO:
		add(out, size, " goto %u", rule->target);
		break;
	case FR_ACT_NOP:
		add(out, size, " nop");
		break;
	case FR_ACT_BLACKHOLE:
		add(out, size, " blackhole");
		break;
	case FR_ACT_UNREACHABLE:
		add(out, size, " unreachable");
		break;
	case FR_ACT_PROHIBIT:
		add(out, size, " prohibit");
		break;
	}
}

void routing_rule_text(const struct routing_rule *rule, uint8_t family, char *out, size_t size)
{
	out[0] = '\0';
	if (rule->unknown)
		return;
	add(out, size, "%s", rule->invert ? "not " : "");
	if (rule->from)
		add_prefix(out, size, family, "from ", rule->src, rule->src_len);
	else
		add(out, size, "from all");
	if (rule->to)
		add_prefix(out, size, family, " to ", rule->dst, rule->dst_len);
	if (rule->tos)
		add(out, size, " tos 0x%02x", rule->tos);
	if (rule->has_mark && rule->mask != UINT32_MAX)
		add(out, size, " fwmark 0x%x/0x%x", rule->mark, rule->mask);
	else if (rule->has_mark)
		add(out, size, " fwmark 0x%x", rule->mark);
	if (rule->iif[0])
		add(out, size, " iif %s", rule->iif);
	if (rule->oif[0])
		add(out, size, " oif %s", rule->oif);
	if (rule->l3mdev)
		add(out, size, " l3mdev");
	if (rule->has_uid)
		add(out, size, " uidrange %u-%u", rule->uid[0], rule->uid[1]);
	if (rule->ip_proto)
		add(out, size, " ipproto %u", rule->ip_proto);
	add_ports(out, size, "sport", rule->sport);
	add_ports(out, size, "dport", rule->dport);
	add_action(out, size, rule);
	if (strlen(out) == size - 1) /* it may go on */
		out[0] = '\0';
}
