// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who listens where a probe met no socket: what keeps its sockets from the probe,
 * and who took earlier ones.  The host was asked after the probe, so what it says
 * is never put ahead of what was seen in time.
 */
#include <inttypes.h>
#include <string.h>

#include "diagnose/ask.h"
#include "diagnose/verdict/report.h"
#include "host/listener_setting.h"

#define NS_PER_SEC UINT64_C(1000000000)
#define LONG_AGO_NS (12 * 3600 * NS_PER_SEC) /* from then on the time of day alone is not clear */
#define MAX_NAMED 3
#define LOOK_FOR "what keeps packets from a socket that listens: a BPF program of its SO_REUSEPORT " \
		 "group, or one of the type sk_lookup"

/* "18:07:43", and how long before the probe that was, where it is long. */
static void say_time(const struct facts *f, uint64_t time_ns, struct diagnosis *d)
{
	uint64_t ago = f->p->start_ns > time_ns ? f->p->start_ns - time_ns : 0;
	char clock[CLOCK_TEXT_LEN];

	format_clock(clock, (int64_t)time_ns + f->given.wall_offset_ns);
	say(WHY(d), "%.8s", clock);
	if (ago >= LONG_AGO_NS)
		say(WHY(d), " (%" PRIu64 " hours before)", ago / (3600 * NS_PER_SEC));
}

/* Seconds from the probe until the host was asked; 0: at once. */
static uint64_t asked_late(const struct facts *f)
{
	return f->given.now_ns > f->p->start_ns ? (f->given.now_ns - f->p->start_ns) / NS_PER_SEC : 0;
}

static void say_comm(const char *comm, uint32_t pid, struct diagnosis *d)
{
	say(WHY(d), "%.15s (pid %" PRIu32 ")", comm[0] ? comm : "a process", pid);
}

/* Who answered the target's probes until when. */
static void say_until(const struct facts *f, struct diagnosis *d)
{
	const struct served *s = f->given.served;

	if (s->pid)
		say_comm(s->comm, s->pid, d);
	else
		say(WHY(d), "A process");
	say(WHY(d), s->spoke ? " answered it until " : " listened on it until ");
	say_time(f, s->until_ns, d);
}

/* Did the same target's probes end in a socket before, where this one met none? */
static bool was_served(const struct facts *f)
{
	const struct served *s = f->given.served;
	struct hct_tuple inner = probe_inner_tuple(f->p);

	if (!s || !s->until_ns || s->until_ns > f->p->start_ns)
		return false;
	return s->forwarded == probe_forwarded(f->p) &&
	       (!s->forwarded || memcmp(s->addr, inner.target, sizeof(s->addr)) == 0);
}

static bool is_same(const struct host_listener *l, uint32_t pid, const char *comm)
{
	return pid && l->pid == pid && strncmp(l->comm, comm, sizeof(l->comm)) == 0;
}

/* ---- a socket that should have taken it ---- */

/* In a VRF the look-up at the device, ahead of the kernel's own, does not say what that finds. */
static bool was_seen_in_time(const struct facts *f, const struct arrival *in)
{
	return f->p->has_listener && f->p->listener.found && !in->vrf[0];
}

static void say_by_now(const struct facts *f, struct diagnosis *d)
{
	uint64_t late = asked_late(f);

	if (late)
		say(WHY(d), " when asked %" PRIu64 " s later", late);
	else
		say(WHY(d), " by now");
}

/* It listened already after an earlier probe, which was refused like this one. */
static void say_listens_all_along(const struct facts *f, const struct host_listener *l,
				  struct diagnosis *d)
{
	say_process(WHY(d), l);
	say(WHY(d), " listened on that port at ");
	say_time(f, f->given.served->listens_ns, d);
	say(WHY(d), ", after an earlier probe had been refused, and does by now, but the kernel's "
		    "look-up found no socket for this one.");
	add_advice(d, "Look for " LOOK_FOR "; or for why the service closes its socket and opens it "
		      "again.");
	if (command_is_set(&d->fix.show))
		SHOW_COMMAND(d, "; ");
	SHOW_COMMAND(d, "bpftool prog; bpftool link");
}

static void say_takes(const struct facts *f, const struct host_listener *l,
		      const struct arrival *in, struct diagnosis *d)
{
	const struct served *s = f->given.served;

	say(WHY(d), " ");
	if (s && s->listens_ns && s->listens_ns < f->p->start_ns) {
		if (is_same(l, s->listens_pid, s->listens_comm)) {
			say_listens_all_along(f, l, d);
			return;
		}
		say_comm(s->listens_comm, s->listens_pid, d);
		say(WHY(d), " listened on that port at ");
		say_time(f, s->listens_ns, d);
		say(WHY(d), ", and ");
		say_process(WHY(d), l);
		say(WHY(d), " does");
		say_by_now(f, d);
		say(WHY(d), ": it was restarted in between.");
		add_advice(d, "See the log of the service for why it is restarted.");
		return;
	}
	if (was_served(f) && s->pid) {
		say_until(f, d);
		if (is_same(l, s->pid, s->comm)) {
			say(WHY(d), ", and listens");
			say_by_now(f, d);
			say(WHY(d), ", but no socket took this probe.");
			add_advice(d, "There is nothing to do if it closed its socket for a moment, as "
				      "for a reload; else look for " LOOK_FOR ".");
			return;
		}
		say(WHY(d), ", and ");
		say_process(WHY(d), l);
		say(WHY(d), " listens");
		say_by_now(f, d);
		say(WHY(d), ", but no socket took this probe.");
		/* a worker may have answered, and its master has the socket */
		if (strncmp(l->comm, s->comm, sizeof(l->comm)) == 0)
			add_advice(d, "There is nothing to do if the service was just restarted; else "
				      "look for " LOOK_FOR ".");
		else
			add_advice(d, "There is nothing to do if that one was meant to take the port "
				      "over; else start the other again.");
		return;
	}
	if (was_seen_in_time(f, in))
		say(WHY(d), "A socket listened on it when the probe came in, but did not get it. ");
	say_process(WHY(d), l);
	say(WHY(d), " listens on that port");
	say_by_now(f, d);
	say(WHY(d), ".");
	if (was_seen_in_time(f, in))
		add_advice(d, "There is nothing to do if the service was just restarted; else look for "
			      LOOK_FOR ".");
	else
		add_advice(d, "There is nothing to do if the service was just starting; else see its "
			      "log for restarts.");
}

/* ---- sockets that cannot take it ---- */

static bool is_vrf(const struct facts *f, const char *device)
{
	struct host_devices all;

	if (ask_devices(f->given.host, &all))
		return false;
	for (size_t i = 0; i < all.n && i < HOST_MAX_DEVICES; i++)
		if (strcmp(all.d[i].name, device) == 0)
			return all.d[i].vrf;
	return false;
}

static void say_arrival(const struct arrival *in, struct diagnosis *d)
{
	say(WHY(d), "the probe came by %.15s", in->device);
	if (in->vrf[0])
		say(WHY(d), ", a member of the VRF %.15s", in->vrf);
}

static void advise_device(const struct host_listener *l, const struct arrival *in,
			  struct diagnosis *d)
{
	char advice[ADVICE_LEN];

	listener_setting_advice(advice, sizeof(advice), l->comm, l->device,
				in->vrf[0] ? in->vrf : in->device);
	add_advice(d, "%s", advice);
}

static void report_device(const struct facts *f, const struct host_listener *const *l, size_t n,
			  const struct arrival *in, struct diagnosis *d)
{
	for (size_t i = 0; i < n; i++) {
		say(WHY(d), i ? ", " : " ");
		say_process(WHY(d), l[i]);
		say(WHY(d), "%s for %s%.15s only", i ? "" : " listens",
		    is_vrf(f, l[i]->device) ? "the VRF " : "", l[i]->device);
	}
	say(WHY(d), "; ");
	say_arrival(in, d);
	say(WHY(d), ".");
	advise_device(l[0], in, d);
	add_advice(d, "Or have the load balancer check an address that it reaches by %s.",
		   l[0]->device);
}

static void report_outside_vrf(const struct facts *f, const struct host_listener *l,
			       const struct arrival *in, struct diagnosis *d)
{
	const char *name = f->udp ? "net.ipv4.udp_l3mdev_accept" : "net.ipv4.tcp_l3mdev_accept";

	say(WHY(d), " ");
	say_process(WHY(d), l);
	say(WHY(d), " listens on that port for no VRF; ");
	say_arrival(in, d);
	say(WHY(d), ", and %s=0 keeps what comes by a VRF from sockets that are bound to no device.",
	    name);
	add_advice(d, "Run the service in the VRF (`ip vrf exec %s` in front of its command, or "
		      "BindToDevice=%s in its systemd socket unit), or set %s to 1, which opens the "
		      "sockets of all services to all VRFs.", in->vrf, in->vrf, name);
}

static void report_family(const struct facts *f, const struct host_listener *l, struct diagnosis *d)
{
	say(WHY(d), " ");
	say_process(WHY(d), l);
	say(WHY(d), " listens on that port for %s only.", f->v6 ? "IPv4" : "IPv6");
	if (f->v6)
		add_advice(d, "Make it listen on [::]:%u as well, in the service's configuration, and "
			      "restart it.", f->inner_port);
	else
		add_advice(d, "Make it listen on 0.0.0.0:%u as well: switch its option for IPv6 only "
			      "off, or set net.ipv6.bindv6only to 0, and restart it.", f->inner_port);
}

static void report_address(const struct facts *f, const struct host_listener *const *l, size_t n,
			   const struct arrival *in, struct diagnosis *d)
{
	char addr[ADDR_TEXT_LEN], advice[ADVICE_LEN];

	for (size_t i = 0; i < n; i++) {
		say(WHY(d), i ? ", " : " ");
		say_process(WHY(d), l[i]);
		say(WHY(d), "%s of %s", i ? "" : " listens on that port", format_addr(addr, l[i]->addr));
		if (l[i]->device[0])
			say(WHY(d), " by %.15s", l[i]->device);
		say(WHY(d), " only");
	}
	say(WHY(d), ".");
	if (listener_address_advice(advice, sizeof(advice), l[0]->comm,
				    format_addr(addr, l[0]->addr)))
		add_advice(d, "%s", advice);
	else
		add_advice(d, "Make it listen on %s:%u instead (or on %s), in the service's "
			      "configuration, and restart it.", f->v6 ? "[::]" : "0.0.0.0",
			   f->inner_port, f->inner_target);
	if (l[0]->device[0] && in->device[0] && strcmp(l[0]->device, in->device) != 0 &&
	    strcmp(l[0]->device, in->vrf) != 0)
		advise_device(l[0], in, d);
}

static bool is_named(const struct host_listener *const *named, size_t n, const struct host_listener *l)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(named[i]->addr, l->addr, 16) == 0 &&
		    strcmp(named[i]->device, l->device) == 0)
			return true;
	return false;
}

/* Those sockets on the port that come nearest to taking it.  False: there is none on the port. */
static bool say_same_port(const struct facts *f, const struct host_listeners *all, struct diagnosis *d)
{
	const struct host_listener *nearest[MAX_NAMED];
	struct hct_tuple inner = probe_inner_tuple(f->p);
	enum listener_fit best = LISTENER_OF_ADDRESS;
	struct arrival in;
	size_t n = 0;

	probe_arrival(f->given.host, f->p, &in);
	for (size_t i = 0; i < all->n && i < HOST_MAX_LISTENERS; i++) {
		const struct host_listener *l = &all->l[i];
		enum listener_fit fit;

		if (l->port != f->inner_port || l->other_netns)
			continue;
		fit = listener_fit(l, inner.target, &in);
		if (fit < best)
			n = 0;
		if (fit <= best && n < MAX_NAMED && !is_named(nearest, n, l))
			nearest[n++] = l;
		if (fit < best)
			best = fit;
	}
	if (!n)
		return false;
	if (best != LISTENER_TAKES && was_served(f)) {
		say(WHY(d), " ");
		say_until(f, d);
		say(WHY(d), ".");
	}
	switch (best) {
	case LISTENER_TAKES:
		say_takes(f, nearest[0], &in, d);
		return true;
	case LISTENER_OF_DEVICE:
		report_device(f, nearest, n, &in, d);
		break;
	case LISTENER_OUTSIDE_VRF:
		report_outside_vrf(f, nearest[0], &in, d);
		break;
	case LISTENER_OF_FAMILY:
		report_family(f, nearest[0], d);
		break;
	case LISTENER_OF_ADDRESS:
		report_address(f, nearest, n, &in, d);
		break;
	}
	if (asked_late(f))
		say(WHY(d), " That was asked %" PRIu64 " s after the probe.", asked_late(f));
	return true;
}

/* ---- no socket on the port ---- */

static void say_other_ports(const struct facts *f, const struct host_listeners *all,
			    struct diagnosis *d)
{
	unsigned named = 0;

	for (size_t i = 0; i < all->n && i < HOST_MAX_LISTENERS && named < 5; i++) {
		const struct host_listener *l = &all->l[i];

		if (l->port == f->inner_port || l->other_netns)
			continue;
		say(WHY(d), "%s%u", named++ ? ", " : " Ports that can be reached here: ", l->port);
		if (l->comm[0])
			say(WHY(d), " (%.15s)", l->comm);
	}
	if (named)
		say(WHY(d), ".");
}

/* Earlier probes of the target were answered by a process: where is that now?  False: they were not. */
static bool say_served(const struct facts *f, const struct host_listeners *all, struct diagnosis *d)
{
	const struct served *s = f->given.served;
	const struct host_listener *now = NULL;

	if (!was_served(f))
		return false;
	for (size_t i = 0; i < all->n && i < HOST_MAX_LISTENERS && !now; i++)
		if (!all->l[i].other_netns && is_same(&all->l[i], s->pid, s->comm))
			now = &all->l[i];
	say(WHY(d), " ");
	say_until(f, d);
	if (now)
		say(WHY(d), ", and listens on port %u, but no longer on this one", now->port);
	say(WHY(d), ".");
	if (now)
		add_advice(d, "Have it listen on port %u again, in its configuration, and restart it; "
			      "or correct the port of the health check.", f->inner_port);
	else
		add_advice(d, "Start %s again; its log says why it ended, or no longer listens.",
			   s->pid && s->comm[0] ? s->comm : "the service");
	return true;
}

/* Earlier probes were passed on to a container or another host, and this one was not. */
static bool say_former_forward(const struct facts *f, struct diagnosis *d)
{
	const struct served *s = f->given.served;
	struct host_listeners all;
	char to[ENDPOINT_TEXT_LEN];

	if (!s || !s->until_ns || s->until_ns > f->p->start_ns || !s->forwarded ||
	    probe_forwarded(f->p))
		return false;
	say(WHY(d), " Until ");
	say_time(f, s->until_ns, d);
	say(WHY(d), " NAT passed it on to %s", format_endpoint(to, s->addr, s->port));
	if (s->netns_name[0])
		say(WHY(d), " in %.63s", s->netns_name);
	if (s->netns && !ask_listeners_in(f->given.host, s->netns, f->p->tuple.protocol, s->port, &all) &&
	    all.n && all.l[0].port == s->port) {
		say(WHY(d), ", where ");
		say_process(WHY(d), &all.l[0]);
		say(WHY(d), " still listens");
	}
	say(WHY(d), "; this probe was not passed on.");
	add_advice(d, "Bring the NAT rule, or the port mapping, back that passed it on: restart the "
		      "container or what made the rule.");
	return true;
}

void say_who_listens(const struct facts *f, struct diagnosis *d)
{
	struct host_listeners all;

	show_listeners(f, d);
	if (say_former_forward(f, d))
		return;
	if (probe_listeners(f->given.host, f->p, &all)) {
		all.n = 0;
		if (!say_served(f, &all, d))
			add_advice(d, "Start the service, or correct the port of the health check.");
		return;
	}
	if (say_same_port(f, &all, d) || say_served(f, &all, d))
		return;
	say_other_ports(f, &all, d);
	add_advice(d, "Start the service that belongs on port %u, or correct the %s.", f->inner_port,
		   f->p->dnat.seen ? "destination of the NAT rule" : "port of the health check");
}
