// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Matches and targets of x_tables as iptables-save (1.8.9) prints them.  The
 * kernel's struct of each is copied out of the table only when it is of the size
 * and the revision that are known; else "…" stands for its options.
 */
#include <netinet/in.h>
#include <string.h>

#include "xt_rules.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_TPROXY.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct named {
	uint32_t bit;
	const char *name;
};

/* Copies the SIZE bytes of a struct; false: it is not all there. */
static bool take(const struct xt_part *part, void *to, size_t size)
{
	if (part->len < size)
		return false;
	memcpy(to, part->data, size);
	return true;
}

/* The names of the bits in SET, in the order of NAMES: "NEW,ESTABLISHED". */
static void put_names(FILE *out, uint32_t set, const struct named *names, size_t n)
{
	const char *before = " ";

	for (size_t i = 0; i < n; i++)
		if (set & names[i].bit) {
			fprintf(out, "%s%s", before, names[i].name);
			before = ",";
		}
}

static void put_ports(FILE *out, bool negate, const char *option, const uint16_t ports[2])
{
	if (!negate && ports[0] == 0 && ports[1] == UINT16_MAX)
		return;
	xt_put_option(out, negate, option);
	fprintf(out, ports[0] == ports[1] ? " %u" : " %u:%u", ports[0], ports[1]);
}

/* ---- matches: each false when it is not understood ---- */

static bool put_tcp(FILE *out, const struct xt_part *m, bool ipv6)
{
	static const struct named flags[] = { { 1, "FIN" }, { 2, "SYN" },  { 4, "RST" },
					      { 8, "PSH" }, { 16, "ACK" }, { 32, "URG" } };
	struct xt_tcp tcp;

	if (m->revision || !take(m, &tcp, sizeof(tcp)))
		return false;
	put_ports(out, tcp.invflags & XT_TCP_INV_SRCPT, "--sport", tcp.spts);
	put_ports(out, tcp.invflags & XT_TCP_INV_DSTPT, "--dport", tcp.dpts);
	if (tcp.option) {
		xt_put_option(out, tcp.invflags & XT_TCP_INV_OPTION, "--tcp-option");
		fprintf(out, " %u", tcp.option);
	}
	if (tcp.flg_mask || tcp.invflags & XT_TCP_INV_FLAGS) {
		xt_put_option(out, tcp.invflags & XT_TCP_INV_FLAGS, "--tcp-flags");
		put_names(out, tcp.flg_mask, flags, LENGTH(flags));
		if (!(tcp.flg_mask & 0x3f))
			fputs(" NONE", out);
		put_names(out, tcp.flg_cmp, flags, LENGTH(flags));
		if (!(tcp.flg_cmp & 0x3f))
			fputs(" NONE", out);
	}
	return true;
}

static bool put_udp(FILE *out, const struct xt_part *m, bool ipv6)
{
	struct xt_udp udp;

	if (m->revision || !take(m, &udp, sizeof(udp)))
		return false;
	put_ports(out, udp.invflags & XT_UDP_INV_SRCPT, "--sport", udp.spts);
	put_ports(out, udp.invflags & XT_UDP_INV_DSTPT, "--dport", udp.dpts);
	return true;
}

/* struct ip6t_icmp is the same. */
static bool put_icmp(FILE *out, const struct xt_part *m, bool ipv6)
{
	struct ipt_icmp icmp;

	if (m->revision || !take(m, &icmp, sizeof(icmp)))
		return false;
	xt_put_option(out, icmp.invflags & IPT_ICMP_INV, ipv6 ? "--icmpv6-type" : "--icmp-type");
	if (icmp.type == 0xff && !ipv6) {
		fputs(" any", out);
		return true;
	}
	fprintf(out, " %u", icmp.type);
	if (icmp.code[0] != 0 || icmp.code[1] != 0xff)
		fprintf(out, "/%u", icmp.code[0]);
	return true;
}

static const struct named states[] = {
	{ XT_CONNTRACK_STATE_INVALID, "INVALID" },
	{ XT_CONNTRACK_STATE_BIT(IP_CT_NEW), "NEW" },
	{ XT_CONNTRACK_STATE_BIT(IP_CT_RELATED), "RELATED" },
	{ XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED), "ESTABLISHED" },
	{ XT_CONNTRACK_STATE_UNTRACKED, "UNTRACKED" },
	{ XT_CONNTRACK_STATE_SNAT, "SNAT" },
	{ XT_CONNTRACK_STATE_DNAT, "DNAT" },
};

static bool put_conntrack(FILE *out, const struct xt_part *m, bool ipv6)
{
	struct xt_conntrack_mtinfo1 v1;
	struct xt_conntrack_mtinfo2 v2;
	uint32_t flags, inverted, mask;

	/* Revision 3 only adds to what 2 has. */
	if ((m->revision == 2 || m->revision == 3) && take(m, &v2, sizeof(v2))) {
		flags = v2.match_flags;
		inverted = v2.invert_flags;
		mask = v2.state_mask;
	} else if (m->revision == 1 && take(m, &v1, sizeof(v1))) {
		flags = v1.match_flags;
		inverted = v1.invert_flags;
		mask = v1.state_mask;
	} else {
		return false;
	}
	if (flags & XT_CONNTRACK_STATE) {
		xt_put_option(out, inverted & XT_CONNTRACK_STATE,
			      flags & XT_CONNTRACK_STATE_ALIAS ? "--state" : "--ctstate");
		put_names(out, mask, states, LENGTH(states));
	}
	return !(flags & ~(uint32_t)(XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS));
}

static const char *conntrack_name(const struct xt_part *m)
{
	struct xt_conntrack_mtinfo2 v2;

	return m->revision >= 2 && take(m, &v2, sizeof(v2)) &&
	       v2.match_flags & XT_CONNTRACK_STATE_ALIAS ? "state" : "conntrack";
}

static bool put_state(FILE *out, const struct xt_part *m, bool ipv6)
{
	static const struct named old[] = {
		{ XT_STATE_INVALID, "INVALID" },
		{ XT_STATE_BIT(IP_CT_NEW), "NEW" },
		{ XT_STATE_BIT(IP_CT_RELATED), "RELATED" },
		{ XT_STATE_BIT(IP_CT_ESTABLISHED), "ESTABLISHED" },
		{ XT_STATE_UNTRACKED, "UNTRACKED" },
	};
	struct xt_state_info state;

	if (m->revision || !take(m, &state, sizeof(state)))
		return false;
	xt_put_option(out, false, "--state");
	put_names(out, state.statemask, old, LENGTH(old));
	return true;
}

static bool put_multiport(FILE *out, const struct xt_part *m, bool ipv6)
{
	static const char *const options[] = { "--sports", "--dports", "--ports" };
	struct xt_multiport_v1 ports;

	if (m->revision != 1 || !take(m, &ports, sizeof(ports)) ||
	    ports.count > XT_MULTI_PORTS || ports.flags >= LENGTH(options))
		return false;
	xt_put_option(out, ports.invert, options[ports.flags]);
	for (size_t i = 0; i < ports.count; i++) {
		fprintf(out, "%s%u", i ? "," : " ", ports.ports[i]);
		if (ports.pflags[i] && i + 1 < ports.count)
			fprintf(out, ":%u", ports.ports[++i]);
	}
	return true;
}

static bool put_comment(FILE *out, const struct xt_part *m, bool ipv6)
{
	if (m->revision || m->len < XT_MAX_COMMENT_LEN)
		return false;
	xt_put_option(out, false, "--comment");
	xt_put_word(out, m->data, XT_MAX_COMMENT_LEN);
	return true;
}

/* As print_rate() in iptables' libxt_limit.c does. */
static bool put_limit(FILE *out, const struct xt_part *m, bool ipv6)
{
	static const struct {
		const char *name;
		uint32_t mult;
	} rates[] = { { "day", XT_LIMIT_SCALE * 24 * 60 * 60 }, { "hour", XT_LIMIT_SCALE * 60 * 60 },
		      { "min", XT_LIMIT_SCALE * 60 }, { "sec", XT_LIMIT_SCALE } };
	struct xt_rateinfo limit;
	size_t i = 1;

	if (m->revision || !take(m, &limit, sizeof(limit)) || !limit.avg)
		return false;
	while (i < LENGTH(rates) && limit.avg <= rates[i].mult &&
	       rates[i].mult / limit.avg >= rates[i].mult % limit.avg)
		i++;
	fprintf(out, " --limit %u/%s", rates[i - 1].mult / limit.avg, rates[i - 1].name);
	if (limit.burst != 5)
		fprintf(out, " --limit-burst %u", limit.burst);
	return true;
}

static bool put_addrtype(FILE *out, const struct xt_part *m, bool ipv6)
{
	static const struct named types[] = {
		{ XT_ADDRTYPE_UNSPEC, "UNSPEC" },	    { XT_ADDRTYPE_UNICAST, "UNICAST" },
		{ XT_ADDRTYPE_LOCAL, "LOCAL" },		    { XT_ADDRTYPE_BROADCAST, "BROADCAST" },
		{ XT_ADDRTYPE_ANYCAST, "ANYCAST" },	    { XT_ADDRTYPE_MULTICAST, "MULTICAST" },
		{ XT_ADDRTYPE_BLACKHOLE, "BLACKHOLE" },	    { XT_ADDRTYPE_UNREACHABLE, "UNREACHABLE" },
		{ XT_ADDRTYPE_PROHIBIT, "PROHIBIT" },
	};
	struct xt_addrtype_info_v1 info;

	if (m->revision != 1 || !take(m, &info, sizeof(info)))
		return false;
	if (info.source) {
		xt_put_option(out, info.flags & XT_ADDRTYPE_INVERT_SOURCE, "--src-type");
		put_names(out, info.source, types, LENGTH(types));
	}
	if (info.dest) {
		xt_put_option(out, info.flags & XT_ADDRTYPE_INVERT_DEST, "--dst-type");
		put_names(out, info.dest, types, LENGTH(types));
	}
	if (info.flags & XT_ADDRTYPE_LIMIT_IFACE_IN)
		xt_put_option(out, false, "--limit-iface-in");
	if (info.flags & XT_ADDRTYPE_LIMIT_IFACE_OUT)
		xt_put_option(out, false, "--limit-iface-out");
	return true;
}

static bool put_iprange(FILE *out, const struct xt_part *m, bool ipv6)
{
	struct xt_iprange_mtinfo range;

	if (m->revision != 1 || !take(m, &range, sizeof(range)))
		return false;
	if (range.flags & IPRANGE_SRC) {
		xt_put_option(out, range.flags & IPRANGE_SRC_INV, "--src-range ");
		xt_put_address(out, &range.src_min, ipv6);
		fputc('-', out);
		xt_put_address(out, &range.src_max, ipv6);
	}
	if (range.flags & IPRANGE_DST) {
		xt_put_option(out, range.flags & IPRANGE_DST_INV, "--dst-range ");
		xt_put_address(out, &range.dst_min, ipv6);
		fputc('-', out);
		xt_put_address(out, &range.dst_max, ipv6);
	}
	return true;
}

static bool put_mark(FILE *out, const struct xt_part *m, bool ipv6)
{
	struct xt_mark_mtinfo1 mark;

	if (m->revision != 1 || !take(m, &mark, sizeof(mark)))
		return false;
	xt_put_option(out, mark.invert, "--mark");
	fprintf(out, mark.mask == UINT32_MAX ? " 0x%x" : " 0x%x/0x%x", mark.mark, mark.mask);
	return true;
}

void xt_put_match(FILE *out, const struct xt_part *match, bool ipv6)
{
	static const struct {
		const char *name;
		bool (*put)(FILE *out, const struct xt_part *m, bool ipv6);
	} known[] = {
		{ "tcp", put_tcp }, { "udp", put_udp }, { "icmp", put_icmp },
		{ "icmp6", put_icmp }, { "conntrack", put_conntrack }, { "state", put_state },
		{ "multiport", put_multiport }, { "comment", put_comment },
		{ "limit", put_limit }, { "addrtype", put_addrtype },
		{ "iprange", put_iprange }, { "mark", put_mark },
	};

	fputs(" -m", out);
	if (!strcmp(match->name, "conntrack"))
		fprintf(out, " %s", conntrack_name(match));
	else
		xt_put_word(out, match->name, sizeof(match->name));
	for (size_t i = 0; i < LENGTH(known); i++)
		if (!strcmp(known[i].name, match->name) && known[i].put(out, match, ipv6))
			return;
	fputs(" …", out);
}

/* ---- targets ---- */

static const char *reject_name(uint32_t with, bool ipv6)
{
	static const char *const v4[] = {
		[IPT_ICMP_NET_UNREACHABLE] = "icmp-net-unreachable",
		[IPT_ICMP_HOST_UNREACHABLE] = "icmp-host-unreachable",
		[IPT_ICMP_PROT_UNREACHABLE] = "icmp-proto-unreachable",
		[IPT_ICMP_PORT_UNREACHABLE] = "icmp-port-unreachable",
		[IPT_ICMP_NET_PROHIBITED] = "icmp-net-prohibited",
		[IPT_ICMP_HOST_PROHIBITED] = "icmp-host-prohibited",
		[IPT_TCP_RESET] = "tcp-reset",
		[IPT_ICMP_ADMIN_PROHIBITED] = "icmp-admin-prohibited",
	};
	static const char *const v6[] = {
		[IP6T_ICMP6_NO_ROUTE] = "icmp6-no-route",
		[IP6T_ICMP6_ADM_PROHIBITED] = "icmp6-adm-prohibited",
		[IP6T_ICMP6_ADDR_UNREACH] = "icmp6-addr-unreachable",
		[IP6T_ICMP6_PORT_UNREACH] = "icmp6-port-unreachable",
		[IP6T_TCP_RESET] = "tcp-reset",
		[IP6T_ICMP6_POLICY_FAIL] = "icmp6-policy-fail",
		[IP6T_ICMP6_REJECT_ROUTE] = "icmp6-reject-route",
	};

	if (ipv6)
		return with < LENGTH(v6) ? v6[with] : NULL;
	return with < LENGTH(v4) ? v4[with] : NULL;
}

/* What a NAT target translates to. */
struct translation {
	uint32_t flags; /* NF_NAT_RANGE_* */
	uint8_t min[16], max[16];
	uint16_t min_port, max_port; /* big-endian */
};

/* The first revision for IPv4 has a struct of its own. */
static bool take_translation(const struct xt_part *target, bool ipv6, struct translation *t)
{
	struct nf_nat_ipv4_multi_range_compat old;
	struct nf_nat_range range;

	memset(t, 0, sizeof(*t));
	if (!ipv6 && !target->revision) {
		if (!take(target, &old, sizeof(old)) || old.rangesize != 1)
			return false;
		t->flags = old.range[0].flags;
		memcpy(t->min, &old.range[0].min_ip, 4);
		memcpy(t->max, &old.range[0].max_ip, 4);
		t->min_port = old.range[0].min.all;
		t->max_port = old.range[0].max.all;
		return true;
	}
	if (!take(target, &range, sizeof(range)))
		return false;
	t->flags = range.flags;
	memcpy(t->min, &range.min_addr, 16);
	memcpy(t->max, &range.max_addr, 16);
	t->min_port = range.min_proto.all;
	t->max_port = range.max_proto.all;
	return true;
}

static bool put_translation(FILE *out, const struct xt_part *target, bool ipv6)
{
	const uint32_t known = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED;
	bool brackets, ports;
	struct translation t;

	if (!take_translation(target, ipv6, &t) || t.flags & ~known)
		return false;
	ports = t.flags & NF_NAT_RANGE_PROTO_SPECIFIED;
	brackets = ports && ipv6;
	if (!t.flags)
		return true;
	if (!(t.flags & NF_NAT_RANGE_MAP_IPS)) {
		fputs(" --to-ports ", out);
	} else {
		fputs(!strcmp(target->name, "SNAT") ? " --to-source " : " --to-destination ", out);
		fputs(brackets ? "[" : "", out);
		xt_put_address(out, t.min, ipv6);
		if (memcmp(t.min, t.max, ipv6 ? 16 : 4)) {
			fputc('-', out);
			xt_put_address(out, t.max, ipv6);
		}
		fputs(brackets ? "]:" : ports ? ":" : "", out);
	}
	if (ports)
		fprintf(out, t.min_port == t.max_port ? "%u" : "%u-%u", ntohs(t.min_port),
			ntohs(t.max_port));
	return true;
}

static bool put_tproxy(FILE *out, const struct xt_part *target, bool ipv6)
{
	struct xt_tproxy_target_info_v1 tproxy;
	struct xt_tproxy_target_info old;

	memset(&tproxy, 0, sizeof(tproxy));
	if (!target->revision && !ipv6 && take(target, &old, sizeof(old))) {
		tproxy.mark_mask = old.mark_mask;
		tproxy.mark_value = old.mark_value;
		tproxy.laddr.ip = old.laddr;
		tproxy.lport = old.lport;
	} else if (target->revision != 1 || !take(target, &tproxy, sizeof(tproxy))) {
		return false;
	}
	fprintf(out, " --on-port %u --on-ip ", ntohs(tproxy.lport));
	xt_put_address(out, &tproxy.laddr, ipv6);
	fprintf(out, " --tproxy-mark 0x%x/0x%x", tproxy.mark_value, tproxy.mark_mask);
	return true;
}

static bool is_nat(const char *name)
{
	return !strcmp(name, "DNAT") || !strcmp(name, "SNAT") || !strcmp(name, "REDIRECT") ||
	       !strcmp(name, "MASQUERADE");
}

void xt_put_target(FILE *out, const struct xt_part *target, bool ipv6)
{
	uint32_t with;
	const char *name;

	fputs(" -j", out);
	xt_put_word(out, target->name, sizeof(target->name));
	if (!strcmp(target->name, "REJECT") && !target->revision &&
	    take(target, &with, sizeof(with))) {
		name = reject_name(with, ipv6);
		fprintf(out, " --reject-with %s", name ? name : "…");
	} else if (is_nat(target->name)) {
		if (!put_translation(out, target, ipv6))
			fputs(" …", out);
	} else if (!strcmp(target->name, "TPROXY")) {
		if (!put_tproxy(out, target, ipv6))
			fputs(" …", out);
	} else if (target->len && strcmp(target->name, "NOTRACK")) {
		fputs(" …", out);
	}
}
