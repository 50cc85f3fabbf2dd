// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Packets built anew from observations. */
#include "packet_build.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#define MAX_IP_LENGTH 65535
#define HOPS 64
#define WINDOW 65535
#define QUOTED 8 /* bytes of its cause's transport header that an ICMP error has (RFC 792) */

/* What packets of either direction are made from. */
struct parts {
	bool v6;
	uint8_t protocol;
	uint8_t from[16], to[16];
	uint16_t from_port, to_port; /* network byte order */
};

static struct parts parts_of(const struct hct_tuple *tuple, bool reply)
{
	const struct in6_addr *lb = (const struct in6_addr *)tuple->lb;
	const struct in6_addr *target = (const struct in6_addr *)tuple->target;
	struct parts parts = { .protocol = tuple->protocol };

	parts.v6 = !IN6_IS_ADDR_V4MAPPED(lb) || !IN6_IS_ADDR_V4MAPPED(target);
	memcpy(parts.from, reply ? target : lb, 16);
	memcpy(parts.to, reply ? lb : target, 16);
	parts.from_port = reply ? tuple->target_port : tuple->lb_port;
	parts.to_port = reply ? tuple->lb_port : tuple->target_port;
	return parts;
}

/* ---- checksums (RFC 1071) ---- */

static uint64_t sum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint64_t total = 0;

	for (size_t i = 0; i < len; i++)
		total += i & 1 ? bytes[i] : (uint64_t)bytes[i] << 8;
	return total;
}

static uint16_t fold(uint64_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

static uint64_t sum_pseudo_header(const struct parts *parts, uint8_t protocol, uint32_t len)
{
	size_t skipped = parts->v6 ? 0 : 12; /* ::ffff: of an IPv4 address */

	return sum(parts->from + skipped, 16 - skipped) + sum(parts->to + skipped, 16 - skipped) +
	       (len >> 16) + (len & 0xffff) + protocol;
}

/*
 * The checksum of a transport packet, of whose LEN bytes CAPTURED are at DATA
 * (its own field being 0), in network byte order.
 */
static uint16_t transport_checksum(const struct parts *parts, uint8_t protocol, const void *data,
				   size_t captured, uint32_t len)
{
	uint64_t total = sum_pseudo_header(parts, protocol, len);
	uint16_t check;

	if (captured < len)
		return htons(fold(total));
	check = (uint16_t)~fold(total + sum(data, captured));
	if (protocol == IPPROTO_UDP && check == 0)
		check = 0xffff;
	return htons(check);
}

/* ---- headers ---- */

/* Appends an IP header for LEN bytes behind it. */
static void add_ip(struct packet *out, const struct parts *parts, uint8_t protocol, uint32_t len)
{
	if (parts->v6) {
		struct ip6_hdr ip = { 0 };

		ip.ip6_flow = htonl(UINT32_C(6) << 28);
		ip.ip6_plen = htons((uint16_t)len);
		ip.ip6_nxt = protocol;
		ip.ip6_hlim = HOPS;
		memcpy(&ip.ip6_src, parts->from, 16);
		memcpy(&ip.ip6_dst, parts->to, 16);
		memcpy(out->data + out->len, &ip, sizeof(ip));
		out->len += sizeof(ip);
	} else {
		struct iphdr ip = { .version = 4, .ihl = sizeof(ip) / 4 };

		ip.tot_len = htons((uint16_t)(sizeof(ip) + len));
		ip.frag_off = htons(IP_DF);
		ip.ttl = HOPS;
		ip.protocol = protocol;
		memcpy(&ip.saddr, parts->from + 12, 4);
		memcpy(&ip.daddr, parts->to + 12, 4);
		ip.check = htons((uint16_t)~fold(sum(&ip, sizeof(ip))));
		memcpy(out->data + out->len, &ip, sizeof(ip));
		out->len += sizeof(ip);
	}
}

static struct tcphdr tcp_header(const struct parts *parts, const struct hct_packet *packet)
{
	struct tcphdr tcp = { 0 };

	tcp.source = parts->from_port;
	tcp.dest = parts->to_port;
	tcp.seq = htonl(packet->seq);
	tcp.ack_seq = htonl(packet->ack);
	tcp.doff = sizeof(tcp) / 4;
	tcp.th_flags = packet->tcp_flags;
	tcp.window = htons(WINDOW);
	return tcp;
}

static struct udphdr udp_header(const struct parts *parts, uint32_t payload_len)
{
	struct udphdr udp = { .source = parts->from_port, .dest = parts->to_port };

	udp.len = htons((uint16_t)(sizeof(udp) + payload_len));
	return udp;
}

/* An echo's identifier and sequence number are the ports of its tuple, whichever way it goes. */
static struct icmphdr echo_header(const struct hct_tuple *tuple, bool reply)
{
	bool v6 = tuple->protocol == IPPROTO_ICMPV6;
	struct icmphdr icmp = { 0 };

	if (reply)
		icmp.type = v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	else
		icmp.type = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	icmp.un.echo.id = tuple->lb_port;
	icmp.un.echo.sequence = tuple->target_port;
	return icmp;
}

static void set_icmp_checksum(const struct parts *parts, uint8_t protocol, void *data, size_t len)
{
	struct icmphdr icmp;

	memcpy(&icmp, data, sizeof(icmp));
	if (protocol == IPPROTO_ICMPV6)
		icmp.checksum = transport_checksum(parts, protocol, data, len, (uint32_t)len);
	else
		icmp.checksum = htons((uint16_t)~fold(sum(data, len)));
	memcpy(data, &icmp, sizeof(icmp));
}

/* ---- packets ---- */

/* How much payload can be told of: what the length fields can hold. */
static uint32_t payload_length(const struct obs *o, const struct parts *parts, size_t header)
{
	uint32_t most = MAX_IP_LENGTH - (uint32_t)header;

	if (!parts->v6)
		most -= sizeof(struct iphdr);
	return o->packet.payload_len < most ? o->packet.payload_len : most;
}

/* Appends a HEADER of SIZE bytes, whose checksum is at CHECK, and what is there of the payload. */
static void add_transport(struct packet *out, const struct obs *o, const struct parts *parts,
			  const void *header, size_t size, size_t check)
{
	uint32_t payload_len = payload_length(o, parts, size);
	size_t captured = o->payload ? o->payload_len : 0;
	uint16_t checksum;
	uint8_t *start;

	if (captured > payload_len)
		captured = payload_len;
	if (captured > HCT_PAYLOAD_MAX)
		captured = HCT_PAYLOAD_MAX;
	add_ip(out, parts, parts->protocol, (uint32_t)size + payload_len);
	start = out->data + out->len;
	memcpy(start, header, size);
	if (captured)
		memcpy(start + size, o->payload, captured);
	checksum = transport_checksum(parts, parts->protocol, start, size + captured,
				      (uint32_t)size + payload_len);
	memcpy(start + check, &checksum, sizeof(checksum));
	out->len += size + captured;
	out->original_len = (uint32_t)(out->len + payload_len - captured);
}

/* The request that an ICMP error answers: its IP header, and the first bytes behind that. */
static void add_quoted(struct packet *out, const struct hct_tuple *tuple,
		       const struct hct_packet *cause)
{
	static const struct hct_packet unknown;
	const struct obs o = { .packet = cause ? *cause : unknown };
	struct parts parts = parts_of(tuple, false);
	struct icmphdr icmp;
	struct tcphdr tcp;
	struct udphdr udp;
	const void *head = &icmp;
	size_t size = sizeof(icmp);
	uint32_t payload_len = 0;

	if (parts.protocol == IPPROTO_TCP) {
		tcp = tcp_header(&parts, &o.packet);
		head = &tcp;
		size = sizeof(tcp);
		payload_len = payload_length(&o, &parts, size);
	} else if (parts.protocol == IPPROTO_UDP) {
		payload_len = payload_length(&o, &parts, sizeof(udp));
		udp = udp_header(&parts, payload_len);
		udp.check = transport_checksum(&parts, IPPROTO_UDP, &udp, sizeof(udp),
					       (uint32_t)sizeof(udp) + payload_len);
		head = &udp;
		size = sizeof(udp);
	} else {
		icmp = echo_header(tuple, false);
		set_icmp_checksum(&parts, parts.protocol, &icmp, sizeof(icmp));
	}
	add_ip(out, &parts, parts.protocol, (uint32_t)size + payload_len);
	memcpy(out->data + out->len, head, QUOTED);
	out->len += QUOTED;
}

static void add_icmp_error(struct packet *out, const struct obs *o, const struct hct_tuple *tuple,
			   const struct hct_packet *cause)
{
	struct parts parts = parts_of(tuple, true);
	uint8_t protocol = parts.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	size_t ip = parts.v6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	struct icmphdr icmp = { .type = o->packet.icmp_type, .code = o->packet.icmp_code };
	size_t start;

	add_ip(out, &parts, protocol, (uint32_t)(sizeof(icmp) + ip + QUOTED));
	start = out->len;
	memcpy(out->data + start, &icmp, sizeof(icmp));
	out->len += sizeof(icmp);
	add_quoted(out, tuple, cause);
	set_icmp_checksum(&parts, protocol, out->data + start, out->len - start);
	out->original_len = (uint32_t)out->len;
}

static void add_echo(struct packet *out, const struct obs *o, const struct hct_tuple *tuple)
{
	struct parts parts = parts_of(tuple, o->reply);
	struct icmphdr icmp = echo_header(tuple, o->reply);

	add_ip(out, &parts, parts.protocol, sizeof(icmp));
	set_icmp_checksum(&parts, parts.protocol, &icmp, sizeof(icmp));
	memcpy(out->data + out->len, &icmp, sizeof(icmp));
	out->len += sizeof(icmp);
	out->original_len = (uint32_t)out->len;
}

void packet_build(struct packet *out, const struct obs *o, const struct hct_tuple *tuple,
		  const struct hct_packet *cause)
{
	struct parts parts = parts_of(tuple, o->reply);
	struct tcphdr tcp;
	struct udphdr udp;

	out->len = 0;
	out->original_len = 0;
	if (o->packet.is_icmp_error) {
		add_icmp_error(out, o, tuple, cause);
	} else if (parts.protocol == IPPROTO_TCP) {
		tcp = tcp_header(&parts, &o->packet);
		add_transport(out, o, &parts, &tcp, sizeof(tcp), offsetof(struct tcphdr, check));
	} else if (parts.protocol == IPPROTO_UDP) {
		udp = udp_header(&parts, payload_length(o, &parts, sizeof(udp)));
		add_transport(out, o, &parts, &udp, sizeof(udp), offsetof(struct udphdr, check));
	} else {
		add_echo(out, o, tuple);
	}
}
