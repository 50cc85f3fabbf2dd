// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A probe's facts, gathered observation by observation. */
#include "probe.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "spoken.h"
#include "timeline.h"

/* BPF_TCP_* of linux/bpf.h, which are the kernel's and stable. */
enum { STATE_ESTABLISHED = 1, STATE_FIN_WAIT1 = 4, STATE_CLOSE = 7 };

#define TLS_HANDSHAKE 0x16

static void copy_device(char out[IFNAMSIZ], const char *device)
{
	memcpy(out, device, IFNAMSIZ);
	out[IFNAMSIZ - 1] = '\0';
}

static enum probe_stage stage_of(const struct probe *p)
{
	if (p->first_byte_ns)
		return STAGE_RESPONSE;
	if (p->ack_ns || p->request_ns || p->established_ns)
		return STAGE_REQUEST;
	return STAGE_CONNECT;
}

/* Were events of the flow lost before the one that is looked at? */
static bool lost_before(const struct probe *p)
{
	return p->last_seq + 1 > p->events + p->first_seq;
}

static void set_incident(const struct probe *p, struct probe_incident *incident,
			 const struct obs *o)
{
	memset(incident, 0, sizeof(*incident));
	incident->seen = true;
	incident->reply = o->reply;
	incident->time_ns = o->time_ns;
	incident->stage = stage_of(p);
	copy_device(incident->device, o->device);
	incident->reason = o->reason;
	incident->function = o->function;
	incident->stack_len = o->stack_len < HCT_STACK_MAX ? o->stack_len : HCT_STACK_MAX;
	memcpy(incident->stack, o->stack, incident->stack_len * sizeof(o->stack[0]));
	incident->rung = o->rung;
	memcpy(incident->next_hop, o->next_hop, sizeof(incident->next_hop));
	incident->packet = o->packet;
	incident->inside = o->netns != p->netns;
	incident->gap = lost_before(p);
	incident->carriage = o->carriage;
	if (!o->reply && o->point == HCT_POINT_DROP && !incident->inside) {
		incident->carriage |= p->carriage_in & HCT_OTHER_MAC;
		incident->vlan = p->vlan_in;
	}
}

static void set_process(struct probe *p, const struct obs *o)
{
	bool accepts = o->point == HCT_POINT_ACCEPTED;

	if (!o->has_process || (p->has_process && (accepts || !p->process_accepted)))
		return;
	p->has_process = true;
	p->process_accepted = accepts;
	p->pid = o->pid;
	memcpy(p->comm, o->comm, sizeof(p->comm));
	p->comm[sizeof(p->comm) - 1] = '\0';
}

static void note_once(uint64_t *when, const struct obs *o)
{
	if (!*when)
		*when = o->time_ns;
}

static bool came_in_by(const struct probe *p, const char *device)
{
	for (size_t i = 0; i < p->n_devices_in; i++)
		if (strncmp(p->devices_in[i], device, IFNAMSIZ) == 0)
			return true;
	return false;
}

static void note_arrival(struct probe *p, const struct obs *o)
{
	if (!o->device[0] || came_in_by(p, o->device))
		return;
	if (!p->device_in[0])
		copy_device(p->device_in, o->device);
	if (p->n_devices_in < PROBE_MAX_DEVICES)
		copy_device(p->devices_in[p->n_devices_in++], o->device);
}

/* How the request's packet came that arrived last. */
static void note_carriage(struct probe *p, const struct obs *o)
{
	p->carriage_in = o->carriage;
	p->vlan_in = o->vlan;
	p->fragmented = o->carriage & HCT_FRAGMENT;
	p->fragments_have = o->fragments_have;
	p->fragments_total = o->fragments_total;
}

/* A packet passes several devices (bridge, VLAN, bond): one that it came in by settles it. */
static void note_departure(struct probe *p, const struct obs *o)
{
	if (!o->device[0] || p->left_where_it_came)
		return;
	copy_device(p->device_out, o->device);
	p->left_where_it_came = came_in_by(p, o->device);
}

static void note_listener(struct probe *p, const struct obs *o)
{
	bool full = o->listener.found && o->listener.backlog > o->listener.backlog_max;

	if (p->has_listener && (p->queue_full || !full))
		return;
	p->has_listener = true;
	p->queue_full = full;
	p->listener = o->listener;
}

/* Is A behind B?  TCP's numbers wrap. */
static bool is_behind(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/*
 * Adds the captured bytes of a segment to the request's head, where they follow
 * on from what is there.
 */
static void take_request(struct probe *p, const struct obs *o)
{
	uint32_t seq = o->packet.seq + (o->packet.tcp_flags & HCT_TCP_SYN ? 1 : 0);
	size_t offset = p->numbered ? seq - p->request_start : p->request_head_len;
	size_t room = sizeof(p->request_head) - p->request_head_len, len;

	if (p->request_head_cut || offset > p->request_head_len ||
	    (!p->numbered && p->request_head_len))
		return;
	offset = p->request_head_len - offset; /* bytes that came before, too */
	if (!o->payload || o->payload_len <= offset)
		return;
	len = o->payload_len - offset < room ? o->payload_len - offset : room;
	memcpy(p->request_head + p->request_head_len, o->payload + offset, len);
	p->request_head_len += len;
	p->request_head_cut = len == room || o->payload_len < o->packet.payload_len;
	spoken_note_request(p);
}

/* Acknowledged: all that was answered so far? */
static void note_ack(struct probe *p, const struct obs *o)
{
	uint32_t ack = o->packet.ack;

	if (!p->numbered || !(o->packet.tcp_flags & HCT_TCP_ACK))
		return;
	if (is_behind(ack, p->acked))
		p->acked = ack;
	if (p->first_byte_ns && !is_behind(p->answer_end, p->acked)) {
		if (!p->confirmed_ns)
			p->confirmed_ns = o->time_ns;
		p->biggest_acked = p->biggest_sent;
	}
}

static void tcp_arrived(struct probe *p, const struct obs *o)
{
	uint8_t flags = o->packet.tcp_flags;

	if (flags & HCT_TCP_SYN) {
		if (o->packet.seq)
			p->request_start = o->packet.seq + 1;
		if (o->packet.payload_len)
			take_request(p, o); /* TCP Fast Open; its SYN-ACK tells whether it counts */
		/* at one device only: the same SYN is seen again on a bridge or VLAN above it */
		if (strncmp(o->device, p->device_in, IFNAMSIZ) == 0 && o->point != HCT_POINT_XDP)
			p->syn_count++;
		/* behind a DNAT it is not the listener of its own address that it meets */
		if (o->point == HCT_POINT_TC_INGRESS && !p->dnat.seen)
			note_listener(p, o);
		return;
	}
	/* before any SYN-ACK it answers the ACK of an old connection; the SYN comes again */
	if (flags & HCT_TCP_RST && (p->synack_ns || !p->drop.seen))
		note_once(&p->lb_rst_ns, o);
	if (flags & HCT_TCP_FIN && !p->lb_fin_ns && p->numbered && p->host_fin_ns)
		p->lb_fin_after_ours = is_behind(o->packet.ack, p->answer_end);
	if (flags & HCT_TCP_FIN)
		note_once(&p->lb_fin_ns, o);
	note_ack(p, o);
	if (o->packet.payload_len) {
		note_once(&p->request_ns, o);
		if (o->turns <= 1 || p->takes_turns)
			take_request(p, o);
	}
	if (flags & HCT_TCP_ACK && !(flags & HCT_TCP_RST))
		note_once(&p->ack_ns, o);
}

/* The same of the answer, which is read as it comes. */
static void take_answer(struct probe *p, const struct obs *o)
{
	uint32_t at = p->numbered ? o->packet.seq - p->answer_start : p->answer.fed;
	size_t skip = p->answer.fed - at, room = sizeof(p->first_bytes) - p->first_bytes_len, len;
	uint32_t end = o->packet.seq + o->packet.payload_len;

	if (!p->numbered || is_behind(end, p->answer_end)) {
		p->answer_end = end;
		p->answer_last_ns = o->time_ns;
		p->confirmed_ns = 0;
	}
	if (o->packet.payload_len > p->biggest_sent)
		p->biggest_sent = o->packet.payload_len;
	if (at > p->answer.fed || (!p->numbered && p->answer.fed))
		p->answer.broken = true; /* what came before was not captured */
	if (p->answer.broken || !o->payload || o->payload_len <= skip)
		return;
	len = o->payload_len - skip < room ? o->payload_len - skip : room;
	memcpy(p->first_bytes + p->first_bytes_len, o->payload + skip, len);
	p->first_bytes_len += len;
	if (!p->answer.fed)
		p->answer.to_head = strcmp(p->http_request.method, "HEAD") == 0;
	http_answer_feed(&p->answer, o->payload + skip, o->payload_len - skip, &p->http_response);
	if (p->http_response.valid)
		note_once(&p->status_ns, o);
	if (p->answer.head_len)
		note_once(&p->head_ns, o);
	http_note_refusal(o->payload, o->payload_len, &p->http_response);
}

static void tcp_left(struct probe *p, const struct obs *o)
{
	uint8_t flags = o->packet.tcp_flags;

	if (probe_is_of_earlier(p, o))
		return;
	if (flags & HCT_TCP_SYN) {
		if (strncmp(o->device, p->device_out, IFNAMSIZ) == 0)
			p->synack_left++;
		note_once(&p->synack_ns, o);
		p->numbered = o->packet.seq && p->request_start;
		p->answer_start = p->answer_end = p->acked = o->packet.seq + 1;
		/* it takes what the SYN brought along: then that was the request */
		if (p->numbered && p->request_head_len && o->packet.ack != p->request_start)
			note_once(&p->request_ns, o);
		return;
	}
	if (flags & HCT_TCP_RST)
		note_once(&p->host_rst_ns, o);
	if (flags & HCT_TCP_FIN)
		note_once(&p->host_fin_ns, o);
	if (!o->packet.payload_len)
		return;
	note_once(&p->first_byte_ns, o);
	if (o->turns <= 1 || p->takes_turns) {
		take_answer(p, o);
		spoken_note_answer(p, o);
	}
}

/* At one device only, as SYNs are. */
static void datagram_arrived(struct probe *p, const struct obs *o)
{
	spoken_note_datagram(p, o);
	if (o->point != HCT_POINT_XDP && strncmp(o->device, p->device_in, IFNAMSIZ) == 0)
		p->request_count++;
}

static void datagram_left(struct probe *p, const struct obs *o)
{
	spoken_note_datagram(p, o);
	note_once(&p->reply_ns, o);
}

static void observe_packet(struct probe *p, const struct obs *o)
{
	bool arrival = o->point == HCT_POINT_XDP || o->point == HCT_POINT_RECEIVE ||
		       o->point == HCT_POINT_TC_INGRESS;

	/* the other way round it is on its way to or from a container behind this host */
	if (arrival == o->reply) {
		if (arrival)
			note_once(&p->inner_reply_ns, o);
		else
			probe_note_passed_on(p, o);
		return;
	}
	if (o->packet.is_icmp_error) {
		if (!arrival)
			probe_note_icmp_left(p, o);
		return;
	}
	if (arrival && probe_is_return(p, o))
		return;
	if (arrival) {
		note_arrival(p, o);
		note_carriage(p, o);
	} else {
		note_departure(p, o);
	}
	if (o->carriage & HCT_FRAGMENT_LATER) /* it says nothing itself */
		return;
	if (p->tuple.protocol == IPPROTO_TCP && arrival)
		tcp_arrived(p, o);
	else if (p->tuple.protocol == IPPROTO_TCP)
		tcp_left(p, o);
	else if (!arrival)
		datagram_left(p, o);
	else
		datagram_arrived(p, o);
}

/*
 * Events of O's flow were lost before it, its handshake perhaps: only who got a
 * SYN-ACK sends an ACK.  O is about a packet of the load balancer.
 */
static void note_unseen_handshake(struct probe *p, const struct obs *o)
{
	uint8_t flags = o->packet.tcp_flags;

	if (lost_before(p) && flags & HCT_TCP_ACK && !(flags & (HCT_TCP_SYN | HCT_TCP_RST)))
		note_once(&p->ack_ns, o);
}

/* Drops that a working connection has, too: what TCP had already got, and its last words. */
static bool drop_is_harmless(const struct probe *p, const struct obs *o)
{
	static const char *const reasons[] = {
		"TCP_OLD_DATA",	       "TCP_OLD_ACK",  "TCP_TOO_OLD_ACK",
		"TCP_ACK_UNSENT_DATA", "TCP_OFOMERGE", "TCP_OVERWINDOW",
		"TCP_CLOSE",	       "TCP_RESET",    "TCP_ABORT_ON_DATA",
	};
	static const char *const sniffers[] = { "packet_rcv", "tpacket_rcv", "packet_rcv_spkt" };
	uint8_t flags = o->packet.tcp_flags;

	for (size_t i = 0; i < sizeof(sniffers) / sizeof(sniffers[0]); i++)
		if (function_is(o->function, sniffers[i]))
			return true;
	if (p->tuple.protocol != IPPROTO_TCP)
		return false;
	if (flags & HCT_TCP_RST || (flags & HCT_TCP_FIN && !o->packet.payload_len))
		return true;
	/* tcp_check_req() answers a repeated SYN with another SYN-ACK and drops it */
	if (flags & HCT_TCP_SYN && !o->reply && (p->synack_ns || p->synack_retransmits))
		return true;
	if (flags & HCT_TCP_SYN || stage_of(p) == STAGE_CONNECT)
		return false;
	if (!o->packet.payload_len && (p->established_ns || p->first_byte_ns))
		return true;
	for (size_t i = 0; o->reason && i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(o->reason, reasons[i]) == 0)
			return true;
	return false;
}

/* The last words of a connection that had nothing more to say. */
static bool is_noise(const struct probe *p, const struct obs *o)
{
	return o->point == HCT_POINT_DROP && p->tuple.protocol == IPPROTO_TCP &&
	       !o->packet.payload_len && o->packet.tcp_flags & (HCT_TCP_FIN | HCT_TCP_RST) &&
	       !(o->reason && strcmp(o->reason, "NETFILTER_DROP") == 0) && drop_is_harmless(p, o);
}

static void observe_drop(struct probe *p, const struct obs *o)
{
	if (o->packet.is_icmp_error) {
		struct probe_incident *incident = o->reply ? &p->icmp_drop : &p->too_big;

		if (!incident->seen)
			set_incident(p, incident, o);
		return;
	}
	if (!o->reply && !p->device_in[0])
		note_arrival(p, o); /* dropped ahead of the first point */
	if (!o->reply)
		note_unseen_handshake(p, o);
	if (drop_is_harmless(p, o))
		return;
	p->drop_count++;
	set_incident(p, &p->last_drop, o);
	if (!p->drop.seen)
		p->drop = p->last_drop;
}

static void observe_route(struct probe *p, const struct obs *o)
{
	bool failed = o->route.err < 0;

	p->route_failed = failed;
	if (!failed) {
		p->has_good_route = true;
		p->good_route_inside = o->netns != p->netns;
		p->good_route = o->route;
		copy_device(p->good_route_device, o->route_device);
	}
	if (p->has_route && p->route.err < 0 && !failed)
		return;
	p->has_route = true;
	p->route_inside = o->netns != p->netns;
	p->route = o->route;
	copy_device(p->route_device, o->route_device);
}

/* SOCKET_STATE, RESET_RECEIVED and APP_READ look at the socket. */
static void look_at_socket(struct probe *p, const struct obs *o)
{
	p->unread = o->sock.unread;
	if (o->sock.accepted || o->sock.in_process)
		note_once(&p->accepted_ns, o);
	else if (!p->accepted_ns)
		p->unaccepted_ns = o->time_ns;
	if (o->sock.in_process)
		set_process(p, o);
}

static void observe_state(struct probe *p, const struct obs *o)
{
	bool closes = o->sock.new_state == STATE_FIN_WAIT1 || o->sock.new_state == STATE_CLOSE;

	look_at_socket(p, o);
	if (o->sock.new_state == STATE_ESTABLISHED)
		note_once(&p->established_ns, o);
	if (o->sock.new_state == STATE_CLOSE)
		p->socket_closed = true;
	if (closes && o->sock.in_process && !p->lb_fin_ns && !p->lb_rst_ns)
		note_once(&p->app_close_ns, o);
}

static void observe_translation(struct probe *p, const struct obs *o)
{
	struct probe_translation *t = o->reply ? &p->snat : &p->dnat;

	if (t->seen)
		return;
	t->seen = true;
	t->time_ns = o->time_ns;
	memcpy(t->addr, o->translation.addr, sizeof(t->addr));
	t->port = o->translation.port;
	copy_device(t->device, o->device);
	t->packet = o->packet;
	if (!o->reply) {
		p->has_listener = false; /* that was the one of its own address */
		p->queue_full = false;
	}
}

static void observe_rule(struct probe *p, const struct obs *o)
{
	bool ended = strcmp(o->rule.verdict, "drop") == 0 || strcmp(o->rule.verdict, "queue") == 0;
	struct probe_rule *rule = ended ? &p->rule_end : &p->rule_nat[0];

	if (!ended && !o->rule.handle)
		return; /* a policy changes nothing */
	if (!ended)
		memmove(rule + 1, rule, (PROBE_MAX_NAT - 1) * sizeof(*rule));
	*rule = (struct probe_rule){ .seen = true, .reply = o->reply, .time_ns = o->time_ns,
				     .netns = o->netns, .inside = o->netns != p->netns,
				     .rule = o->rule };
}

static void observe_libwrap(struct probe *p, const struct obs *o)
{
	if (p->has_libwrap && !p->libwrap.granted)
		return;
	p->has_libwrap = true;
	p->libwrap = o->libwrap;
	p->libwrap.daemon[sizeof(p->libwrap.daemon) - 1] = '\0';
	p->libwrap.client[sizeof(p->libwrap.client) - 1] = '\0';
	p->libwrap_ns = o->time_ns;
	p->libwrap_pid = o->pid;
	memcpy(p->libwrap_comm, o->comm, sizeof(p->libwrap_comm));
	p->libwrap_comm[sizeof(p->libwrap_comm) - 1] = '\0';
}

/* It did arrive, at the device; what becomes of its content nobody sees. */
static void observe_xdp(struct probe *p, const struct obs *o)
{
	uint8_t flags = o->packet.tcp_flags;

	note_arrival(p, o);
	p->xdp = o->xdp;
	p->xdp.program[sizeof(p->xdp.program) - 1] = '\0';
	if (p->tuple.protocol != IPPROTO_TCP) {
		p->request_count++;
		return;
	}
	if (flags & HCT_TCP_SYN)
		p->syn_count++;
	else if (flags & HCT_TCP_RST)
		note_once(&p->lb_rst_ns, o);
	else if (flags & HCT_TCP_ACK)
		note_once(&p->ack_ns, o);
	if (flags & HCT_TCP_FIN)
		note_once(&p->lb_fin_ns, o);
	if (o->packet.payload_len)
		note_once(&p->request_ns, o);
}

/* How far the answer has come, by what the kernel side keeps of segments that it does not tell of. */
static void note_answer_end(struct probe *p, const struct obs *o)
{
	if (!o->answer_end)
		return;
	p->watched_tail = true;
	p->tail = o->tail;
	if (p->numbered && is_behind(o->answer_end, p->answer_end)) {
		p->answer_end = o->answer_end;
		p->answer_last_ns = o->time_ns; /* at the latest */
		p->confirmed_ns = 0;
	}
}

/* What the kernel side keeps counts this segment already. */
static bool leaves_with_bytes(const struct obs *o)
{
	return o->reply && o->packet.payload_len && !o->no_tuple && o->flow_id;
}

void probe_observe(struct probe *p, const struct obs *o)
{
	if (o->time_ns > p->last_ns)
		p->last_ns = o->time_ns;
	if (!o->no_tuple && o->flow_id) {
		p->events++;
		if (o->turns > p->turns)
			p->turns = o->turns;
		if (o->exchange > p->exchange)
			p->exchange = o->exchange;
		if (!leaves_with_bytes(o))
			note_answer_end(p, o);
		probe_take_tls(p, o);
		if (o->flow_seq > p->last_seq)
			p->last_seq = o->flow_seq;
	}
	if (o->netns && o->netns != p->netns)
		p->inner_netns = o->netns;
	if (!is_noise(p, o))
		timeline_add(p, o);
	if (leaves_with_bytes(o)) /* what is told of it compares it with what left before */
		note_answer_end(p, o);
	switch (o->point) {
	case HCT_POINT_XDP:
	case HCT_POINT_RECEIVE:
	case HCT_POINT_TC_INGRESS:
	case HCT_POINT_TC_EGRESS:
	case HCT_POINT_TRANSMIT:
		observe_packet(p, o);
		break;
	case HCT_POINT_ROUTE:
		observe_route(p, o);
		break;
	case HCT_POINT_DROP:
		observe_drop(p, o);
		break;
	case HCT_POINT_SOCKET_STATE:
		observe_state(p, o);
		break;
	case HCT_POINT_RESET_SENT:
		note_unseen_handshake(p, o);
		if (!p->reset.seen) {
			set_incident(p, &p->reset, o);
			p->reset.has_socket = o->reset.has_socket;
		}
		break;
	case HCT_POINT_RESET_RECEIVED:
		look_at_socket(p, o);
		note_once(&p->reset_received_ns, o);
		break;
	case HCT_POINT_RETRANSMIT_SYNACK:
		p->synack_retransmits++;
		break;
	case HCT_POINT_RETRANSMIT:
		p->retransmits++;
		break;
	case HCT_POINT_ICMP_SENT:
		if (!p->icmp_sent.seen && !obs_is_redirect(o)) {
			set_incident(p, &p->icmp_sent, o);
			p->icmp_sent.icmp_type = o->icmp.type;
			p->icmp_sent.icmp_code = o->icmp.code;
		}
		break;
	case HCT_POINT_ACCEPTED:
		look_at_socket(p, o);
		break;
	case HCT_POINT_XDP_VERDICT:
		observe_xdp(p, o);
		break;
	case HCT_POINT_APP_READ:
		look_at_socket(p, o);
		note_once(&p->read_ns, o);
		break;
	case HCT_POINT_TRANSLATION:
		observe_translation(p, o);
		break;
	case HCT_POINT_NFT_TRACE:
		observe_rule(p, o);
		break;
	case HCT_POINT_UPSTREAM: /* of no flow: upstreams.c keeps it */
		break;
	case HCT_POINT_LIBWRAP:
		observe_libwrap(p, o);
		break;
	case HCT_POINT_NETFILTER: /* sends nothing of its own: struct hct_rung */
	case HCT_POINT_COUNT:
		break;
	}
}

bool obs_begins_exchange(const struct obs *o)
{
	bool arrival = o->point == HCT_POINT_RECEIVE || o->point == HCT_POINT_TC_INGRESS;

	return arrival && !o->reply && o->tuple.protocol == IPPROTO_TCP && o->payload_len &&
	       !(o->packet.tcp_flags & (HCT_TCP_SYN | HCT_TCP_RST));
}

/* What it acknowledges tells where its answer will begin. */
static void start_midway(struct probe *p, const struct obs *o)
{
	p->midway = true;
	p->first_seq = o->flow_seq;
	p->numbered = o->packet.tcp_flags & HCT_TCP_ACK;
	p->request_start = o->packet.seq;
	p->answer_start = p->answer_end = p->acked = o->packet.ack;
}

void probe_start(struct probe *p, uint64_t id, const struct obs *o)
{
	memset(p, 0, offsetof(struct probe, timeline));
	p->id = id;
	p->flow_id = o->flow_id;
	p->tuple = o->tuple;
	p->netns = o->netns;
	p->start_ns = o->time_ns;
	if (obs_begins_exchange(o) && (o->exchange > 1 || o->flow_seq == 0))
		start_midway(p, o);
	probe_observe(p, o);
}

void probe_goes_on(struct probe *p, const struct obs *o)
{
	if (!p->next_ns)
		p->next_ns = o->time_ns;
	if (o->skipped || o->time_ns - p->start_ns < CHECK_SHORTEST_NS)
		p->burst = true;
	note_ack(p, o);
}

bool probe_is_of_earlier(const struct probe *p, const struct obs *o)
{
	const uint8_t synack = HCT_TCP_SYN | HCT_TCP_ACK;

	/* what came with the SYN may be acknowledged, too */
	return o->reply && (o->packet.tcp_flags & synack) == synack && p->request_start &&
	       o->packet.ack && o->packet.ack - p->request_start > UINT16_MAX;
}

struct hct_tuple probe_inner_tuple(const struct probe *p)
{
	struct hct_tuple tuple = p->tuple;

	if (p->dnat.seen) {
		memcpy(tuple.target, p->dnat.addr, sizeof(tuple.target));
		tuple.target_port = p->dnat.port;
	}
	return tuple;
}

bool probe_forwarded(const struct probe *p)
{
	return p->inner_netns || (p->dnat.seen && p->dnat.device[0]);
}

const char *probe_protocol(const struct probe *p)
{
	switch (p->tuple.protocol) {
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	}
	if (p->http_request.valid)
		return "http";
	if ((p->request_bytes_len && p->request_bytes[0] == TLS_HANDSHAKE) ||
	    p->tls.state & HCT_TLS_SEEN)
		return "https";
	return "tcp";
}
