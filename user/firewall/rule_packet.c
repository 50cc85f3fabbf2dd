// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One packet at one hook, in the terms of firewall rules. */
#include "rule_packet.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/rtnetlink.h>

/* NF_IP_PRI_CONNTRACK: chains before it, and before its hooks, see no connection. */
#define CONNTRACK_PRIORITY (-200)

static bool is_one_of(const char *hook, const char *const *names)
{
	while (hook && *names && strcmp(hook, *names))
		names++;
	return hook && *names;
}

static void set(struct fw_packets *p, enum fw_field field, const void *value, size_t len)
{
	struct fw_range *range = &p->field[field].range[0];

	memset(range, 0, sizeof(*range));
	memcpy(range->lo, value, len);
	memcpy(range->hi, value, len);
	p->field[field].n = 1;
}

static void set_byte(struct fw_packets *p, enum fw_field field, uint8_t value)
{
	set(p, field, &value, 1);
}

static bool is_icmp(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* An ICMP error's sender can be any router; it goes to whom the packet inside came from. */
static void set_addresses(const struct host_packet *packet, struct fw_packets *out)
{
	const struct hct_tuple *t = &packet->tuple;
	const uint8_t *from = packet->reply ? t->target : t->lb;
	const uint8_t *to = packet->reply ? t->lb : t->target;
	size_t len = packet->v6 ? 16 : 4;

	if (!packet->packet.is_icmp_error)
		set(out, packet->v6 ? FW_SADDR6 : FW_SADDR4, from + 16 - len, len);
	set(out, packet->v6 ? FW_DADDR6 : FW_DADDR4, to + 16 - len, len);
}

static void set_transport(const struct host_packet *packet, struct fw_packets *out)
{
	const struct hct_tuple *t = &packet->tuple;
	uint8_t icmp = packet->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	if (packet->packet.is_icmp_error) {
		set_byte(out, FW_PROTO, icmp);
		set_byte(out, FW_ICMPTYPE, packet->packet.icmp_type);
		return;
	}
	set_byte(out, FW_PROTO, t->protocol);
	if (is_icmp(t->protocol)) {
		uint8_t request = packet->v6 ? 128 : 8, reply = packet->v6 ? 129 : 0;

		set_byte(out, FW_ICMPTYPE, packet->reply ? reply : request);
		return;
	}
	set(out, FW_SPORT, packet->reply ? &t->target_port : &t->lb_port, 2);
	set(out, FW_DPORT, packet->reply ? &t->lb_port : &t->target_port, 2);
	if (t->protocol == IPPROTO_TCP && packet->packet.tcp_flags)
		set_byte(out, FW_TCPFLAGS, packet->packet.tcp_flags);
}

static void set_device(struct fw_packets *out, enum fw_field field, const char *name, bool none)
{
	char padded[16] = "";

	if (!name[0] && !none)
		return;
	snprintf(padded, sizeof(padded), "%s", name);
	set(out, field, padded, sizeof(padded));
}

/* Which device a hook has: nf_hook_state_init()'s callers. */
static void set_devices(const struct host_packet *packet, const struct fw_chain *base,
			struct fw_packets *out)
{
	static const char *const no_in[] = { "OUTPUT", NULL };
	static const char *const no_out[] = { "INGRESS", "PREROUTING", "INPUT", NULL };

	if (!strcmp(base->family, "bridge")) /* ports of the bridge, or itself: not known here */
		return;
	set_device(out, FW_IIF, is_one_of(base->hook, no_in) ? "" : packet->in,
		   is_one_of(base->hook, no_in));
	set_device(out, FW_OIF, is_one_of(base->hook, no_out) ? "" : packet->out,
		   is_one_of(base->hook, no_out));
}

/* What kind of addresses they are where the packet is, as far as the hook tells. */
static void set_address_types(const struct host_packet *packet, const struct fw_chain *base,
			      struct fw_packets *out)
{
	static const char *const from_here[] = { "OUTPUT", NULL };
	static const char *const to_here[] = { "INPUT", NULL };

	if (is_one_of(base->hook, from_here))
		set_byte(out, FW_SADDRTYPE, RTN_LOCAL);
	else if (!packet->reply && !packet->packet.is_icmp_error)
		set_byte(out, FW_SADDRTYPE, RTN_UNICAST);
	if (is_one_of(base->hook, to_here))
		set_byte(out, FW_DADDRTYPE, RTN_LOCAL);
	else if (packet->reply)
		set_byte(out, FW_DADDRTYPE, RTN_UNICAST);
}

void rule_packet_describe(const struct host_packet *packet, const struct fw_chain *base,
			  struct fw_packets *out)
{
	memset(out, 0, sizeof(*out));
	if (packet->resolution) {
		rule_resolution_describe(packet, base, out);
		return;
	}
	set_byte(out, FW_NFPROTO, packet->v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	set_addresses(packet, out);
	set_transport(packet, out);
	set_devices(packet, base, out);
	set_address_types(packet, base, out);
}

static bool is_before_conntrack(const struct fw_chain *base)
{
	static const char *const tracked[] = { "PREROUTING", "OUTPUT", NULL };

	if (is_one_of(base->hook, tracked))
		return base->priority < CONNTRACK_PRIORITY;
	return base->hook && !strcmp(base->hook, "INGRESS");
}

static bool begins_connection(const struct host_packet *packet)
{
	uint8_t flags = packet->packet.tcp_flags;

	if (packet->reply || packet->packet.is_icmp_error)
		return false;
	return packet->tuple.protocol != IPPROTO_TCP || !flags ||
	       (flags & (HCT_TCP_SYN | HCT_TCP_ACK)) == HCT_TCP_SYN;
}

/* A chain that translates addresses is only asked about a connection's first packet. */
static bool is_for_nat(const struct fw_chain *base)
{
	if (!strcmp(base->table, "nat"))
		return true;
	for (const struct fw_rule *rule = base->rules; rule; rule = rule->next)
		if (rule->verdict == FW_NAT || rule->effect == FW_EFFECT_DNAT ||
		    rule->effect == FW_EFFECT_SNAT)
			return true;
	return false;
}

size_t rule_packet_states(const struct host_packet *packet, const struct fw_chain *base,
			  uint8_t states[RULE_MAX_STATES])
{
	bool begins = begins_connection(packet);
	size_t n = 0;

	if (!strncmp(base->family, "bridge", 6)) /* only some bridges track connections */
		return 0;
	if (packet->resolution) { /* ARP is not tracked, nor is neighbour discovery */
		states[n++] = is_before_conntrack(base) ? FW_CT_INVALID : FW_CT_UNTRACKED;
		return packet->v6 ? n : 0;
	}
	if (is_before_conntrack(base)) { /* nft_ct_get_eval(), xt_conntrack's conntrack_mt() */
		states[n++] = FW_CT_INVALID;
		return n;
	}
	if (begins || (packet->rewritten && is_for_nat(base)))
		states[n++] = FW_CT_NEW;
	else if (packet->packet.is_icmp_error)
		states[n++] = FW_CT_RELATED;
	if (!n || packet->rewritten || packet->tuple.protocol != IPPROTO_TCP ||
	    !packet->packet.tcp_flags)
		states[n++] = FW_CT_ESTABLISHED;
	states[n++] = FW_CT_INVALID;
	states[n++] = FW_CT_UNTRACKED;
	return n;
}

void rule_packet_set_state(struct fw_packets *packets, uint8_t state)
{
	set(packets, FW_CTSTATE, (uint8_t[]){ 0, 0, 0, state }, 4);
}

void rule_packet_kind(const struct host_packet *packet, struct host_packet *out)
{
	memset(out, 0, sizeof(*out));
	out->netns = packet->netns;
	out->v6 = packet->v6;
	out->reply = packet->reply;
	snprintf(out->hook, sizeof(out->hook), "%s", packet->hook);
	snprintf(out->backend, sizeof(out->backend), "%s", packet->backend);
	out->above = packet->above;
	out->below = packet->below;
	memcpy(&out->tuple, &packet->tuple, sizeof(out->tuple));
	out->tuple.lb_port = 0;
	memset(out->tuple.pad, 0, sizeof(out->tuple.pad));
	if (is_icmp(packet->tuple.protocol)) /* the sequence number */
		out->tuple.target_port = 0;
	out->packet.tcp_flags = packet->packet.tcp_flags;
	out->packet.icmp_type = packet->packet.icmp_type;
	out->packet.icmp_code = packet->packet.icmp_code;
	out->packet.is_icmp_error = packet->packet.is_icmp_error;
	snprintf(out->in, sizeof(out->in), "%s", packet->in);
	snprintf(out->out, sizeof(out->out), "%s", packet->out);
	out->resolution = packet->resolution;
	out->bridged = packet->bridged;
	out->rewritten = packet->rewritten;
}
