// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What was wrong with how a request came, whatever it says: its VLAN tag, its MAC address, fragments. */
#include <inttypes.h>
#include <string.h>

#include "diagnose/ask.h"
#include "diagnose/verdict/report.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* ---- a VLAN tag that no device takes, a frame for another's MAC address ---- */

/*
 * Where the kernel leaves a packet for one of the two: IP, which accepts none that is
 * PACKET_OTHERHOST, or ahead of it, where another tag is inside.
 */
static bool was_for_another(const struct probe_incident *drop)
{
	static const char *const reasons[] = { "OTHERHOST", "UNHANDLED_PROTO" };
	static const char *const functions[] = { "ip_rcv", "ip_rcv_core", "ipv6_rcv", "ip6_rcv_core",
						 "__netif_receive_skb_core" };

	return drop && !drop->reply &&
	       dropped_for(drop, reasons, N(reasons), functions, N(functions));
}

static bool has_tag(const struct probe_incident *drop)
{
	return drop->vlan & (HCT_VLAN_NUMBER | HCT_VLAN_TWICE);
}

/* vlan_do_receive() finds a device for the tag, which is down. */
static bool met_device_down(const struct probe_incident *drop)
{
	return drop && has_tag(drop) && has_no_reason(drop) &&
	       (function_is(drop->function, "vlan_do_receive") ||
		function_is(drop->function, "vlan_skb_recv"));
}

static enum match match_vlan(const struct facts *f)
{
	if (met_device_down(f->drop))
		return MATCH_CERTAIN;
	if (!was_for_another(f->drop) || !has_tag(f->drop))
		return NO_MATCH;
	return has_no_reason(f->drop) ? MATCH_LIKELY : MATCH_CERTAIN;
}

static void report_vlan(const struct facts *f, struct diagnosis *d)
{
	const struct probe_incident *drop = f->drop;
	unsigned number = drop->vlan & HCT_VLAN_NUMBER;
	const char *device = drop->device[0] ? drop->device :
			     f->p->device_in[0] ? f->p->device_in : "its device";

	where_set(d, "device", drop);
	say(WHY(d), "The %s came to %s tagged with VLAN %u", packet_words(f, drop), device, number);
	if (drop->vlan & HCT_VLAN_TWICE)
		say(WHY(d), " and another tag inside");
	if (met_device_down(drop))
		say(WHY(d), ", but this host's device for that VLAN is down, so the kernel dropped it");
	else
		say(WHY(d), ", and this host has no device for that VLAN on %s, so the kernel dropped it",
		    device);
	if (!has_no_reason(drop))
		say(WHY(d), " (%s)", drop->reason);
	say(WHY(d), ".");
	if (met_device_down(drop))
		add_advice(d, "Set that device up, and add its addresses and routes that went with it.");
	else
		add_advice(d, "If this host belongs to VLAN %u, add a device for it on %s (type vlan, id "
			      "%u) with the address %s and the way back, as the network configuration has "
			      "it. If it does not, let the switch or the hypervisor hand over this port's "
			      "traffic untagged.", number, device, number, f->address);
	SHOW_COMMAND(d, "ip -d link show type vlan");
}

static enum match match_other_mac(const struct facts *f)
{
	const struct probe_incident *drop = f->drop;

	if (!was_for_another(drop) || has_tag(drop))
		return NO_MATCH;
	if (!(drop->carriage & HCT_OTHER_MAC) &&
	    (has_no_reason(drop) || strcmp(drop->reason, "OTHERHOST") != 0))
		return NO_MATCH;
	return has_no_reason(drop) ? MATCH_LIKELY : MATCH_CERTAIN;
}

/* The route to the target ends here where it is an address of this host. */
static bool target_is_elsewhere(const struct facts *f)
{
	const uint8_t *target = f->p->tuple.target;
	struct host_route route;

	return ask_route_back(f->given.host, target, target, &route) == 0 &&
	       (route.err || strncmp(route.text, "local ", 6) != 0);
}

/* Another host's check, which the interface heard as it is promiscuous, or the switch floods. */
static enum match match_overheard(const struct facts *f)
{
	return match_other_mac(f) && target_is_elsewhere(f) ? MATCH_CERTAIN : NO_MATCH;
}

static void report_overheard(const struct facts *f, struct diagnosis *d)
{
	const char *device = f->p->device_in[0] ? f->p->device_in : "an interface";

	where_set(d, "device", f->drop);
	say(WHY(d), "The frame with the %s was for another host's MAC address, and %s is no address of "
		    "this host: %s overheard a check of another host. How that ended is not seen here.",
	    packet_words(f, f->drop), f->address, device);
	add_advice(d, "Nothing is wrong with that for this host. If %s ought to be its address, add it "
		      "here; to hear less, end the capture that made %s promiscuous, and see why the "
		      "switch sends such frames to this port.", f->address, device);
	if (f->p->device_in[0])
		SHOW_COMMAND(d, "ip -d link show dev %s", f->p->device_in);
}

static void report_other_mac(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "device", f->drop);
	say(WHY(d), "The frame with the %s was for another MAC address than that of %s, so the kernel "
		    "dropped it, although %s is an address of this host", packet_words(f, f->drop),
	    f->p->device_in[0] ? f->p->device_in : "the interface", f->address);
	if (!has_no_reason(f->drop))
		say(WHY(d), " (%s)", f->drop->reason);
	say(WHY(d), ": the router, or who sends it, has another host's MAC address for %s.", f->address);
	add_advice(d, "Clear the neighbour entry of %s on the router, and look for another host that has "
		      "that address, or had it.", f->address);
	if (f->p->device_in[0])
		SHOW_COMMAND(d, "tcpdump -enp -c 10 -i %s host %s", f->p->device_in, f->lb);
}

const struct rule vlan_untaken = { .absence = AHEAD, .match = match_vlan, .report = report_vlan };
const struct rule frame_overheard = { .match = match_overheard, .report = report_overheard };
const struct rule frame_of_another = { .absence = AHEAD, .match = match_other_mac,
				       .report = report_other_mac };

/* ---- a fragment is missing ---- */

enum { TIME_EXCEEDED = 11 }; /* the kernel's word to the sender, when it gives up */

static bool is_incomplete(const struct probe *p)
{
	return p->fragmented &&
	       (!p->fragments_total || p->fragments_have < p->fragments_total);
}

/* The kernel has waited long enough for the others. */
static bool reassembly_gave_up(const struct probe_incident *drop)
{
	return (drop->reason && strcmp(drop->reason, "FRAG_REASM_TIMEOUT") == 0) ||
	       (has_no_reason(drop) && (function_is(drop->function, "ip_expire") ||
					function_is(drop->function, "ip6frag_expire_frag_queue")));
}

/* Only a packet that is complete comes to its socket: what was done there contradicts. */
static enum match match_fragment_lost(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!is_incomplete(p) || (f->drop && !reassembly_gave_up(f->drop)) || f->early)
		return NO_MATCH;
	if (p->reset.seen || (p->icmp_sent.seen && p->icmp_sent.icmp_type != TIME_EXCEEDED))
		return NO_MATCH;
	if (!f->tcp)
		return p->reply_ns ? NO_MATCH : MATCH_CERTAIN;
	if (!f->connected)
		return p->synack_ns ? NO_MATCH : MATCH_CERTAIN;
	return p->read_ns || p->first_byte_ns || p->unread ? NO_MATCH : MATCH_CERTAIN;
}

static void report_fragment_lost(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	const char *what = f->tcp && f->connected ? "request" : f->what;
	const char *name = f->v6 ? "net.ipv6.ip6frag_time" : "net.ipv4.ipfrag_time";
	int64_t seconds;

	where_set(d, "network", f->drop);
	if (p->fragments_total)
		say(WHY(d), "The %s came in fragments, and only %u of its %u bytes arrived%s%s", what,
		    p->fragments_have, p->fragments_total, p->device_in[0] ? " on " : "",
		    p->device_in);
	else
		say(WHY(d), "The %s came in fragments, and the last of them did not arrive%s%s: %u bytes "
			    "did", what, p->device_in[0] ? " on " : "", p->device_in, p->fragments_have);
	say(WHY(d), ", so the kernel cannot put it together and hands it to no socket; it forgets them");
	if (ask_sysctl(f->given.host, name, &seconds) == 0)
		say(WHY(d), " after %" PRId64 " s", seconds);
	say(WHY(d), " (%s).", name);
	add_advice(d, "A fragment was lost on the way, or something ahead of this host drops fragments: a "
		      "security group, a firewall, a tunnel. Let them pass, or have none made: find out "
		      "why the %s is bigger than the path's MTU, or who splits it.", what);
	SHOW_COMMAND(d, f->v6 ? "nstat -az Ip6ReasmReqds Ip6ReasmFails Ip6ReasmTimeout" :
				"nstat -az IpReasmReqds IpReasmFails IpReasmTimeout");
	if (f->connected)
		d->code = f->late_code;
}

const struct verdict verdict_fragment_lost = {
	.id = "fragment-lost",
	.code = "CONNECT_TIMEOUT",
	.step = "2",
	.summary = "a fragment of it is missing",
	.meaning = "The request came in IP fragments, and not all of them arrived: the kernel waits for "
		"the rest and then forgets what it has.",
	.evidence = "Fragments of the request were seen to arrive that do not make the whole packet, and "
		"nothing behind the kernel's reassembly saw it.",
	.remedy = "Look for what drops fragments ahead of this host (security group, network ACL, "
		"firewall, tunnel), and for why the packet is split at all: its size and the path's MTU.",
	.outcome = OUTCOME_FAIL,
	.rule = { .absence = ARRIVALS | POINT_BIT(DROP), .match = match_fragment_lost,
		  .report = report_fragment_lost },
};
