// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel reports of packets that nftables traces. */
#include "nft_report.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "firewall/chains.h"
#include "stream/names.h"

#define ICMP_HEADER_LEN 8

/*
 * A message's attributes, NULL where it has none or one too short.  libnftnl's
 * own reader ends the program when a message is not as it expects.
 */
struct report {
	const struct nlattr *a[NFTA_TRACE_MAX + 1];
};

static int take_attribute(const struct nlattr *attr, void *data)
{
	/* the least that each of those has that are read below */
	static const uint16_t least[NFTA_TRACE_MAX + 1] = {
		[NFTA_TRACE_ID] = 4,  [NFTA_TRACE_TYPE] = 4, [NFTA_TRACE_RULE_HANDLE] = 8,
		[NFTA_TRACE_IIF] = 4, [NFTA_TRACE_OIF] = 4,  [NFTA_TRACE_POLICY] = 4,
	};
	struct report *r = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= NFTA_TRACE_MAX && mnl_attr_get_payload_len(attr) >= least[type])
		r->a[type] = attr;
	return MNL_CB_OK;
}

static uint32_t number(const struct report *r, uint16_t type)
{
	return r->a[type] ? ntohl(mnl_attr_get_u32(r->a[type])) : 0;
}

static const char *text(const struct report *r, uint16_t type)
{
	return r->a[type] && mnl_attr_validate(r->a[type], MNL_TYPE_NUL_STRING) >= 0 ?
	       mnl_attr_get_str(r->a[type]) : NULL;
}

struct bytes {
	const uint8_t *data;
	uint32_t len;
};

bool prefix_has(const struct prefix *prefix, const uint8_t addr[16])
{
	unsigned whole = prefix->len / 8, rest = prefix->len % 8;

	if (memcmp(prefix->addr, addr, whole) != 0)
		return false;
	return !rest || ((prefix->addr[whole] ^ addr[whole]) >> (8 - rest)) == 0;
}

static bool in_range(const struct prefix *from, size_t n, const uint8_t addr[16])
{
	for (size_t i = 0; i < n; i++)
		if (prefix_has(&from[i], addr))
			return true;
	return false;
}

static void map_v4(uint8_t out[16], const void *addr)
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	memcpy(out + 12, addr, 4);
}

/* Source and destination, as the packet has them, and what lies behind the IP header. */
struct ip_header {
	uint8_t src[16], dst[16];
	uint8_t protocol;
	uint32_t payload_len;
};

static bool read_ip(struct bytes network, struct ip_header *out)
{
	struct iphdr v4;
	struct ip6_hdr v6;

	if (network.len >= sizeof(v4) && network.data[0] >> 4 == 4) {
		memcpy(&v4, network.data, sizeof(v4));
		if (ntohs(v4.frag_off) & IP_OFFMASK || ntohs(v4.tot_len) < v4.ihl * 4)
			return false;
		map_v4(out->src, &v4.saddr);
		map_v4(out->dst, &v4.daddr);
		out->protocol = v4.protocol;
		out->payload_len = ntohs(v4.tot_len) - v4.ihl * 4u;
		return true;
	}
	if (network.len < sizeof(v6) || network.data[0] >> 4 != 6)
		return false;
	memcpy(&v6, network.data, sizeof(v6));
	memcpy(out->src, &v6.ip6_src, 16);
	memcpy(out->dst, &v6.ip6_dst, 16);
	out->protocol = v6.ip6_nxt; /* a packet with extension headers is not recognised */
	out->payload_len = ntohs(v6.ip6_plen);
	return true;
}

static uint32_t without(uint32_t len, uint32_t header)
{
	return len > header ? len - header : 0;
}

static void set_ports(struct hct_tuple *t, bool reply, uint16_t src_be, uint16_t dst_be)
{
	t->lb_port = reply ? dst_be : src_be;
	t->target_port = reply ? src_be : dst_be;
}

static bool read_tcp(struct bytes transport, uint32_t len, struct nft_packet *p)
{
	struct tcphdr tcp;

	if (transport.len < sizeof(tcp))
		return false;
	memcpy(&tcp, transport.data, sizeof(tcp));
	set_ports(&p->tuple, p->reply, tcp.source, tcp.dest);
	p->packet.seq = ntohl(tcp.seq);
	p->packet.ack = ntohl(tcp.ack_seq);
	p->packet.tcp_flags = tcp.th_flags & (HCT_TCP_FIN | HCT_TCP_SYN | HCT_TCP_RST |
					      HCT_TCP_PSH | HCT_TCP_ACK);
	p->packet.payload_len = without(len, tcp.doff * 4u);
	return true;
}

static bool read_udp(struct bytes transport, uint32_t len, struct nft_packet *p)
{
	struct udphdr udp;

	if (transport.len < sizeof(udp))
		return false;
	memcpy(&udp, transport.data, sizeof(udp));
	set_ports(&p->tuple, p->reply, udp.source, udp.dest);
	p->packet.payload_len = without(len, sizeof(udp));
	return true;
}

/* Identifier and sequence number are the same in both directions. */
static bool read_echo(struct bytes transport, struct nft_packet *p)
{
	bool v6 = p->tuple.protocol == IPPROTO_ICMPV6;
	uint8_t expected = v6 ? (p->reply ? 129 : 128) : (p->reply ? 0 : 8);

	if (transport.len < ICMP_HEADER_LEN || transport.data[0] != expected)
		return false;
	memcpy(&p->tuple.lb_port, transport.data + 4, 2);
	memcpy(&p->tuple.target_port, transport.data + 6, 2);
	return true;
}

static struct bytes header(const struct report *r, uint16_t type)
{
	struct bytes b = { NULL, 0 };

	if (r->a[type]) {
		b.data = mnl_attr_get_payload(r->a[type]);
		b.len = mnl_attr_get_payload_len(r->a[type]);
	}
	return b;
}

static bool read_packet(const struct report *r, const struct prefix *from, size_t n,
			struct nft_packet *p)
{
	struct bytes transport = header(r, NFTA_TRACE_TRANSPORT_HEADER);
	struct ip_header ip;

	if (!read_ip(header(r, NFTA_TRACE_NETWORK_HEADER), &ip))
		return false;
	p->reply = !in_range(from, n, ip.src);
	if (p->reply && !in_range(from, n, ip.dst))
		return false;
	memcpy(p->tuple.lb, p->reply ? ip.dst : ip.src, 16);
	memcpy(p->tuple.target, p->reply ? ip.src : ip.dst, 16);
	p->tuple.protocol = ip.protocol;
	p->iif = number(r, NFTA_TRACE_IIF);
	p->oif = number(r, NFTA_TRACE_OIF);
	switch (ip.protocol) {
	case IPPROTO_TCP:
		return read_tcp(transport, ip.payload_len, p);
	case IPPROTO_UDP:
		return read_udp(transport, ip.payload_len, p);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return read_echo(transport, p);
	default:
		return false;
	}
}

/* The packet that R is about: by its headers, or by its number when they came before. */
static const struct nft_packet *packet_of(struct nft_reports *reports, const struct report *r,
					  const struct prefix *from, size_t n)
{
	uint32_t id = number(r, NFTA_TRACE_ID);
	struct nft_packet *p = NULL;

	for (size_t i = 0; i < NFT_REPORT_PACKETS && !p; i++)
		if (reports->packets[i].id == id)
			p = &reports->packets[i];
	if (!r->a[NFTA_TRACE_NETWORK_HEADER])
		return p && p->valid ? p : NULL;
	if (!p)
		p = &reports->packets[reports->next++ % NFT_REPORT_PACKETS];
	/* numbers are used again, and addresses change on the way: the last headers count */
	*p = (struct nft_packet){ .id = id };
	p->valid = read_packet(r, from, n, p);
	return p->valid ? p : NULL;
}

/* NFT_TRACETYPE_RULE has the verdict in a nest. */
static const char *rule_verdict(const struct report *r)
{
	const struct nlattr *nest = r->a[NFTA_TRACE_VERDICT], *attr;

	if (!nest || mnl_attr_validate(nest, MNL_TYPE_NESTED) < 0)
		return NULL;
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == NFTA_VERDICT_CODE &&
		    mnl_attr_get_payload_len(attr) >= sizeof(uint32_t))
			return nft_verdict_name(ntohl(mnl_attr_get_u32(attr)));
	return NULL;
}

/* What the rule or policy decided; NULL for what is neither. */
static const char *verdict_of(const struct report *r)
{
	switch (number(r, NFTA_TRACE_TYPE)) {
	case NFT_TRACETYPE_RULE:
		return rule_verdict(r);
	case NFT_TRACETYPE_POLICY:
		return r->a[NFTA_TRACE_POLICY] ? nft_verdict_name(number(r, NFTA_TRACE_POLICY)) : NULL;
	default:
		return NULL;
	}
}

bool nft_report_take(struct nft_reports *reports, const struct nlmsghdr *message,
		     const struct prefix *from, size_t n, struct obs *out, uint32_t *ifindex)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(message);
	const char *table, *chain, *verdict;
	const struct nft_packet *packet;
	struct report r = { 0 };

	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE) ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*nfg))
		return false;
	mnl_attr_parse(message, sizeof(*nfg), take_attribute, &r);
	if (!r.a[NFTA_TRACE_ID])
		return false;
	packet = packet_of(reports, &r, from, n);
	table = text(&r, NFTA_TRACE_TABLE);
	chain = text(&r, NFTA_TRACE_CHAIN);
	verdict = verdict_of(&r);
	if (!packet || !verdict || !table || !chain || nft_table_is_hctraces(table))
		return false;
	memset(out, 0, sizeof(*out));
	out->point = HCT_POINT_NFT_TRACE;
	out->tuple = packet->tuple;
	out->reply = packet->reply;
	out->packet = packet->packet;
	out->rule.family = names_intern(nft_family_name(nfg->nfgen_family));
	out->rule.table = names_intern(table);
	out->rule.chain = names_intern(chain);
	out->rule.verdict = names_intern(verdict);
	if (number(&r, NFTA_TRACE_TYPE) == NFT_TRACETYPE_RULE && r.a[NFTA_TRACE_RULE_HANDLE])
		out->rule.handle = be64toh(mnl_attr_get_u64(r.a[NFTA_TRACE_RULE_HANDLE]));
	*ifindex = packet->reply ? packet->oif : packet->iif;
	return true;
}
