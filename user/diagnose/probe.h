/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A probe: one TCP connection, or one request on a connection that is kept, one UDP
 * datagram or ICMP echo from the load balancer, and the facts gathered about it from observations.
 *
 * probe_observe() only collects; what the facts mean is decided in rules.c.
 */
#ifndef HCT_PROBE_H
#define HCT_PROBE_H

#include "http.h"
#include "stream/obs.h"
#include "tls/records.h"

#define PROBE_MAX_TIMELINE 32
#define PROBE_TEXT_LEN 96
#define PROBE_MAX_DEVICES 4
#define PROBE_MAX_NAT 3
#define PROBE_ANSWER_HEAD 512
#define CHECK_SHORTEST_NS UINT64_C(400000000) /* between two checks: their shortest interval is 1 s */

/* The stage that a TCP probe had reached when something happened to it. */
enum probe_stage { STAGE_CONNECT, STAGE_REQUEST, STAGE_RESPONSE };

/* By what a connection was told to be a check, or a user's request (kind.c). */
enum told_by {
	TOLD_BY_NOTHING,
	TOLD_BY_PATH,
	TOLD_BY_REQUESTS,
	TOLD_BY_HEADERS,
	TOLD_BY_PERIOD,
	TOLD_BY_CHECK,
	TOLD_BY_OTHER_REQUEST,
	TOLD_BY_OFF_PERIOD,
	TOLD_BY_MIXTURE,
	TOLD_BY_SHAPE,
	TOLD_BY_COUNT
};

/* A drop, ICMP error or reset, with where it came from. */
struct probe_incident {
	bool seen;
	bool reply; /* a packet of ours was hit, not of the load balancer */
	uint64_t time_ns;
	enum probe_stage stage;
	char device[IFNAMSIZ];
	const char *reason;
	const char *function;
	const char *stack[HCT_STACK_MAX];
	size_t stack_len;
	struct hct_rung rung; /* drops: how far through netfilter the packet came */
	uint8_t icmp_type, icmp_code;
	bool has_socket; /* resets: sent for an existing connection */
	struct hct_packet packet;
	uint8_t next_hop[16]; /* drops of a reply: the gateway that it was to go to; all zero: none known */
	bool inside; /* in the namespace that the probe was forwarded into, not in the watched one */
	bool gap; /* events of the flow were lost before it */
	uint8_t carriage; /* HCT_OTHER_MAC, HCT_FRAGMENT_*: how the packet of a drop came */
	uint16_t vlan; /* HCT_VLAN_*: the tag with which it came to the last device that it met */
};

struct timeline_entry {
	uint64_t time_ns;
	enum hct_point point;
	char device[IFNAMSIZ];
	char text[PROBE_TEXT_LEN];
	unsigned repeats; /* the same thing again, right after */
	bool inside; /* in the namespace that the probe was forwarded into */
	bool later_fragment; /* of a packet, told by an entry of its own */
};

/* Other addresses than the probe's own, that one of its packets was met with. */
struct probe_translation {
	bool seen;
	uint64_t time_ns;
	uint8_t addr[16];
	__be16 port;
	char device[IFNAMSIZ]; /* that it left by; "" where it did not leave this host */
	struct hct_packet packet;
};

/* What nftables reported of a rule that one of its packets met; names are interned. */
struct probe_rule {
	bool seen;
	bool reply; /* as in probe_incident */
	bool inside;
	uint64_t time_ns;
	uint32_t netns;
	struct obs_rule rule;
};

/*
 * A time of 0: it did not happen (or was not seen).
 *
 * What most probes have comes first; what comes behind `route` is kept by the
 * open probes that have it only (at_rest.c).
 */
struct probe {
	uint64_t id; /* counts probes of the run, from 1 */
	uint64_t flow_id;
	struct hct_tuple tuple;
	uint32_t netns;
	uint32_t inner_netns; /* the namespace that it was forwarded into; 0 none seen */
	char device_in[IFNAMSIZ];
	char device_out[IFNAMSIZ]; /* the reply's; device_in when it left there, too */
	char devices_in[PROBE_MAX_DEVICES][IFNAMSIZ]; /* bridge, VLAN, bond: all of them */
	size_t n_devices_in;
	bool left_where_it_came; /* a reply left by one of them */
	bool has_process;
	bool process_accepted; /* it took the connection, and may have handed it to another */
	uint32_t pid;
	char comm[HCT_COMM_LEN];

	uint8_t carriage_in; /* of the request's packet that arrived last, as in probe_incident */
	bool fragmented; /* it is a fragment: of its packet FRAGMENTS_HAVE bytes came */
	uint16_t vlan_in;
	uint16_t fragments_have, fragments_total; /* of so many; 0: the last one did not come */

	uint64_t start_ns; /* first packet */
	uint64_t last_ns; /* last observation */
	uint64_t end_ns; /* the event or deadline that decided it */
	uint64_t events; /* observations with a flow_seq */
	uint64_t first_seq; /* of a request on a connection that is kept; else they count from 0 */
	uint64_t last_seq; /* highest flow_seq seen */
	uint64_t missing; /* events of this flow known to be lost (gaps of flow_seq) */
	enum told_by told_by; /* set when it is over */
	bool lossy; /* events were lost while it was in flight */

	/* TCP, request direction */
	unsigned syn_count;
	uint64_t ack_ns; /* the handshake's last ACK arrived */
	uint64_t request_ns; /* first payload byte arrived */
	unsigned turns; /* of the exchange: segments of the load balancer after an answer, and the first */
	uint32_t exchange; /* the request's number on its connection, from 1; 0: not told */
	bool midway; /* it begins with its request, on a connection that was there before */
	bool burst; /* another request of the connection came sooner than a check's would */
	uint64_t next_ns; /* the load balancer went on to its next request */
	uint64_t lb_fin_ns, lb_rst_ns;
	bool lb_fin_after_ours; /* its FIN acknowledges ours */
	/* TCP, reply direction */
	unsigned synack_left; /* SYN-ACKs seen leaving a device */
	unsigned synack_retransmits;
	unsigned retransmits; /* segments after the handshake */
	uint64_t synack_ns; /* first SYN-ACK left */
	uint64_t first_byte_ns; /* first payload byte left */
	uint64_t status_ns; /* the answer's status line was complete */
	uint64_t head_ns; /* its head was */
	uint64_t answer_last_ns; /* the last byte of it that was new */
	uint64_t confirmed_ns; /* the load balancer acknowledged all that was answered until then */
	/* TCP, sequence numbers; valid with NUMBERED */
	bool numbered; /* SYN and SYN-ACK came with theirs */
	bool watched_tail; /* how the answer ends was looked at for each segment */
	uint8_t tail; /* HCT_TAIL_* */
	uint32_t request_start; /* of the first byte of the request */
	uint32_t answer_start; /* of the first byte of the answer */
	uint32_t answer_end; /* behind the last byte that left */
	uint32_t acked; /* the load balancer's highest acknowledgement */
	uint32_t biggest_acked, biggest_sent; /* bytes of a segment of the answer */
	uint64_t host_fin_ns, host_rst_ns; /* left a device */
	/* TCP, socket */
	uint64_t established_ns;
	uint64_t accepted_ns; /* first time the socket was seen to belong to a process */
	uint64_t unaccepted_ns; /* last time it was seen to belong to none, before that */
	uint64_t read_ns; /* a process read the request */
	uint64_t app_close_ns; /* a process closed it before the load balancer did */
	uint32_t unread; /* bytes nobody read, at the last look */
	bool socket_closed; /* reached TCP_CLOSE */
	bool has_listener;
	bool queue_full; /* the accept queue was full at a SYN, which listener is of */
	struct hct_listener listener; /* at the first SYN */
	uint64_t reset_received_ns;

	/* UDP and ICMP */
	unsigned request_count;
	uint64_t reply_ns; /* datagram or echo reply left */

	unsigned drop_count;
	uint64_t icmp_left_ns; /* ICMP error left a device */
	uint8_t icmp_left_type, icmp_left_code; /* of the first */
	bool passed_on; /* it left again with its own destination, to be routed elsewhere */
	char passed_device[IFNAMSIZ]; /* by which */
	char back_device[IFNAMSIZ]; /* by which it came in next */
	unsigned came_back; /* so often it came in there right behind that: no repetition, but a loop */
	uint64_t round_ns; /* when it left, or came back, last */
	uint64_t inner_reply_ns; /* a reply came back from where the request was forwarded to */
	bool has_route;
	bool route_failed; /* the last look-up seen is a failed one */
	bool has_good_route;
	bool route_inside, good_route_inside; /* looked up in the namespace that it was forwarded into */
	bool has_libwrap;
	uint8_t request_bytes[16];
	size_t request_bytes_len;
	size_t request_head_len;
	bool request_head_cut; /* more of it came than was captured */
	size_t first_bytes_len;
	/* what is no HTTP/1 (spoken.c) */
	uint8_t proxy_version; /* of the PROXY header ahead of the request; 0 none */
	bool takes_turns; /* its request takes several turns (protocol_takes_turns()) */
	bool answer_head_cut; /* more of it came than was captured */
	size_t proxy_len; /* bytes of the request's head that are a PROXY header */
	size_t greeting_len; /* bytes of the answer that left before the request came */
	size_t answer_head_len;

	size_t timeline_len;
	unsigned timeline_dropped; /* entries that found no room */

	struct hct_route route; /* last failed look-up of the reply's route, else the last */
	char route_device[IFNAMSIZ];
	struct hct_route good_route; /* last look-up that found a route */
	char good_route_device[IFNAMSIZ];

	struct probe_incident drop; /* first that hit a packet which mattered */
	struct probe_incident last_drop;
	struct probe_incident icmp_sent; /* ICMP error decided by the kernel */
	struct probe_incident icmp_drop; /* our ICMP error was dropped on its way out */
	struct probe_incident reset; /* RST decided by the kernel */
	struct probe_incident too_big; /* a router's word that a reply is too big for the path was dropped */

	struct probe_translation dnat; /* the request's destination behind a DNAT */
	struct probe_translation snat; /* a reply's source that is not the target */

	struct probe_rule rule_end; /* the last that dropped or queued one */
	struct probe_rule rule_nat[PROBE_MAX_NAT]; /* others, the last first: they may have changed it */

	struct hct_libwrap libwrap;
	uint32_t libwrap_pid;
	char libwrap_comm[HCT_COMM_LEN];
	uint64_t libwrap_ns;

	struct obs_xdp xdp; /* the last that kept a request packet from the stack; action NULL: none */

	struct http_request http_request;
	struct http_response http_response;
	struct http_answer answer; /* how it is framed */
	struct tls tls; /* its records */
	uint8_t request_head[HCT_PAYLOAD_SHORT]; /* of the request, as far as it was captured */
	uint8_t first_bytes[64]; /* of the answer, for saying what it looks like */
	uint8_t answer_head[PROBE_ANSWER_HEAD]; /* of an answer that is no HTTP/1 */

	char netns_name[64]; /* of NETNS, as `ip netns` has it; "" unknown; set when it is over */
	char inner_name[64]; /* of INNER_NETNS */

	/* Comes last, so that a copy needs to go no further than what is used. */
	struct timeline_entry timeline[PROBE_MAX_TIMELINE];
};

/* Starts P from the first observation of a flow.  Of the timeline only what is used is set. */
void probe_start(struct probe *p, uint64_t id, const struct obs *o);
/* Adds O to the facts of P, and at most one entry to its timeline. */
void probe_observe(struct probe *p, const struct obs *o);
/* Adds the TLS records that O tells to those of P (probe_tls.c). */
void probe_take_tls(struct probe *p, const struct obs *o);
/* probe_forward.c: a request that leaves again, for somebody else, by O's device. */
void probe_note_passed_on(struct probe *p, const struct obs *o);
/*
 * Does O tell of a packet that was passed on, and that a loop brought back?  Counted at
 * one device only: a bridge or a VLAN above it sees it, too.
 */
bool probe_is_return(struct probe *p, const struct obs *o);
/* The ICMP error O leaves, in answer to a request. */
void probe_note_icmp_left(struct probe *p, const struct obs *o);
/* ICMP_SENT: does it tell of a better way, so that the packet itself went on? */
bool obs_is_redirect(const struct obs *o);
/* O begins the next request on P's connection: so P's answer was complete for the load balancer. */
void probe_goes_on(struct probe *p, const struct obs *o);
/* Is O the first segment of a request on a connection that is kept, with its content? */
bool obs_begins_exchange(const struct obs *o);
/* Is O a SYN-ACK of another SYN that came from the same port before? */
bool probe_is_of_earlier(const struct probe *p, const struct obs *o);
/* The tuple with which the probe meets a socket: behind a DNAT another than its own. */
struct hct_tuple probe_inner_tuple(const struct probe *p);
/* Was it forwarded, to a container or another host? */
bool probe_forwarded(const struct probe *p);
/* "tcp", "http", "https", "udp", "icmp": what kind of check it was, as far as seen. */
const char *probe_protocol(const struct probe *p);

#endif
