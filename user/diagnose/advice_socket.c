// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Advice: nobody listens, or the listener's queue is full. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "ask.h"
#include "rule_sets.h"

static void say_process(char *text, size_t size, const struct host_listener *l)
{
	if (l->pid)
		say(text, size, "%.15s (pid %" PRIu32 ")", l->comm[0] ? l->comm : "a process",
		    l->pid);
	else
		say(text, size, "A process");
}

static bool is_any(const uint8_t addr[16])
{
	static const uint8_t any[16], any_v4[16] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, any, 16) == 0 || memcmp(addr, any_v4, 16) == 0;
}

/* Sockets on the same port that this probe cannot reach.  True when there is one. */
static bool say_same_port(const struct facts *f, const struct host_listeners *all,
			  struct diagnosis *d)
{
	char addr[ADDR_TEXT_LEN];

	for (size_t i = 0; i < all->n && i < HOST_MAX_LISTENERS; i++) {
		const struct host_listener *l = &all->l[i];

		if (l->port != f->inner_port)
			continue;
		say(WHY(d), " ");
		say_process(WHY(d), l);
		if (l->other_netns) {
			char name[64];

			say(WHY(d), " listens on that port in another network namespace");
			if (ask_netns_name(f->given.host, l->netns, name) == 0 && name[0])
				say(WHY(d), " (%.63s)", name);
			say(WHY(d), ".");
			say(FIX(d), "Publish the port of the container or namespace on this host "
				    "(DNAT or a port mapping), or "
				    "run the service in the host's namespace.");
			return true;
		}
		if (l->v6only && !f->v6) {
			say(WHY(d), " listens on that port for IPv6 only.");
			say(FIX(d),
			    "Make it listen on 0.0.0.0:%u as well (bindv6only off in the service, "
			    "or "
			    "sysctl -w net.ipv6.bindv6only=0 and restart it).",
			    f->inner_port);
			return true;
		}
		if (is_any(l->addr)) {
			say(WHY(d), " listens on that port by now.");
			say(FIX(d), "Nothing, if the service was just starting; else see its log "
				    "for restarts.");
			return true;
		}
		say(WHY(d), " listens on that port of %s only.", format_addr(addr, l->addr));
		say(FIX(d),
		    "Make it listen on %s:%u instead (or on %s), in the service's configuration, "
		    "and restart it.",
		    f->v6 ? "[::]" : "0.0.0.0", f->inner_port, f->inner_target);
		return true;
	}
	return false;
}

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

static void say_who_listens(const struct facts *f, struct diagnosis *d)
{
	struct host_listeners all;

	if (probe_listeners(f->given.host, f->p, &all)) {
		say(FIX(d),
		    "Start the service, or correct the port of the health check; 'ss -%clnp' shows "
		    "who listens where.",
		    f->udp ? 'u' : 't');
		return;
	}
	if (say_same_port(f, &all, d))
		return;
	say_other_ports(f, &all, d);
	say(FIX(d),
	    "Start the service that belongs on port %u, or correct the port of the health check "
	    "('ss -%clnp').",
	    f->inner_port, f->udp ? 'u' : 't');
}

/* Was it refused, but by no socket look-up of this host, although those are watched? */
static bool refused_elsewhere(const struct facts *f)
{
	const struct probe *p = f->p;
	int64_t forwards;

	return p->host_rst_ns && !p->reset.seen && !f->drop && !p->lossy && !p->missing &&
	       !(f->given.unattached & (POINT_BIT(RESET_SENT) | POINT_BIT(DROP))) &&
	       ask_sysctl(f->given.host,
			  f->v6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward",
			  &forwards) == 0 &&
	       forwards;
}

void tell_no_listener(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "socket", f->drop);
	if (refused_elsewhere(f)) {
		d->confidence = CONFIDENCE_LIKELY;
		say(WHY(d),
		    "The connection to %s was refused with a reset that did not come from this "
		    "host itself: NAT passes it on, with another source address, to where nobody "
		    "listens.",
		    f->target);
		say(FIX(d),
		    "conntrack -L -s %s shows where it goes; start the service there, or correct "
		    "the NAT rule ('iptables-save -t nat', 'nft list ruleset').",
		    f->lb);
		return;
	}
	say(WHY(d), "Nobody listens on %s%s", f->inner_target, f->inside);
	if (f->p->dnat.seen)
		say(WHY(d), ", where a NAT rule sends %s", f->target);
	say(WHY(d), ", so the kernel refused the connection with a reset.");
	say_who_listens(f, d);
}

void tell_udp_no_listener(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "socket", f->drop);
	say(WHY(d),
	    "No process has UDP port %u open on %s%s, so the kernel answered 'port unreachable'.",
	    f->inner_port, f->inner_address, f->inside);
	say_who_listens(f, d);
}

void tell_unreachable_suppressed(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	int64_t mask = 0;
	bool known = ask_sysctl(f->given.host, "net.ipv4.icmp_ratemask", &mask) == 0 && !f->v6;
	/* bit 3: destination unreachable */
	bool limited = known && mask & 8;

	where_set(d, "socket", f->drop);
	say(WHY(d), "No process has UDP port %u open on %s%s, but no 'port unreachable' left",
	    f->inner_port, f->inner_address, f->inside);
	if (p->icmp_drop.seen)
		say(WHY(d), ": %s dropped it.",
		    nf_place(&p->icmp_drop).netfilter ? "the firewall" : "the kernel");
	else if (limited)
		say(WHY(d), ": the kernel limits their rate (net.ipv4.icmp_ratemask=%" PRId64 ").",
		    mask);
	else
		say(WHY(d), ".");
	say_who_listens(f, d);
	if (limited && !p->icmp_drop.seen)
		say(FIX(d),
		    " To let the load balancer see it: sysctl -w net.ipv4.icmp_ratemask=%" PRId64,
		    mask & ~INT64_C(8));
	say(NOTE(d), "False healthy: the load balancer takes the silence for health.");
}

void tell_icmp_ignored(const struct facts *f, struct diagnosis *d)
{
	const char *name =
		f->v6 ? "net.ipv6.icmp.echo_ignore_all" : "net.ipv4.icmp_echo_ignore_all";
	int64_t ignore = 0;
	bool known = ask_sysctl(f->given.host, name, &ignore) == 0;

	where_set(d, "socket", NULL);
	if (probe_forwarded(f->p)) {
		say(WHY(d), "The echo request from %s was forwarded to %s, but no reply came back.",
		    f->lb, f->inner_address);
		say(FIX(d), "There (nsenter -n -t PID): sysctl %s net.ipv4.icmp_ratelimit", name);
		return;
	}
	say(WHY(d), "The echo request from %s arrived, but no reply left", f->lb);
	if (known && ignore) {
		say(WHY(d), ": %s is %" PRId64 ".", name, ignore);
		say(FIX(d), "sysctl -w %s=0, and in /etc/sysctl.d/ to keep it.", name);
	} else {
		say(WHY(d), ": rate limit, or a program that swallows it.");
		say(FIX(d),
		    "sysctl %s net.ipv4.icmp_ratelimit net.ipv4.icmp_ratemask "
		    "net.ipv4.icmp_msgs_per_sec shows the limits.",
		    name);
	}
}

void tell_syn_queue_full(const struct facts *f, struct diagnosis *d)
{
	const struct hct_listener *listener = &f->p->listener;
	struct host_listener l = { 0 };
	int64_t max = 0;
	bool known = facts_listener(f, &l) && l.pid;
	bool by_sysctl = listener->syn_queue < listener->backlog_max &&
			 ask_sysctl(f->given.host, "net.ipv4.tcp_max_syn_backlog", &max) == 0;

	where_set(d, "socket", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->device_in);
	say(WHY(d), "%" PRIu32 " half-open connections wait at ", listener->syn_queue);
	if (known)
		say_process(WHY(d), &l);
	else
		say(WHY(d), "the listener");
	say(WHY(d), " on port %u", f->inner_port);
	if (by_sysctl)
		say(WHY(d), ", near the limit of %" PRId64 " (net.ipv4.tcp_max_syn_backlog)", max);
	else
		say(WHY(d), ", whose backlog is %" PRIu32, listener->backlog_max);
	say(WHY(d), ", and SYN cookies are off (net.ipv4.tcp_syncookies=0), so the kernel ignores "
		    "the SYN.");
	say(FIX(d), "sysctl -w net.ipv4.tcp_syncookies=1; then see who opens connections and leaves "
		    "them (a SYN flood, or replies that get lost): ss -tan state syn-recv");
	if (by_sysctl)
		say(FIX(d), ". Or raise net.ipv4.tcp_max_syn_backlog.");
}

void tell_accept_queue_full(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	struct host_listener l = { 0 };
	bool known = facts_listener(f, &l);
	uint32_t backlog = p->queue_full ? p->listener.backlog : l.backlog;
	uint32_t max = p->queue_full ? p->listener.backlog_max : l.backlog_max;
	int64_t somaxconn = 0;

	where_set(d, "socket", f->drop);
	if (known && l.pid) {
		say(WHY(d), "The accept queue of ");
		say_process(WHY(d), &l);
	} else {
		say(WHY(d), "The accept queue of the listener");
	}
	say(WHY(d),
	    " on port %u is full: %" PRIu32 " connections wait, %" PRIu32
	    " may. It does not accept fast enough, "
		    "so the kernel %s.",
	    f->inner_port, backlog, max,
	    !p->ack_ns	     ? "ignores the SYN"
	    : p->host_rst_ns ? "refuses the connection"
			     : "ignores the connection");
	say(FIX(d), "Find out why %s does not accept (top, strace -p, its log).",
	    known && l.comm[0] ? l.comm : "the process");
	if (ask_sysctl(f->given.host, "net.core.somaxconn", &somaxconn) == 0 &&
	    (int64_t)max >= somaxconn)
		say(FIX(d), " Against bursts: sysctl -w net.core.somaxconn=4096 and a larger "
			    "listen backlog in its "
			    "configuration, then restart it.");
	else
		say(FIX(d), " Against bursts: a larger listen backlog in its configuration (up to "
			    "net.core.somaxconn), then "
			    "restart it.");
	if (f->connected)
		d->code = f->late_code;
	if (!p->host_rst_ns)
		return;
	d->code = "CONNECT_INTERRUPT";
	say(WHY(d), " It answered with a reset, as net.ipv4.tcp_abort_on_overflow asks.");
}
