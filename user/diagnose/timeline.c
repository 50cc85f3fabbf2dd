// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A probe's timeline: each observation in a few plain words. */
#include "timeline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "render/format.h"
#include "verdict/report.h"
#include "icmp_words.h"
#include "nf_place.h"
#include "reasons.h"

/* BPF_TCP_* of linux/bpf.h, which are the kernel's and stable. */
enum { STATE_ESTABLISHED = 1, STATE_CLOSE = 7, STATE_CLOSE_WAIT = 8 };

/*
 * Appends N bytes of TEXT at LEN of OUT; returns the length.  Most of what
 * follows is said of every connection, and seldom read: printf() would be a
 * good part of what one costs.
 */
static size_t put_bytes(char out[PROBE_TEXT_LEN], size_t len, const char *text, size_t n)
{
	if (n > PROBE_TEXT_LEN - 1 - len)
		n = PROBE_TEXT_LEN - 1 - len;
	memcpy(out + len, text, n);
	out[len + n] = '\0';
	return len + n;
}

static size_t put_all(char out[PROBE_TEXT_LEN], size_t len, const char *text)
{
	return put_bytes(out, len, text, strlen(text));
}

/* At most MAX bytes of TEXT. */
static size_t put(char out[PROBE_TEXT_LEN], size_t len, const char *text, size_t max)
{
	return put_bytes(out, len, text, strnlen(text, max));
}

static size_t put_number(char out[PROBE_TEXT_LEN], size_t len, uint64_t n)
{
	char text[NUMBER_TEXT_LEN];

	return put_bytes(out, len, text, format_number(text, n));
}

static size_t payload_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	const char *what = o->reply ? "answer" : "request";
	struct http_response response;
	struct http_request request;
	size_t len;

	if (!o->reply && http_parse_request_line(o->payload, o->payload_len, &request)) {
		len = put(out, 0, request.method, 15);
		len = put_all(out, len, " ");
		return put(out, len, request.path, 75);
	}
	if (o->reply && http_parse_status_line(o->payload, o->payload_len, &response))
		return put_number(out, put_all(out, 0, "answer: HTTP status "),
				  (unsigned)response.status);
	len = put_all(out, 0, what);
	if (o->payload_len && o->payload[0] == 0x16)
		return put_all(out, len, ": TLS handshake");
	if (o->payload_len && o->payload[0] == 0x15)
		return put_all(out, len, ": TLS alert");
	len = put_number(out, put_all(out, len, ", "), o->packet.payload_len);
	return put_all(out, len, " bytes");
}

static const char more_answer[] = "more of the answer", more_request[] = "more of the request";
static const char answer_again[] = "the answer again";
static const char confirmed[] = "ACK of the answer so far";

/* What a segment is beside what came before it; NULL: the first of its kind. */
static const char *continuation(const struct probe *p, const struct obs *o)
{
	if (o->packet.tcp_flags & HCT_TCP_SYN || o->turns > 1)
		return NULL;
	if (o->packet.payload_len && o->reply && p->first_byte_ns)
		return p->numbered && (int32_t)(o->packet.seq + o->packet.payload_len -
						p->answer_end) <= 0 ? answer_again : more_answer;
	if (o->packet.payload_len && o->reply)
		return NULL;
	if (o->packet.payload_len)
		return p->request_ns ? more_request : NULL;
	if (o->reply || !p->first_byte_ns || !p->numbered ||
	    o->packet.tcp_flags & (HCT_TCP_FIN | HCT_TCP_RST))
		return NULL;
	if ((int32_t)(o->packet.ack - p->answer_end) >= 0)
		return confirmed;
	return (int32_t)(o->packet.ack - p->answer_start) > 0 ? "ACK of a part of the answer" :
								"ACK of none of the answer";
}

static void tcp_text(char out[PROBE_TEXT_LEN], const struct probe *p, const struct obs *o)
{
	const char *more = o->point == HCT_POINT_DROP ? NULL : continuation(p, o);
	uint8_t flags = o->packet.tcp_flags;
	const char *end = flags & HCT_TCP_RST ? "RST" : flags & HCT_TCP_FIN ? "FIN" : NULL;
	size_t len;

	if (o->records[0]) {
		timeline_records(out, p, o);
		len = strlen(out);
		if (end)
			put_all(out, put_all(out, len, ", "), end);
	} else if (more) {
		len = put_all(out, 0, more);
		if (end)
			put_all(out, put_all(out, len, ", "), end);
	} else if (flags & HCT_TCP_SYN) {
		len = put_all(out, 0, probe_is_of_earlier(p, o) ? "SYN-ACK of an earlier SYN" :
				      flags & HCT_TCP_ACK	? "SYN-ACK" : "SYN");
		if (o->packet.payload_len && o->point != HCT_POINT_DROP) {
			len = put_number(out, put_all(out, len, " with "), o->packet.payload_len);
			put_all(out, len, " bytes of data");
		}
	} else if (o->packet.payload_len) {
		len = payload_text(out, o);
		if (end)
			put_all(out, put_all(out, len, ", "), end);
	} else {
		put_all(out, 0, end ? end : flags & HCT_TCP_ACK ? "ACK" : "segment");
	}
}

static bool is_v6(const struct obs *o)
{
	return !addr_is_ipv4(o->tuple.target);
}

static void icmp_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	const struct hct_packet *packet = &o->packet;
	const char *meaning = icmp_meaning(is_v6(o), packet->icmp_type, packet->icmp_code);

	if (meaning[0])
		snprintf(out, PROBE_TEXT_LEN, "ICMP error%s", meaning);
	else
		snprintf(out, PROBE_TEXT_LEN, "ICMP error, type %u code %u", packet->icmp_type,
			 packet->icmp_code);
}

static void icmp_sent_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	if (icmp_is_redirect(is_v6(o), o->icmp.type))
		snprintf(out, PROBE_TEXT_LEN, "the sender is told of a shorter way (ICMP redirect)");
	else
		snprintf(out, PROBE_TEXT_LEN, "refused with an ICMP error%s (type %u code %u)",
			 icmp_meaning(is_v6(o), o->icmp.type, o->icmp.code), o->icmp.type,
			 o->icmp.code);
}

static void packet_text(char out[PROBE_TEXT_LEN], const struct probe *p, const struct obs *o)
{
	const struct hct_packet *packet = &o->packet;

	if (packet->is_icmp_error)
		icmp_text(out, o);
	else if (o->tuple.protocol == IPPROTO_TCP)
		tcp_text(out, p, o);
	else if (o->tuple.protocol == IPPROTO_UDP)
		snprintf(out, PROBE_TEXT_LEN, "datagram, %u bytes", packet->payload_len);
	else
		snprintf(out, PROBE_TEXT_LEN, o->reply ? "echo reply" : "echo request");
}

/*
 * A REJECT answers first and drops then.  nf_send_reset() makes its own RST,
 * so no socket's reset was reported before this one left.
 */
static bool was_rejected(const struct probe *p, const struct nf_place *place, const struct obs *o)
{
	if (place->reject)
		return true;
	if (o->reply || p->established_ns)
		return false;
	return p->icmp_left_ns || p->icmp_sent.seen || (p->host_rst_ns && !p->reset.seen);
}

/* " (VLAN 42)", ", first fragment": how it came, where that is out of the ordinary. */
static void add_carriage(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	if (o->carriage & HCT_FRAGMENT_LATER && o->fragments_total)
		snprintf(out, PROBE_TEXT_LEN, "a later fragment: %u of %u bytes so far",
			 o->fragments_have, o->fragments_total);
	else if (o->carriage & HCT_FRAGMENT_LATER)
		snprintf(out, PROBE_TEXT_LEN, "a later fragment: %u bytes so far", o->fragments_have);
	else if (o->carriage & HCT_FRAGMENT)
		say(out, PROBE_TEXT_LEN, ", first fragment");
	if (o->vlan & HCT_VLAN_TAGGED && o->vlan & (HCT_VLAN_NUMBER | HCT_VLAN_TWICE))
		say(out, PROBE_TEXT_LEN, ", in VLAN %u%s", o->vlan & HCT_VLAN_NUMBER,
		    o->vlan & HCT_VLAN_TWICE ? ", with another tag inside" : "");
	if (o->carriage & HCT_OTHER_MAC)
		say(out, PROBE_TEXT_LEN, ", for another MAC address");
}

/* The kernel takes a tag that no device takes for another host's. */
static const char *meaning_of_drop(const struct probe *p, const struct obs *o, bool has_reason)
{
	if (has_reason && !o->reply && p->vlan_in & (HCT_VLAN_NUMBER | HCT_VLAN_TWICE) &&
	    (strcmp(o->reason, "OTHERHOST") == 0 || strcmp(o->reason, "UNHANDLED_PROTO") == 0))
		return "no device of this host takes its VLAN";
	return drop_meaning(has_reason ? o->reason : NULL, o->function);
}

static void drop_text(char out[PROBE_TEXT_LEN], const struct probe *p, const struct obs *o)
{
	struct probe_incident incident = { .seen = true,
					   .reason = o->reason,
					   .function = o->function };
	bool has_reason = o->reason && strcmp(o->reason, "NOT_SPECIFIED") != 0;
	const char *meaning = meaning_of_drop(p, o, has_reason);
	struct nf_place place;
	char what[PROBE_TEXT_LEN];

	incident.stack_len = o->stack_len < HCT_STACK_MAX ? o->stack_len : HCT_STACK_MAX;
	memcpy(incident.stack, o->stack, incident.stack_len * sizeof(o->stack[0]));
	place = nf_place(&incident);
	packet_text(what, p, o);
	if (o->carriage & HCT_FRAGMENT_LATER)
		snprintf(what, sizeof(what), "a later fragment");
	if (place.netfilter)
		snprintf(out, PROBE_TEXT_LEN, "%.36s %s by the firewall%s%s%s%s", what,
			 was_rejected(p, &place, o) ? "rejected" : "dropped",
			 place.hook[0] ? " in " : "", place.bridge ? "the bridge's " : "",
			 place.hook, was_rejected(p, &place, o) ? " (REJECT)" : "");
	else if (meaning)
		snprintf(out, PROBE_TEXT_LEN, "%.24s %s%s%s", what,
			 has_reason && strcmp(o->reason, "NO_SOCKET") == 0 ? "discarded"
									    : "dropped",
			 meaning_joint(meaning), meaning);
	else if (has_reason)
		snprintf(out, PROBE_TEXT_LEN, "%.30s dropped by the kernel (%.40s)", what,
			 o->reason);
	else if (o->function)
		snprintf(out, PROBE_TEXT_LEN, "%.24s dropped in kernel function %.36s", what,
			 o->function);
	else
		snprintf(out, PROBE_TEXT_LEN, "%.30s dropped by the kernel", what);
}

static void route_found_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	size_t len = put_all(out, 0, "route back: ");
	char addr[ADDR_TEXT_LEN], table[TABLE_TEXT_LEN];

	/* only the first of them was seen, which need not be the one */
	if (o->route.several) {
		put_all(out, len, "by one of several next hops");
		return;
	}
	if (o->route.has_gateway)
		len = put(out, put_all(out, len, "via "), format_addr(addr, o->route.gateway), 40);
	else
		len = put_all(out, len, "direct");
	if (o->route_device[0])
		len = put(out, put_all(out, len, " dev "), o->route_device,
			  sizeof(o->route_device));
	if (o->route.table != RT_TABLE_MAIN && o->route.table != RT_TABLE_LOCAL && o->route.table)
		put(out, put_all(out, len, " table "), format_table(table, o->route.table), 12);
}

static void route_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	char addr[ADDR_TEXT_LEN], table[TABLE_TEXT_LEN];
	const char *type = o->route.err == -EHOSTUNREACH ? "unreachable"
			   : o->route.err == -EACCES	 ? "prohibit"
			   : o->route.err == -EINVAL	 ? "blackhole"
							 : NULL;

	if (type)
		snprintf(out, PROBE_TEXT_LEN, "route back to %.40s: %s (table %.15s)",
			 format_addr(addr, o->tuple.lb), type,
			 format_table(table, o->route.table));
	else if (o->route.err)
		snprintf(out, PROBE_TEXT_LEN, "no route back to %.40s (table %.15s)",
			 format_addr(addr, o->tuple.lb), format_table(table, o->route.table));
	else
		route_found_text(out, o);
}

/* A socket that its process has closed looks like one that nobody took: what came before tells. */
static bool was_accepted(const struct probe *p, const struct obs *o)
{
	return o->sock.accepted || p->accepted_ns || p->read_ns;
}

/* "nginx (pid 812)" */
static size_t put_process(char out[PROBE_TEXT_LEN], size_t len, const struct obs *o)
{
	len = put_all(out, put(out, len, o->comm, 15), " (pid ");
	return put_all(out, put_number(out, len, o->pid), ")");
}

/* States that follow from packets of the timeline say nothing to an admin. */
static void state_text(char out[PROBE_TEXT_LEN], const struct probe *p, const struct obs *o)
{
	const struct hct_sock *sock = &o->sock;
	bool was_open = sock->old_state == STATE_ESTABLISHED || sock->old_state == STATE_CLOSE_WAIT;

	out[0] = '\0';
	if (sock->new_state == STATE_ESTABLISHED)
		put_all(out, 0, "connection established");
	else if (sock->in_process && o->has_process)
		put_all(out, put_process(out, put_all(out, 0, "closed by "), o),
			sock->unread ? " with data unread" : "");
	else if (sock->new_state == STATE_CLOSE_WAIT)
		snprintf(out, PROBE_TEXT_LEN, "the load balancer closed%s",
			 was_accepted(p, o) ? "" : ", no process has accepted it yet");
	else if (sock->new_state == STATE_CLOSE && was_open && !p->reset_received_ns)
		snprintf(out, PROBE_TEXT_LEN, "connection given up by the kernel");
}

static void translation_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	char other[ENDPOINT_TEXT_LEN];
	bool has_ports = o->tuple.protocol == IPPROTO_TCP || o->tuple.protocol == IPPROTO_UDP;

	format_endpoint(other, o->translation.addr, has_ports ? ntohs(o->translation.port) : 0);
	if (o->reply)
		snprintf(out, PROBE_TEXT_LEN, "reply leaves with source %s", other);
	else if (o->device[0])
		snprintf(out, PROBE_TEXT_LEN, "forwarded to %s", other);
	else
		snprintf(out, PROBE_TEXT_LEN, "destination is now %s", other);
}

static void libwrap_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	snprintf(out, PROBE_TEXT_LEN, "hosts.allow/hosts.deny %s the client for %.31s",
		 o->libwrap.granted ? "let in" : "refuse", o->libwrap.daemon);
}

static void rule_text(char out[PROBE_TEXT_LEN], const struct obs *o)
{
	const struct obs_rule *rule = &o->rule;
	const char *deed = strcmp(rule->verdict, "drop") == 0	 ? "dropped by"
			   : strcmp(rule->verdict, "queue") == 0 ? "handed to a program by"
								  : "met";
	char handle[40] = "policy";

	out[0] = '\0';
	if (!rule->handle && strcmp(deed, "met") == 0)
		return;
	if (rule->handle)
		snprintf(handle, sizeof(handle), "rule with handle %" PRIu64, rule->handle);
	say(out, PROBE_TEXT_LEN, "%s the %s, chain %s of table %s %s", deed, handle, rule->chain,
	    rule->family, rule->table);
}

static void xdp_text(char out[PROBE_TEXT_LEN], const struct probe *p, const struct obs *o)
{
	const struct obs_xdp *xdp = &o->xdp;
	char what[PROBE_TEXT_LEN];

	packet_text(what, p, o);
	snprintf(out, PROBE_TEXT_LEN, "%.24s: %.15s by XDP program %.15s (id %u)", what, xdp->action,
		 xdp->program, xdp->program_id);
}

/* O in a few words; none when an admin learns nothing from it. */
static void timeline_text(char out[PROBE_TEXT_LEN], const struct probe *p, const struct obs *o)
{
	switch (o->point) {
	case HCT_POINT_XDP:
	case HCT_POINT_RECEIVE:
	case HCT_POINT_TC_INGRESS:
	case HCT_POINT_TC_EGRESS:
	case HCT_POINT_TRANSMIT:
		packet_text(out, p, o);
		if (o->carriage || o->vlan)
			add_carriage(out, o);
		return;
	case HCT_POINT_NETFILTER: /* told by the drop */
		break;
	case HCT_POINT_ROUTE:
		route_text(out, o);
		return;
	case HCT_POINT_DROP:
		drop_text(out, p, o);
		return;
	case HCT_POINT_SOCKET_STATE:
		state_text(out, p, o);
		return;
	case HCT_POINT_RESET_SENT:
		snprintf(out, PROBE_TEXT_LEN,
			 o->reset.has_socket ? "connection reset by this host"
					     : "refused with a reset: no socket takes it");
		return;
	case HCT_POINT_RESET_RECEIVED:
		snprintf(out, PROBE_TEXT_LEN, "connection reset by the load balancer%s",
			 was_accepted(p, o) ? "" : ", no process had accepted it");
		return;
	case HCT_POINT_RETRANSMIT_SYNACK:
		snprintf(out, PROBE_TEXT_LEN, "SYN-ACK sent again");
		return;
	case HCT_POINT_RETRANSMIT:
		snprintf(out, PROBE_TEXT_LEN, "segment sent again");
		return;
	case HCT_POINT_ICMP_SENT:
		icmp_sent_text(out, o);
		return;
	case HCT_POINT_APP_READ:
		put_process(out, put_all(out, 0, "read by "), o);
		return;
	case HCT_POINT_ACCEPTED:
		put_process(out, put_all(out, 0, "accepted by "), o);
		return;
	case HCT_POINT_XDP_VERDICT:
		xdp_text(out, p, o);
		return;
	case HCT_POINT_TRANSLATION:
		translation_text(out, o);
		return;
	case HCT_POINT_NFT_TRACE:
		rule_text(out, o);
		return;
	case HCT_POINT_LIBWRAP:
		libwrap_text(out, o);
		return;
	case HCT_POINT_UPSTREAM: /* of no flow */
	case HCT_POINT_COUNT:
		break;
	}
	snprintf(out, PROBE_TEXT_LEN, "?");
}

/* An answer that comes in many pieces: its segments and their ACKs are told once, and counted. */
static bool is_of_many(const char *text)
{
	return strcmp(text, more_answer) == 0 || strcmp(text, more_request) == 0 ||
	       strcmp(text, confirmed) == 0;
}

/* The entry that says the same: the last one, or of what alternates the one before it. */
static struct timeline_entry *find_same(struct probe *p, const struct obs *o, bool inside,
					const char *text)
{
	unsigned back = is_of_many(text) ? 2 : 1;

	for (unsigned i = 1; i <= back && i <= p->timeline_len; i++) {
		struct timeline_entry *entry = &p->timeline[p->timeline_len - i];

		if (entry->point == o->point && entry->inside == inside &&
		    strcmp(entry->text, text) == 0 &&
		    strncmp(entry->device, o->device, sizeof(entry->device)) == 0)
			return entry;
		if (!is_of_many(entry->text))
			break;
	}
	return NULL;
}

void timeline_add(struct probe *p, const struct obs *o)
{
	struct timeline_entry *entry;
	bool inside = o->netns != p->netns;
	char text[PROBE_TEXT_LEN];

	timeline_text(text, p, o);
	if (!text[0])
		return;
	entry = find_same(p, o, inside, text);
	if (entry) {
		entry->repeats++;
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
	entry->inside = inside;
	entry->later_fragment = o->carriage & HCT_FRAGMENT_LATER;
	memcpy(entry->device, o->device, sizeof(entry->device));
	memcpy(entry->text, text, sizeof(entry->text));
}
