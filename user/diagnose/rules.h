/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Diagnosis: from the facts of one probe to one verdict.
 *
 * rules.c holds the ordered table; the first rule that matches gives the
 * verdict.  A rule reads nothing but struct facts, and asks the host.
 */
#ifndef HCT_RULES_H
#define HCT_RULES_H

#include "render/format.h"
#include "host/host.h"
#include "host/listener_fit.h"
#include "cli/options.h"
#include "client.h"
#include "culprit.h"
#include "extent.h"
#include "nf_place.h"
#include "probe.h"
#include "proofs.h"
#include "served.h"
#include "spoken.h"
#include "upstreams.h"
#include "verdict.h"

/* What a diagnosis starts from: given by the caller. */
struct case_facts {
	const struct probe *probe;
	const struct settings *settings;
	const struct host *host; /* may be NULL, and so may each of its functions */
	bool http_target; /* other probes of this target were HTTP */
	bool cut_short; /* the run ended before the probe was over */
	uint32_t unattached; /* a bit per enum hct_point that could not be watched */
	uint32_t attached; /* a bit per enum hct_point that is; some runs have points that others lack */
	uint32_t lost; /* a bit per enum hct_point that lost events meanwhile */
	unsigned kernel; /* of the traced host: major << 8 | minor; 0 unknown */
	uint64_t now_ns; /* when it is diagnosed, CLOCK_MONOTONIC of the traced host */
	int64_t wall_offset_ns; /* from that to the time of day */
	const struct served *served; /* who took earlier probes of the target; may be NULL */
	const struct upstreams *upstreams; /* failed connections of this host's processes; may be NULL */
	struct proofs *proofs; /* of firewall rules; what this probe proves is added; may be NULL */
};

/* The same with what follows from it: what rules and advice read. */
struct facts {
	struct case_facts given;
	const struct probe *p;
	const struct settings *s;
	bool tcp, udp, icmp, v6;
	bool http; /* an HTTP answer is what makes this check pass */
	bool tls; /* the request is a TLS handshake */
	const struct tls *records; /* of TLS, where they were followed to the end; else NULL */
	uint64_t timeout_ns;
	uint64_t lb_end_ns; /* the load balancer's FIN or RST; 0 none */
	uint64_t host_end_ns; /* ours; 0 none */
	bool host_reset; /* ours was an RST */
	uint64_t gave_up_ns; /* lb_end_ns, or the end of the timeout */
	bool early; /* it ended well before the timeout */
	bool lb_at_timeout; /* it ended it because its time was up */
	bool connected; /* the load balancer has its connection */
	bool ended_at_handshake; /* it ended it right behind that */
	bool awaits_greeting; /* it sent nothing, got nothing, and gave up: the service was to speak first */
	struct reading spoken; /* what was said, where it is neither HTTP/1 nor TLS */
	bool only_connects; /* --lb says that without HTTP the handshake is all that counts */
	bool gaps; /* events were lost: what was said may not be all */
	bool asks; /* a datagram that wants an answer */
	bool replied; /* something was answered before it gave up, whatever it is */
	bool hung_up_on; /* it sent nothing, and left when it saw that the service had: that was to speak first */
	bool waited; /* and that was long enough after the handshake to be no chance */
	bool answered; /* an answer left before it gave up; of HTTP a status line, and it is no 1xx */
	bool host_ended_first; /* ours came before its own, or there is none of its own */
	bool satisfied_by_status; /* it ended right behind the status line, and did not wait for a body */
	enum client_judges judges; /* what its kind of client goes by */
	struct extent extent; /* of the answer */
	const struct probe_incident *drop; /* the drop that explains the failure; NULL none */
	struct nf_place place; /* of drop */
	struct culprit culprit; /* the firewall's rule, where that dropped or refused it */
	const char *late_code; /* CONNECT_TIMEOUT or, once connected, RECV_RESPONSE_TIMEOUT */
	/* in words */
	uint16_t port; /* host byte order */
	const char *protocol; /* "tcp", "udp", "icmp" */
	char lb[ADDR_TEXT_LEN];
	char address[ADDR_TEXT_LEN]; /* of the target */
	char target[ENDPOINT_TEXT_LEN];
	/* the same behind a DNAT, else as above; and the namespace: " in web", " in the container", "" */
	uint16_t inner_port;
	char inner_address[ADDR_TEXT_LEN];
	char inner_target[ENDPOINT_TEXT_LEN];
	char inside[72];
	char range[PREFIX_TEXT_LEN]; /* the prefix of settings.from that the load balancer is in */
	char process[HCT_COMM_LEN + 24]; /* "nginx (pid 812)", or "the application" */
	char what[24]; /* what the probe opens with: "SYN", "datagram", "echo request" */
};

#define ARRIVALS POINT_BIT(TC_INGRESS)
#define DEPARTURES POINT_BIT(TC_EGRESS)
/* No point: among the flow's own events ahead of its drop, whatever was lost of others or later. */
#define AHEAD (UINT32_C(1) << 31)
_Static_assert(HCT_POINT_COUNT < 31, "AHEAD is no point's bit");

/* Besides the verdicts' own: told by another sign, or nothing but what is absent. */
extern const struct rule healthy_handshake, healthy_silence, xdp_elsewhere, accept_queue_overflow,
	no_route_back_forwarded, tls_unfinished, mismatch_hung_up, not_local_forwarded,
	not_local_passed_on, tproxy_nobody_listens, tproxy_nobody_receives, tproxy_no_route,
	vlan_untaken, frame_overheard, frame_of_another;

void facts_derive(struct facts *f, const struct case_facts *given);
/* Diagnoses one probe.  Never fails: what no rule explains is `unknown`. */
void diagnose(const struct case_facts *given, struct diagnosis *d);

/* Is STATUS among the codes that the check expects? */
bool facts_status_expected(const struct settings *s, int status);
/* The last ACK met a full accept queue: the load balancer's connection is none here. */
bool facts_queue_overflowed(const struct facts *f);
/* host_ops.listeners, of the namespace and for the port that P ended at.  0 or -errno. */
int probe_listeners(const struct host *host, const struct probe *p, struct host_listeners *out);
/* host_ops.owner for the connection of the probe; -ENODATA: not of this namespace.  0 or -errno. */
int facts_owner(const struct facts *f, struct host_process *out);
/* Where P came in, as far as its own events say. */
void probe_arrival(const struct host *host, const struct probe *p, struct arrival *out);
/* The socket that takes what P sends, asked from HOST.  False: none known. */
bool listener_of_probe(const struct host *host, const struct probe *p, struct host_listener *out);
bool facts_listener(const struct facts *f, struct host_listener *out);
/* The line of hosts.allow or hosts.deny by which libwrap refused.  False: not known. */
bool facts_refusal(const struct facts *f, struct host_wrappers *out);

#endif
