// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: no probe came at all. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "base/address.h"
#include "diagnose/ask.h"
#include "diagnose/inbound.h"
#include "diagnose/resolution.h"
#include "diagnose/silence.h"
#include "diagnose/verdict/report.h"
#include "include/hct_event.h"

static const struct host_device *find_device(const struct host_devices *devices, const char *name)
{
	for (size_t i = 0; i < devices->n && i < HOST_MAX_DEVICES; i++)
		if (strcmp(devices->d[i].name, name) == 0)
			return &devices->d[i];
	return NULL;
}

/* Not one packet of any kind: then it is no matter of the load balancer's alone. */
static void say_if_quiet(const struct silence *s, const struct host_devices *now,
			 struct diagnosis *d)
{
	size_t quiet = 0;

	for (size_t i = 0; i < now->n && i < HOST_MAX_DEVICES; i++) {
		const struct host_device *device = &now->d[i];
		const struct host_device *before = find_device(s->devices_before, device->name);

		if (!device->up)
			continue;
		if (!before || before->rx_packets != device->rx_packets)
			return;
		quiet++;
	}
	if (quiet && !now->truncated)
		say(WHY(d), " No interface received a single packet meanwhile.");
}

/* What can swallow packets ahead of the first point that hctrace watches. */
static void say_suspects(const struct silence *s, struct diagnosis *d)
{
	struct host_devices now;

	if (ask_devices(s->host, &now))
		return;
	for (size_t i = 0; i < now.n && i < HOST_MAX_DEVICES; i++) {
		const struct host_device *device = &now.d[i];
		const struct host_device *before = find_device(s->devices_before, device->name);

		if (device->xdp_prog_id && !s->own_xdp)
			say(WHY(d),
			    " On %.15s the XDP program %" PRIu32
			    " sees packets first and may drop them.",
			    device->name, device->xdp_prog_id);
		if (before && device->rx_dropped > before->rx_dropped)
			say(WHY(d), " %.15s dropped %" PRIu64 " received packets meanwhile.",
			    device->name, device->rx_dropped - before->rx_dropped);
		if (before && before->up && !device->up)
			say(WHY(d), " %.15s went down.", device->name);
		else if (!device->up && device->rx_packets)
			say(WHY(d), " %.15s, which was in use once, is down.", device->name);
	}
	say_if_quiet(s, &now, d);
}

static int ask(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	return ask_rules(((const struct silence *)ctx)->host, packet, out);
}

/* An address that the load balancer could have, of TARGET's family. */
static bool sample_lb(const struct settings *settings, const uint8_t target[16], uint8_t out[16])
{
	bool v6 = !addr_is_ipv4(target);

	for (size_t i = 0; i < settings->n_from; i++) {
		const struct prefix *from = &settings->from[i];

		if (addr_is_ipv4(from->addr) == v6)
			continue;
		memcpy(out, from->addr, 16);
		if (from->len < 127)
			out[15] |= 1; /* not the network's own */
		return true;
	}
	return false;
}

/*
 * A router that has forgotten this host asks for it: a rule of this host that drops the
 * question, or the answer, keeps all checks away.  Only of whom was probed before, the
 * way is known.
 */
static void blame_resolution(const struct silence *s, struct diagnosis *d)
{
	const uint8_t *target = s->service->tuple.target, *to;
	uint8_t lb[16];
	struct resolution_cause cause;
	char hop[ADDR_TEXT_LEN];
	struct host_route route;

	if (s->service->expected || !sample_lb(s->settings, target, lb) ||
	    ask_route_back(s->host, target, lb, &route) || route.err || !route.device[0])
		return;
	to = route.has_gateway ? route.gateway : lb;
	if (!resolution_find(ask, (void *)s, to, route.device, true, &cause))
		return;
	say(WHY(d), " %s on %s, over which checks come, cannot find this host once what it knows of it is "
		    "old, because %s.", format_addr(hop, to), route.device, cause.why);
	d->fix = cause.fix;
}

/* Requests came meanwhile, so the network lets the load balancer in. */
static void say_others(const struct silence *s, struct diagnosis *d)
{
	uint64_t n = s->service->others;
	bool one = n == 1;

	say(WHY(d), " %" PRIu64 " other request%s came meanwhile", n, one ? "" : "s");
	if (s->asked && *s->asked)
		say(WHY(d), " (%s)", s->asked);
	say(WHY(d), one ? ", which was not recognised as a check." :
			  ", none of which was recognised as a check.");
	say(ADVICE(d), "The network lets the load balancer in. If %s the check, say so: --path "
		       "PATH names it, and --all-traffic tells of each request. Else look at the "
		       "health check's settings: is it on, and its port right?",
	    one ? "that request was" : "one of them was");
}

/* What to set where this host cannot look; of the one service that fell silent, if it is known. */
static void say_outside(const struct silence *silence, struct diagnosis *d)
{
	const struct hct_tuple *tuple = &silence->service->tuple;
	const struct preset_words *w = inbound_words(silence->settings);
	struct settings one = *silence->settings, *s = &one;
	char rule[INBOUND_LEN];

	if (tuple->target_port) {
		s->n_ports = 1;
		s->ports[0] = ntohs(tuple->target_port);
	}
	if (tuple->protocol == IPPROTO_UDP)
		s->protocols = HCT_PROTO_UDP;
	add_advice(d, "Look outside this host: is the health check on, and its port right? ");
	inbound_rule(rule, s);
	if (w->group)
		say(ADVICE(d), "The inbound rules of the %s must have one with %s%s", w->group,
		    rule,
		    s->protocols & HCT_PROTO_UDP ? ", and one with ICMP" : "");
	else
		say(ADVICE(d), "Whatever filters on the way must have a rule with %s", rule);
	if (w->acl)
		say(ADVICE(d), "; the %s of the subnet must let the same in, and the answers out",
		    w->acl);
	say(ADVICE(d), ". Where the load balancer probes from elsewhere, say so (--from, --lb).");
}

void diagnose_silence(const struct silence *s, struct diagnosis *d)
{
	char silent[SPAN_TEXT_LEN], interval[SPAN_TEXT_LEN], target[ENDPOINT_TEXT_LEN];
	uint16_t port = ntohs(s->service->tuple.target_port);

	memset(d, 0, sizeof(*d));
	d->verdict = VERDICT_NO_PROBE;
	d->outcome = OUTCOME_FAIL;
	d->confidence = CONFIDENCE_CERTAIN;
	where_set(d, "network", NULL);
	format_span(silent, s->now_ns - s->service->last_ns);
	if (!s->service->expected)
		say(WHY(d), "Probes of %s stopped: the last came %s ago.",
		    format_endpoint(target, s->service->tuple.target, port), silent);
	else if (port)
		say(WHY(d), "No probe from %s for port %u came in %s.", s->settings->from_text,
		    port, silent);
	else
		say(WHY(d), "No probe from %s came in %s.", s->settings->from_text, silent);
	say(WHY(d), " Each node of the load balancer should send one every %s.",
	    format_setting(interval, s->settings->interval_ns));
	if (s->lossy)
		say(WHY(d), " Events were lost meanwhile, so some may have come unseen.");
	if (s->lossy)
		d->confidence = CONFIDENCE_GUESS;
	if (s->service->others) {
		say_others(s, d);
		return;
	}
	say_suspects(s, d);
	blame_resolution(s, d);
	say_outside(s, d);
}

const struct verdict verdict_no_probe = {
	.id = "no-probe",
	.code = NULL,
	.step = "1, 2",
	.summary = "no probe arrived",
	.meaning = "Nothing came from the load balancer for as long as it takes to declare a "
		"target unhealthy.",
	.evidence = "No packet from the probes' source addresses reached the first point that "
		"hctrace watches.",
	.remedy = "Check that the health check is enabled and its port right, and that the "
		  "security group and the network ACL of the subnet let the load balancer's "
		  "addresses in (the check's port, and the service's where that is another; of UDP "
		  "checks ICMP as well): 100.125.0.0/16 of shared and public classic load "
		  "balancers, the backend subnet of dedicated ones, the VPC's network of private "
		  "classic ones. On the host, look for an XDP program (ip link) and growing rx "
		  "drop counters (ip -s link).",
	.outcome = OUTCOME_FAIL,
};
