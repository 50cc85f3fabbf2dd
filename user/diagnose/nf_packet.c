// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A packet of a probe as the firewall's rules saw it. */
#include "nf_packet.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"

/* nft_do_chain() frees what it drops since 6.7; before, nf_hook_slow() did for every backend. */
#define KERNEL_NFT_FREES (6u << 8 | 7)

static bool is_at(const struct nf_place *place, const char *hook)
{
	return strcmp(place->hook, hook) == 0;
}

/*
 * The ladder's rungs (bpf/netfilter.bpf.c), each right behind a table's standard
 * priority: the drop lies between the last one reached and the next.  Or the
 * table of iptables-legacy itself that dropped (bpf/function_nf.bpf.c).
 */
static bool rung_holds(const struct probe_incident *incident, const struct nf_place *place)
{
	static const char *const hooks[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING" }; /* NF_INET_* */

	return incident->rung.valid && !place->bridge &&
	       incident->rung.hook < sizeof(hooks) / sizeof(hooks[0]) &&
	       is_at(place, hooks[incident->rung.hook]);
}

static void set_bounds(struct host_packet *out, const struct probe_incident *incident,
		       const struct nf_place *place)
{
	static const int32_t rungs[] = { -400, -299, -149, -99, 1, 51, 101 };

	out->above = INT32_MIN;
	out->below = INT32_MAX;
	if (!rung_holds(incident, place))
		return;
	out->above = incident->rung.priority - 1;
	if (incident->rung.valid == HCT_RUNG_TABLE) {
		out->below = incident->rung.priority + 1;
		return;
	}
	for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++) {
		if (rungs[i] <= incident->rung.priority)
			continue;
		out->below = rungs[i] + 1;
		return;
	}
}

/* Has it the addresses behind the DNAT there?  Of replies the NAT is undone last of all. */
static bool is_translated(const struct probe *p, const struct probe_incident *incident,
			  const struct nf_place *place)
{
	bool rung = rung_holds(incident, place);

	if (!p->dnat.seen || (!incident->reply && p->dnat.time_ns > incident->time_ns))
		return false;
	if (incident->inside)
		return true;
	if (incident->reply)
		return !is_at(place, "EGRESS") &&
		       !(is_at(place, "POSTROUTING") && rung && incident->rung.priority > 100);
	return !is_at(place, "INGRESS") &&
	       !(is_at(place, "PREROUTING") && rung && incident->rung.priority < -99);
}

static void set_device(char out[IFNAMSIZ], const char *device)
{
	snprintf(out, IFNAMSIZ, "%s", device);
}

/* The last that it came in by: of a bridge, VLAN or bond the one that has the address. */
static const char *last_device_in(const struct probe *p)
{
	return p->n_devices_in ? p->devices_in[p->n_devices_in - 1] : p->device_in;
}

/*
 * The kernel's skb->dev is the input device up to FORWARD, and the output
 * device from ip_output() on (net/ipv4/ip_output.c).
 */
static void set_devices(const struct probe *p, const struct probe_incident *incident,
			const struct nf_place *place, struct host_packet *out)
{
	const char *in = incident->device;

	if (incident->inside)
		return; /* names of another namespace */
	if (is_at(place, "POSTROUTING") || is_at(place, "EGRESS")) {
		set_device(out->out, incident->device);
		return;
	}
	if (is_at(place, "OUTPUT")) {
		if (p->has_good_route && !p->good_route_inside)
			set_device(out->out, p->good_route_device);
		return;
	}
	if (!in[0] && !incident->reply && !place->bridge)
		in = last_device_in(p);
	set_device(out->in, in);
	if (is_at(place, "FORWARD") && !place->bridge && !incident->reply && p->dnat.seen)
		set_device(out->out, p->dnat.device);
}

static const char *backend_of(const struct probe_incident *incident, const struct nf_place *place,
			      unsigned kernel)
{
	if (rung_holds(incident, place) && incident->rung.valid == HCT_RUNG_TABLE)
		return "iptables-legacy";
	switch (place->backend) {
	case NF_BACKEND_NFT:
		return "nft";
	case NF_BACKEND_LEGACY:
		return "iptables-legacy";
	case NF_BACKEND_EBTABLES:
	case NF_BACKEND_UNKNOWN:
		break;
	}
	/* a bare nf_hook_slow(): not nft, where nft frees by itself */
	if (kernel >= KERNEL_NFT_FREES && !place->queue &&
	    function_is(incident->function, "nf_hook_slow"))
		return "iptables-legacy";
	return "";
}

static bool is_v6(const struct probe *p)
{
	return !addr_is_ipv4(p->tuple.target);
}

bool nf_packet_of(const struct probe *p, const struct probe_incident *incident,
		  const struct nf_place *place, unsigned kernel, struct host_packet *out)
{
	memset(out, 0, sizeof(*out));
	/* legacy ebtables has rules of its own kind, which nothing here reads */
	if (place->backend == NF_BACKEND_EBTABLES || (incident->inside && !p->inner_netns))
		return false;
	out->netns = incident->inside ? p->inner_netns : 0;
	out->v6 = is_v6(p);
	out->reply = incident->reply;
	snprintf(out->hook, sizeof(out->hook), "%s%s", place->bridge ? "bridge " : "", place->hook);
	snprintf(out->backend, sizeof(out->backend), "%s", backend_of(incident, place, kernel));
	set_bounds(out, incident, place);
	out->tuple = is_translated(p, incident, place) ? probe_inner_tuple(p) : p->tuple;
	out->packet = incident->packet;
	set_devices(p, incident, place, out);
	return true;
}

struct host_packet nf_packet_unbound(const struct host_packet *packet)
{
	struct host_packet any = *packet;

	any.above = INT32_MIN;
	any.below = INT32_MAX;
	return any;
}

void nf_packet_rewritten(const struct probe *p, bool reply, struct host_packet *out)
{
	memset(out, 0, sizeof(*out));
	out->v6 = is_v6(p);
	out->reply = reply;
	out->above = INT32_MIN;
	out->below = INT32_MAX;
	out->tuple = p->tuple;
	out->rewritten = true;
	out->packet = reply ? p->snat.packet : p->dnat.packet;
	if (reply) {
		set_device(out->out, p->snat.device);
		return;
	}
	snprintf(out->hook, sizeof(out->hook), "PREROUTING");
	set_device(out->in, last_device_in(p));
}

void nf_packet_arriving(const struct probe *p, struct host_packet *out)
{
	nf_packet_rewritten(p, false, out);
	memset(&out->packet, 0, sizeof(out->packet));
	if (p->tuple.protocol == IPPROTO_TCP)
		out->packet.tcp_flags = HCT_TCP_SYN;
}
