// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What resolves a next hop's address, in the terms of firewall rules.  What is not
 * told of it can be anything: a rule that asks for it is then not surely met.
 */
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>

#include "rule_packet.h"

static void set(struct fw_packets *p, enum fw_field field, const void *value)
{
	size_t len = fw_field_len(field);
	struct fw_range *range = &p->field[field].range[0];

	memset(range, 0, sizeof(*range));
	memcpy(range->lo, value, len);
	memcpy(range->hi, value, len);
	p->field[field].n = 1;
}

static void set_number(struct fw_packets *p, enum fw_field field, uint16_t value)
{
	uint8_t bytes[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	set(p, field, fw_field_len(field) == 1 ? bytes + 1 : bytes);
}

static void set_device(struct fw_packets *p, enum fw_field field, const char *name)
{
	char padded[16] = "";

	snprintf(padded, sizeof(padded), "%s", name);
	if (name[0])
		set(p, field, padded);
}

/*
 * An advertisement's source is the address that was asked for, a solicitation goes to
 * that address's multicast group (ndisc_send_na(), ndisc_solicit(), net/ipv6/ndisc.c).
 */
static void describe_discovery(const struct host_packet *packet, struct fw_packets *out)
{
	static const uint8_t group[16] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff };
	bool answer = packet->resolution == RESOLVE_ANSWER;
	uint8_t to[16];

	set_number(out, FW_NFPROTO, NFPROTO_IPV6);
	set_number(out, FW_PROTO, IPPROTO_ICMPV6);
	set_number(out, FW_ICMPTYPE, answer ? 136 : 135);
	if (answer && !packet->reply)
		set(out, FW_SADDR6, packet->tuple.lb);
	if (answer || !packet->reply)
		return;
	memcpy(to, group, sizeof(to));
	memcpy(to + 13, packet->tuple.lb + 13, 3);
	set(out, FW_DADDR6, to);
}

static void describe_arp(const struct host_packet *packet, struct fw_packets *out)
{
	set_number(out, FW_NFPROTO, NFPROTO_ARP);
	set_number(out, FW_ETHERTYPE, ETH_P_ARP);
	set_number(out, FW_DEVICETYPE, ARPHRD_ETHER);
	set_number(out, FW_ARPHTYPE, ARPHRD_ETHER);
	set_number(out, FW_ARPPTYPE, ETH_P_IP);
	set_number(out, FW_ARPHLEN, ETH_ALEN);
	set_number(out, FW_ARPPLEN, 4);
	set_number(out, FW_ARPOP,
		   packet->resolution == RESOLVE_ANSWER ? ARPOP_REPLY : ARPOP_REQUEST);
	set(out, packet->reply ? FW_ARPDADDR : FW_ARPSADDR, packet->tuple.lb + 12);
}

void rule_resolution_describe(const struct host_packet *packet, const struct fw_chain *base,
			      struct fw_packets *out)
{
	memset(out, 0, sizeof(*out));
	if (packet->v6)
		describe_discovery(packet, out);
	else
		describe_arp(packet, out);
	if (!strcmp(base->family, "bridge")) /* ports of the bridge, or itself: not known here */
		return;
	set_device(out, FW_IIF, packet->in);
	set_device(out, FW_OIF, packet->out);
	if (packet->v6 && base->hook && !strcmp(base->hook, "OUTPUT"))
		set_number(out, FW_SADDRTYPE, RTN_LOCAL);
}
