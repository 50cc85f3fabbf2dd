// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Advice: the way back to the load balancer is missing, wrong or blocked. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "ask.h"
#include "rule_sets.h"

static bool ask_route(const struct facts *f, struct host_route *out)
{
	/* of a container's routes this host knows nothing */
	if (f->drop && f->drop->inside)
		return false;
	return ask_route_back(f->given.host, f->p->tuple.target, f->p->tuple.lb, out) == 0;
}

static const char *device_in(const struct facts *f)
{
	return f->p->device_in[0] ? f->p->device_in : "DEV";
}

static const char *ip_command(const struct facts *f)
{
	return f->v6 ? "ip -6" : "ip";
}

/* sysctl(8) writes the dots of a device's name as slashes. */
static int64_t conf_value(const struct facts *f, const char *device, const char *name)
{
	char key[96];
	int64_t value;
	size_t at;

	at = (size_t)snprintf(key, sizeof(key), "net.ipv4.conf.");
	for (; *device && at < 40; device++)
		key[at++] = *device == '.' ? '/' : *device;
	snprintf(key + at, sizeof(key) - at, ".%s", name);
	return ask_sysctl(f->given.host, key, &value) ? -1 : value;
}

static void fix_add_route(const struct facts *f, struct diagnosis *d)
{
	say(FIX(d),
	    "%s route add %s via GATEWAY dev %s (GATEWAY: the router of %s's subnet), and make it "
	    "permanent "
	    "in the network configuration.",
	    ip_command(f), f->range, device_in(f), device_in(f));
}

void tell_rp_filter(const struct facts *f, struct diagnosis *d)
{
	int64_t all = conf_value(f, "all", "rp_filter");
	int64_t dev = f->p->device_in[0] ? conf_value(f, f->p->device_in, "rp_filter") : -1;
	int64_t effective =
		all > dev ? all : dev; /* the kernel takes the greater: IN_DEV_RPFILTER */
	struct host_route route;
	bool known = ask_route(f, &route);

	where_set(d, "route", f->drop);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->device_in);
	say(WHY(d), "Reverse-path filtering on %s dropped the %s from %s: ", device_in(f), f->what,
	    f->lb);
	if (known && !route.err && route.device[0] && strcmp(route.device, f->p->device_in) != 0)
		say(WHY(d), "the route back leads out of %s instead of %s", route.device,
		    device_in(f));
	else if ((known && route.err) || effective == 2 || f->p->route_failed)
		say(WHY(d), "this host has no route back to that address");
	else
		say(WHY(d), "the route back does not lead out of that device");
	if (all >= 0 && dev >= 0)
		say(WHY(d), " (rp_filter: all %" PRId64 ", %s %" PRId64 ")", all, device_in(f),
		    dev);
	say(WHY(d), ".");
	if (known && !route.err && route.device[0] && strcmp(route.device, f->p->device_in) != 0)
		say(FIX(d),
		    "sysctl -w net.ipv4.conf.%s.rp_filter=2 (loose; the greater of all and %s "
		    "counts). If replies "
		    "must leave by %s, also: ip route add %s via GATEWAY dev %s",
		    device_in(f), device_in(f), device_in(f), f->range, device_in(f));
	else
		fix_add_route(f, d);
}

void tell_martian_source(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "route", f->drop);
	say(WHY(d),
	    "The probe's source %s is an address of this host itself, so the kernel dropped the %s "
	    "as a forgery.",
	    f->lb, f->what);
	say(FIX(d),
	    "%s addr show to %s names the device that has it; take it off there: %s addr del %s/%d "
	    "dev DEV",
	    ip_command(f), f->lb, ip_command(f), f->lb, f->v6 ? 128 : 32);
}

void tell_not_local(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "route", f->drop);
	say(WHY(d),
	    "The %s came in%s%s, but %s is no address of this host, and this host does not pass it "
	    "on.",
	    f->what, f->p->device_in[0] ? " on " : "", f->p->device_in, f->address);
	say(FIX(d),
	    "Correct the member's address at the load balancer, or give this host the address: %s "
	    "addr "
	    "add %s/%d dev %s. If it belongs to a container or a host behind: sysctl -w %s=1, and "
	    "a "
	    "route to it.",
	    ip_command(f), f->address, f->v6 ? 128 : 32, device_in(f),
	    f->v6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward");
}

void tell_gateway_unreachable(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	const char *resolution = f->v6 ? "neighbour discovery" : "ARP";
	char gateway[ADDR_TEXT_LEN] = "", device[IFNAMSIZ] = "";
	struct host_route route;
	bool known = ask_route(f, &route);
	bool inside = f->drop && f->drop->inside;
	bool has_route = p->has_good_route && p->good_route_inside == inside;
	bool has_gateway = has_route && p->good_route.has_gateway;

	if (has_gateway)
		format_addr(gateway, p->good_route.gateway);
	else if (known && !route.err && route.has_gateway)
		format_addr(gateway, route.gateway);
	if (has_route && p->good_route_device[0])
		snprintf(device, sizeof(device), "%s", p->good_route_device);
	else if (known && route.device[0])
		snprintf(device, sizeof(device), "%s", route.device);
	where_set(d, "neighbour", f->drop);
	snprintf(d->where.device, sizeof(d->where.device), "%s", device);
	say(WHY(d), "The reply never left: %s%s%s%s does not answer %s",
	    gateway[0] ? "the gateway " : "the load balancer's address ",
	    gateway[0] ? gateway : f->lb, device[0] ? " on " : "", device, resolution);
	if (known && route.neighbour[0])
		say(WHY(d), " (neighbour state %s)", route.neighbour);
	say(WHY(d), ".");
	if (gateway[0])
		say(FIX(d),
		    "Correct the gateway of the route back (%s route get %s): %s route replace %s "
		    "via GATEWAY dev %s",
		    ip_command(f), f->lb, ip_command(f), f->range, device[0] ? device : "DEV");
	else
		say(FIX(d),
		    "The route treats %s as directly attached; give it a gateway: %s route replace "
		    "%s via GATEWAY "
		    "dev %s",
		    f->lb, ip_command(f), f->range, device[0] ? device : "DEV");
	if (f->connected)
		d->code = f->late_code;
}

/* The errors that a fib rule or route type gives (fib_props[], net/ipv4/fib_semantics.c). */
static const char *route_error(int err)
{
	switch (-err) {
	case EHOSTUNREACH:
		return "an 'unreachable' route covers";
	case EACCES:
		return "a 'prohibit' route covers";
	case EINVAL:
		return "a 'blackhole' route covers";
	default:
		return "no routing table has a route back to";
	}
}

static void tell_no_route_back_inside(const struct facts *f, struct diagnosis *d)
{
	const char *bridge = f->p->dnat.device[0] ? f->p->dnat.device : "DEV";

	where_set(d, "route", NULL);
	say(WHY(d),
	    "The %s from %s was forwarded to %s, but%s it cannot be answered: %s %s there.", f->what,
	    f->lb, f->inner_target, f->inside, route_error(f->p->route.err), f->lb);
	say(FIX(d),
	    "There (nsenter -n -t PID): %s route add default via ADDRESS, with this host's address on "
	    "%s ('ip -br addr show %s'); or start the container again.",
	    ip_command(f), bridge, bridge);
}

void tell_no_route_back(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	char table[TABLE_TEXT_LEN];
	struct host_route route;
	bool known = ask_route(f, &route);
	int err = p->route_failed ? p->route.err : known ? route.err : -ENETUNREACH;
	bool special = err == -EHOSTUNREACH || err == -EACCES || err == -EINVAL;

	if (p->route_failed && p->route_inside) {
		tell_no_route_back_inside(f, d);
		return;
	}
	where_set(d, "route", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", p->device_in);
	say(WHY(d), "The %s from %s came in%s%s, but this host cannot answer: %s %s", f->what,
	    f->lb, p->device_in[0] ? " on " : "", p->device_in, route_error(err), f->lb);
	if (special && p->route_failed && p->route.table)
		say(WHY(d), " (table %s)", format_table(table, p->route.table));
	say(WHY(d), ".");
	if (known && !route.err && route.text[0])
		say(WHY(d),
		    " A look-up without the connection's own rules finds: %.120s; so look at 'ip "
		    "rule'.",
		    route.text);
	if (special)
		say(FIX(d),
		    "%s route show table all | grep -E 'blackhole|unreachable|prohibit' shows the "
		    "route; delete it, or "
		    "add a more specific one: %s route add %s via GATEWAY dev %s",
		    ip_command(f), ip_command(f), f->range, device_in(f));
	else
		say(FIX(d),
		    "%s route add default via GATEWAY dev %s, or for the load balancer alone: %s "
		    "route add %s via "
		    "GATEWAY dev %s (GATEWAY: the router of %s's subnet); and make it permanent.",
		    ip_command(f), device_in(f), ip_command(f), f->range, device_in(f),
		    device_in(f));
}

void tell_wrong_interface(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	struct host_route route;
	bool known = ask_route(f, &route);

	where_set(d, "route", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", p->device_out);
	say(WHY(d), "The SYN came in on %s, but the SYN-ACK left by %s", p->device_in,
	    p->device_out);
	if (known && !route.err && route.text[0])
		say(WHY(d), " (route: %.160s)", route.text);
	say(WHY(d), ", and was never acknowledged: the network drops replies that leave by another "
		    "interface.");
	say(FIX(d),
	    "Send replies back by %s: ip route add default via GATEWAY dev %s table 100; ip rule "
	    "add from %s "
	    "table 100 (GATEWAY: the router of %s's subnet); and make both permanent.",
	    p->device_in, p->device_in, f->address, p->device_in);
	if (f->v6) {
		d->fix[0] = '\0';
		say(FIX(d),
		    "Send replies back by %s: ip -6 route add default via GATEWAY dev %s table "
		    "100; ip -6 rule add "
		    "from %s table 100; and make both permanent.",
		    p->device_in, p->device_in, f->address);
	}
}

void tell_reply_lost(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	unsigned again = p->synack_left > 1 ? p->synack_left - 1 : p->synack_retransmits;

	where_set(d, "network", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", p->device_out);
	if (f->connected) {
		d->code = f->late_code;
		say(WHY(d),
		    "The answer left%s%s and was sent again %u times, but the load balancer never "
		    "acknowledged it: "
		    "something beyond this host drops it, perhaps because it is too big.",
		    p->device_out[0] ? " by " : "", p->device_out, p->retransmits);
		say(FIX(d),
		    "Compare the MTU of %s with that of the path (tracepath %s); to test: "
		    "%s route change ... mtu 1400, or lower the MTU of %s.",
		    p->device_out[0] ? p->device_out : "the device", f->lb, ip_command(f),
		    p->device_out[0] ? p->device_out : "the device");
		return;
	}
	say(WHY(d), "The SYN-ACK left%s%s", p->device_out[0] ? " by " : "", p->device_out);
	if (again)
		say(WHY(d), " and was sent again %u time%s", again, again == 1 ? "" : "s");
	say(WHY(d), ", but the load balancer never acknowledged it: something beyond this host "
		    "drops replies to it.");
	say(FIX(d),
	    "Outside this host: let TCP from port %u out to %s, any destination port, in the "
	    "network ACL "
	    "of the subnet (it keeps no state), then look at the security group's outbound rules "
	    "and at the "
	    "VPC's route to %s.",
	    f->port, f->range, f->range);
}
