// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A probe's timeline: each observation in a few plain words. */
#include "timeline.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "render/format.h"
#include "nf_place.h"

/* Indexed by BPF_TCP_* of linux/bpf.h, which are the kernel's. */
static const char *const tcp_states[] = {
	[1] = "ESTABLISHED", [2] = "SYN_SENT",	[3] = "SYN_RECV", [4] = "FIN_WAIT1",
	[5] = "FIN_WAIT2",   [6] = "TIME_WAIT", [7] = "CLOSE",	  [8] = "CLOSE_WAIT",
	[9] = "LAST_ACK",    [10] = "LISTEN",	[11] = "CLOSING", [12] = "NEW_SYN_RECV",
};

static const char *state_name(uint8_t state)
{
	if (state >= sizeof(tcp_states) / sizeof(tcp_states[0]) || !tcp_states[state])
		return "?";
	return tcp_states[state];
}

static void payload_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	struct http_request request;
	struct http_response response;
	const char *what = o->reply ? "answer" : "request";

	if (!o->reply && http_parse_request(o->payload, o->payload_len, &request))
		snprintf(out, PROBE_TEXT_LEN, "%.15s %.75s", request.method, request.path);
	else if (o->reply && http_parse_response(o->payload, o->payload_len, &response))
		snprintf(out, PROBE_TEXT_LEN, "answer: HTTP status %d", response.status);
	else if (o->payload_len && o->payload[0] == 0x16)
		snprintf(out, PROBE_TEXT_LEN, "%s: TLS handshake", what);
	else if (o->payload_len && o->payload[0] == 0x15)
		snprintf(out, PROBE_TEXT_LEN, "%s: TLS alert", what);
	else
		snprintf(out, PROBE_TEXT_LEN, "%s, %u bytes", what, o->packet.payload_len);
}

static void tcp_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	uint8_t flags = o->packet.tcp_flags;
	const char *end = flags & HCT_TCP_RST ? "RST" : flags & HCT_TCP_FIN ? "FIN" : NULL;
	size_t len;

	if (flags & HCT_TCP_SYN) {
		snprintf(out, PROBE_TEXT_LEN, flags & HCT_TCP_ACK ? "SYN-ACK" : "SYN");
	} else if (o->packet.payload_len) {
		payload_text(out, o);
		len = strlen(out);
		if (end)
			snprintf(out + len, PROBE_TEXT_LEN - len, ", %s", end);
	} else {
		snprintf(out, PROBE_TEXT_LEN, "%s",
			 end		       ? end
			 : flags & HCT_TCP_ACK ? "ACK"
					       : "segment");
	}
}

static void packet_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	const struct hct_packet *packet = &o->packet;

	if (packet->is_icmp_error)
		snprintf(out, PROBE_TEXT_LEN, "ICMP error, type %u code %u", packet->icmp_type,
			 packet->icmp_code);
	else if (o->tuple.protocol == IPPROTO_TCP)
		tcp_text(out, o);
	else if (o->tuple.protocol == IPPROTO_UDP)
		snprintf(out, PROBE_TEXT_LEN, "datagram, %u bytes", packet->payload_len);
	else
		snprintf(out, PROBE_TEXT_LEN, o->reply ? "echo reply" : "echo request");
}

static void drop_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	struct probe_incident incident = { .seen = true,
					   .reason = o->reason,
					   .function = o->function };
	struct nf_place place;
	char what[PROBE_TEXT_LEN];

	incident.stack_len = o->stack_len < HCT_STACK_MAX ? o->stack_len : HCT_STACK_MAX;
	memcpy(incident.stack, o->stack, incident.stack_len * sizeof(o->stack[0]));
	place = nf_place(&incident);
	packet_text(what, o);
	if (place.netfilter)
		snprintf(out, PROBE_TEXT_LEN, "%.30s dropped by the firewall%s%s", what,
			 place.hook[0] ? " in " : "", place.hook);
	else if (o->reason && strcmp(o->reason, "NOT_SPECIFIED") != 0)
		snprintf(out, PROBE_TEXT_LEN, "%.30s dropped: %.40s", what, o->reason);
	else
		snprintf(out, PROBE_TEXT_LEN, "%.30s dropped%s%.40s", what,
			 o->function ? " in " : "", o->function ? o->function : "");
}

static void route_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	char gateway[ADDR_TEXT_LEN];

	if (o->route.err)
		snprintf(out, PROBE_TEXT_LEN, "no route back in table %u (error %d)",
			 o->route.table, -o->route.err);
	else
		snprintf(out, PROBE_TEXT_LEN, "route back: %s%s%s%s",
			 o->route.has_gateway ? "via " : "",
			 o->route.has_gateway ? format_addr(gateway, o->route.gateway) : "direct",
			 o->route_device[0] ? " dev " : "", o->route_device);
}

static void state_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	const struct hct_sock *sock = &o->sock;

	if (sock->new_state == 1)
		snprintf(out, PROBE_TEXT_LEN, "connection established");
	else if (sock->in_process && o->has_process)
		snprintf(out, PROBE_TEXT_LEN, "closed by %.15s (pid %u)%s", o->comm, o->pid,
			 sock->unread ? " with data unread" : "");
	else if (sock->new_state == 8)
		snprintf(out, PROBE_TEXT_LEN, "the load balancer closed%s",
			 sock->accepted ? "" : ", no process has accepted it yet");
	else
		snprintf(out, PROBE_TEXT_LEN, "socket %s, was %s", state_name(sock->new_state),
			 state_name(sock->old_state));
}

static void libwrap_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	snprintf(out, PROBE_TEXT_LEN, "hosts.allow/hosts.deny %s the client for %.31s",
		 o->libwrap.granted ? "let in" : "refuse", o->libwrap.daemon);
}

void timeline_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	switch (o->point) {
	case HCT_POINT_XDP:
	case HCT_POINT_RECEIVE:
	case HCT_POINT_TC_INGRESS:
	case HCT_POINT_TC_EGRESS:
	case HCT_POINT_TRANSMIT:
		packet_text(out, o);
		return;
	case HCT_POINT_NETFILTER: /* told by the drop */
		break;
	case HCT_POINT_ROUTE:
		route_text(out, o);
		return;
	case HCT_POINT_DROP:
		drop_text(out, o);
		return;
	case HCT_POINT_SOCKET_STATE:
		state_text(out, o);
		return;
	case HCT_POINT_RESET_SENT:
		snprintf(out, PROBE_TEXT_LEN,
			 o->reset.has_socket ? "kernel resets the connection"
					     : "kernel refuses with a reset: no socket takes it");
		return;
	case HCT_POINT_RESET_RECEIVED:
		snprintf(out, PROBE_TEXT_LEN, "connection reset by the load balancer%s",
			 o->sock.accepted ? "" : ", no process had accepted it");
		return;
	case HCT_POINT_RETRANSMIT_SYNACK:
		snprintf(out, PROBE_TEXT_LEN, "SYN-ACK sent again");
		return;
	case HCT_POINT_RETRANSMIT:
		snprintf(out, PROBE_TEXT_LEN, "segment sent again");
		return;
	case HCT_POINT_ICMP_SENT:
		snprintf(out, PROBE_TEXT_LEN, "kernel answers with an ICMP error, type %u code %u",
			 o->icmp.type, o->icmp.code);
		return;
	case HCT_POINT_APP_READ:
		snprintf(out, PROBE_TEXT_LEN, "read by %.15s (pid %u)", o->comm, o->pid);
		return;
	case HCT_POINT_LIBWRAP:
		libwrap_text(out, o);
		return;
	case HCT_POINT_COUNT:
		break;
	}
	snprintf(out, PROBE_TEXT_LEN, "?");
}

void timeline_add(struct probe *p, const struct obs *o)
{
	struct timeline_entry *last = p->timeline_len ? &p->timeline[p->timeline_len - 1] : NULL;
	struct timeline_entry *entry;
	char text[PROBE_TEXT_LEN];

	timeline_text(text, o);
	if (last && last->point == o->point && strcmp(last->text, text) == 0 &&
	    strncmp(last->device, o->device, sizeof(last->device)) == 0) {
		last->repeats++;
		return;
	}
	if (p->timeline_len == PROBE_MAX_TIMELINE) {
		p->timeline_dropped++;
		return;
	}
	entry = &p->timeline[p->timeline_len++];
	entry->time_ns = o->time_ns;
	entry->point = o->point;
	entry->repeats = 0;
	memcpy(entry->device, o->device, sizeof(entry->device));
	memcpy(entry->text, text, sizeof(entry->text));
}
