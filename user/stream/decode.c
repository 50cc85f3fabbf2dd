// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From the wire format to an observation. */
#include "decode.h"

#include <errno.h>
#include <string.h>

#include "firewall/chains.h"
#include "names.h"

/* The stack of a kfree_skb starts inside the helpers that free; they say nothing. */
static const char *const freeing[] = {
	"kfree_skb_reason", "kfree_skb", "sk_skb_reason_drop", "__sk_skb_reason_drop",
	"kfree_skb_list_reason", "__kfree_skb", "kfree_skb_partial",
};

static bool only_frees(const char *function)
{
	if (strncmp(function, "bpf_", 4) == 0 || strncmp(function, "__bpf_trace", 11) == 0 ||
	    strncmp(function, "__traceiter_", 12) == 0)
		return true;
	for (size_t i = 0; i < sizeof(freeing) / sizeof(freeing[0]); i++)
		if (strcmp(function, freeing[i]) == 0)
			return true;
	return false;
}

static void decode_stack(const __u64 *stack, uint32_t len, const struct namer *namer,
			 struct obs *out)
{
	if (len > HCT_STACK_MAX)
		len = HCT_STACK_MAX;
	for (uint32_t i = 0; i < len; i++) {
		const char *function = namer->symbol(namer->ctx, stack[i]);

		if (!function || only_frees(function))
			continue;
		out->stack[out->stack_len++] = function;
	}
}

static const char *drop_reason(uint32_t reason, const struct namer *namer)
{
	static const char *const told[HCT_REASON_COUNT] = {
#define X(ID, name) [HCT_REASON_##ID] = name,
		HCT_REASONS(X)
#undef X
	};

	if (!reason)
		return NULL;
	if (reason > HCT_REASON_BASE && reason - HCT_REASON_BASE < HCT_REASON_COUNT)
		return told[reason - HCT_REASON_BASE];
	return namer->reason(namer->ctx, reason);
}

/* enum xdp_action of linux/bpf.h, which is stable. */
static const char *xdp_action(uint32_t action)
{
	static const char *const names[] = { "XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
					     "XDP_REDIRECT" };

	/* bpf_warn_invalid_xdp_action(): what is none of these is taken for XDP_ABORTED */
	return names[action < sizeof(names) / sizeof(names[0]) ? action : 0];
}

/* As nft_report.c has it from nftables itself. */
static void decode_rule(const struct hct_event_rule *r, struct obs *out)
{
	const char *verdict = nft_verdict_name(r->event.rule.verdict);
	char name[HCT_NFT_NAME_LEN + 1] = "";

	out->rule.handle = r->event.rule.handle;
	out->rule.family = names_intern(nft_family_name(r->event.rule.family));
	out->rule.verdict = names_intern(verdict ? verdict : "?");
	memcpy(name, r->table, sizeof(r->table));
	out->rule.table = names_intern(name);
	memcpy(name, r->chain, sizeof(r->chain));
	out->rule.chain = names_intern(name);
}

static void decode_detail(const struct hct_event *e, const struct namer *namer, struct obs *out)
{
	switch (out->point) {
	case HCT_POINT_DROP:
		out->rung = e->drop.rung;
		memcpy(out->next_hop, e->drop.next_hop, sizeof(out->next_hop));
		out->reason = drop_reason(e->drop.reason, namer);
		out->function = e->drop.location ? namer->symbol(namer->ctx, e->drop.location) : NULL;
		decode_stack(e->drop.stack, e->drop.stack_len, namer, out);
		break;
	case HCT_POINT_ICMP_SENT:
		out->icmp.type = e->icmp.type;
		out->icmp.code = e->icmp.code;
		decode_stack(e->icmp.stack, e->icmp.stack_len, namer, out);
		break;
	case HCT_POINT_RESET_SENT:
		out->reset.has_socket = e->reset.has_socket;
		decode_stack(e->reset.stack, e->reset.stack_len, namer, out);
		break;
	case HCT_POINT_ROUTE: {
		const char *device = e->route.oif ? namer->device(namer->ctx, e->route.oif) : NULL;

		out->route = e->route;
		if (device)
			strncpy(out->route_device, device, sizeof(out->route_device) - 1);
		break;
	}
	case HCT_POINT_SOCKET_STATE:
	case HCT_POINT_RESET_RECEIVED:
	case HCT_POINT_APP_READ:
	case HCT_POINT_ACCEPTED:
		out->sock = e->sock;
		break;
	case HCT_POINT_TRANSLATION:
		out->translation = e->translation;
		break;
	case HCT_POINT_XDP_VERDICT:
		out->xdp.action = xdp_action(e->xdp.action);
		out->xdp.program_id = e->xdp.program_id;
		memcpy(out->xdp.program, e->xdp.program, sizeof(out->xdp.program) - 1);
		break;
	case HCT_POINT_NFT_TRACE:
		decode_rule((const struct hct_event_rule *)e, out);
		break;
	case HCT_POINT_UPSTREAM:
		out->upstream = e->upstream;
		break;
	case HCT_POINT_LIBWRAP:
		out->libwrap = e->libwrap;
		out->libwrap.daemon[sizeof(out->libwrap.daemon) - 1] = '\0';
		out->libwrap.client[sizeof(out->libwrap.client) - 1] = '\0';
		break;
	case HCT_POINT_TC_INGRESS:
	case HCT_POINT_TC_EGRESS:
		if (!(e->packet.tcp_flags & HCT_TCP_SYN) && e->tls)
			memcpy(out->records, e->records, sizeof(out->records));
		else
			out->listener = e->listener;
		break;
	default:
		out->listener = e->listener;
	}
}

/* Bytes that an event of POINT has at least, before captured ones. */
static size_t event_size(unsigned point)
{
	switch (point) {
	case HCT_POINT_DROP:
	case HCT_POINT_ICMP_SENT:
	case HCT_POINT_RESET_SENT:
	case HCT_POINT_LIBWRAP:
		return sizeof(struct hct_event);
	case HCT_POINT_NFT_TRACE:
		return sizeof(struct hct_event_rule);
	default:
		return HCT_EVENT_SHORT;
	}
}

int decode_event(const void *data, size_t size, const struct namer *namer, struct obs *out)
{
	const struct hct_event *e = data;
	const char *device;

	if (size < HCT_EVENT_SHORT || e->point >= HCT_POINT_COUNT || size < event_size(e->point))
		return -EBADMSG;
	if (e->payload_len && (e->payload_len > HCT_PAYLOAD_MAX ||
			       size < sizeof(struct hct_event) + e->payload_len))
		return -EBADMSG;

	memset(out, 0, sizeof(*out));
	out->time_ns = e->time_ns;
	out->flow_id = e->flow_id;
	out->flow_seq = e->flow_seq;
	out->point = e->point;
	out->tuple = e->tuple;
	out->reply = e->flags & HCT_F_REPLY;
	out->has_process = e->flags & HCT_F_PROCESS;
	out->no_tuple = e->flags & HCT_F_NO_TUPLE;
	out->netns = e->netns;
	out->pid = e->pid;
	memcpy(out->comm, e->comm, sizeof(out->comm) - 1);
	out->packet = e->packet;
	out->turns = e->turns;
	out->tail = e->tail;
	out->tls = e->tls;
	out->exchange = e->exchange;
	out->skipped = e->skipped;
	out->answer_end = e->answer_end;
	out->carriage = e->carriage;
	out->vlan = e->vlan;
	out->fragments_have = e->fragments_have;
	out->fragments_total = e->fragments_total;
	device = e->ifindex ? namer->device(namer->ctx, e->ifindex) : NULL;
	if (device)
		strncpy(out->device, device, sizeof(out->device) - 1);
	decode_detail(e, namer, out);
	if (e->payload_len) {
		out->payload = ((const struct hct_event_payload *)data)->payload;
		out->payload_len = e->payload_len;
	}
	return 0;
}
