// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A proxy that took the check, and could not connect to what is behind it. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "diagnose/ask.h"
#include "diagnose/verdict/application.h"

#define CLOSE_NS UINT64_C(20000000) /* what fails so soon behind the end was under way before it */
#define BEFORE_CHECKS 2 /* as many checks back a failure is worth a note */
#define HTTP_BAD_GATEWAY 502

enum taker { TAKER_UNKNOWN, TAKER_THERE, TAKER_LOOPBACK, TAKER_NONE };

/* What a proxy connects to, and who would take it there. */
struct way_on {
	char proxy[HCT_COMM_LEN];
	bool seen; /* it failed: else its command line alone names it */
	struct upstream failed; /* where seen */
	uint8_t addr[16];
	uint16_t port;
	char endpoint[ENDPOINT_TEXT_LEN];
	enum taker taker;
	bool waits; /* it still waits for an answer */
	struct host_listener listener; /* that takes it, or is on loopback only */
	bool elsewhere; /* in another network namespace than the check came to */
	char netns[64]; /* its name; "" none */
};

static bool is_loopback(const uint8_t addr[16])
{
	return addr_is_loopback(addr);
}

static bool is_any(const uint8_t addr[16])
{
	static const uint8_t any[16], any_v4[16] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, any, 16) == 0 || memcmp(addr, any_v4, 16) == 0;
}

/* The process that has the connection, or else the one that listens for it. */
static bool process_of(const struct facts *f, struct host_process *out)
{
	struct host_listener l;

	memset(out, 0, sizeof(*out));
	if (f->p->has_process) {
		out->pid = f->p->pid;
		memcpy(out->comm, f->p->comm, sizeof(out->comm));
	} else if (facts_listener(f, &l)) {
		out->pid = l.pid;
		memcpy(out->comm, l.comm, sizeof(out->comm));
	}
	return out->pid != 0;
}

/* Who listens for W's address and port, in the namespace that has them. */
static void find_taker(const struct facts *f, uint32_t own_netns, struct way_on *w)
{
	const struct host *host = f->given.host;
	bool v4 = addr_is_ipv4(w->addr);
	uint32_t netns = own_netns;
	struct host_listeners all;

	if (!is_loopback(w->addr) && ask_address_netns(host, w->addr, &netns))
		return;
	w->elsewhere = netns != f->p->netns;
	if (w->elsewhere ? ask_listeners_in(host, netns, IPPROTO_TCP, w->port, &all) :
			   ask_listeners(host, IPPROTO_TCP, w->port, &all))
		return;
	if (w->elsewhere)
		ask_netns_name(host, netns, w->netns);
	w->taker = all.truncated ? TAKER_UNKNOWN : TAKER_NONE;
	for (size_t i = 0; i < all.n && i < HOST_MAX_LISTENERS; i++) {
		const struct host_listener *l = &all.l[i];

		if (l->port != w->port || l->other_netns)
			continue;
		if (memcmp(l->addr, w->addr, 16) == 0 || (is_any(l->addr) && !(l->v6only && v4))) {
			w->taker = TAKER_THERE;
			w->listener = *l;
			return;
		}
		if (is_loopback(l->addr)) {
			w->taker = TAKER_LOOPBACK;
			w->listener = *l;
		}
	}
}

static void name_way_on(struct way_on *w, const char *proxy, const uint8_t addr[16], uint16_t port)
{
	snprintf(w->proxy, sizeof(w->proxy), "%.15s", proxy[0] ? proxy : "the proxy");
	memcpy(w->addr, addr, sizeof(w->addr));
	w->port = port;
	format_endpoint(w->endpoint, addr, port);
}

/* A connection of the check's own process that was begun FROM then on, and failed UNTIL then. */
static bool find_failed(const struct facts *f, uint64_t from_ns, uint64_t until_ns,
			struct way_on *w)
{
	const struct upstreams *u = f->given.upstreams;
	struct host_process who;

	memset(w, 0, sizeof(*w));
	if (!u || !f->tcp || probe_forwarded(f->p) ||
	    !upstreams_any(u, from_ns, until_ns) || !process_of(f, &who) ||
	    !upstreams_find(u, who.pid, from_ns, until_ns, &w->failed))
		return false;
	w->seen = true;
	name_way_on(w, w->failed.comm, w->failed.addr, w->failed.port);
	find_taker(f, w->failed.netns, w);
	return true;
}

/*
 * Where failures cannot be seen: its command line says where it connects to, and nobody is
 * there.  Where they can, that none was seen says that it reached somebody.
 */
static bool find_configured(const struct facts *f, struct way_on *w)
{
	struct host_condition c;
	struct host_process who;

	memset(w, 0, sizeof(*w));
	if (!f->tcp || f->given.attached & POINT_BIT(UPSTREAM) || probe_forwarded(f->p) ||
	    !process_of(f, &who) || ask_condition(f->given.host, who.pid, &c) || !c.proxies)
		return false;
	name_way_on(w, c.comm, c.upstream, c.upstream_port);
	find_taker(f, f->p->netns, w);
	return w->taker == TAKER_NONE || w->taker == TAKER_LOOPBACK;
}

/* The check is over, and it still waits to be connected: told as it is by then. */
static bool find_waiting(const struct facts *f, struct way_on *w)
{
	struct host_condition c;
	struct host_process who;

	memset(w, 0, sizeof(*w));
	if (!f->tcp || probe_forwarded(f->p) || f->host_ended_first || f->p->first_byte_ns ||
	    !process_of(f, &who) || ask_condition(f->given.host, who.pid, &c) || !c.connecting)
		return false;
	w->waits = true;
	name_way_on(w, c.comm, c.connecting_addr, c.connecting_port);
	find_taker(f, f->p->netns, w);
	return true;
}

/* "python3, pid 77, in the container's namespace" */
static void say_taker(const struct way_on *w, char *text, size_t size)
{
	const struct host_listener *l = &w->listener;
	bool container = strcmp(w->proxy, "docker-proxy") == 0 ||
			 strncmp(w->proxy, "rootlessport", 12) == 0;

	if (l->pid)
		say(text, size, "%.15s, pid %" PRIu32, l->comm[0] ? l->comm : "a process", l->pid);
	else
		say(text, size, "a process");
	if (w->elsewhere && w->netns[0] && !container)
		say(text, size, ", in namespace %.63s", w->netns);
	else if (w->elsewhere)
		say(text, size, ", in the container's namespace");
}

static void say_reason(const struct way_on *w, char *text, size_t size)
{
	const struct upstream *failed = &w->failed;
	char addr[ADDR_TEXT_LEN], took[SPAN_TEXT_LEN];

	if (w->seen && failed->err != ECONNREFUSED) {
		format_span(took, failed->end_ns - failed->start_ns);
		if (failed->err == ETIMEDOUT || !failed->err)
			say(text, size, "no answer came in %s", took);
		else if (failed->err == EHOSTUNREACH || failed->err == ENETUNREACH)
			say(text, size, "no host answers there");
		else
			say(text, size, "%s", strerror(failed->err));
		return;
	}
	switch (w->taker) {
	case TAKER_LOOPBACK:
		say(text, size, "nobody listens there but on %s (",
		    format_addr(addr, w->listener.addr));
		say_taker(w, text, size);
		say(text, size, ")");
		break;
	case TAKER_NONE:
		say(text, size, "nobody listens there");
		break;
	case TAKER_THERE:
		say(text, size, "it was refused, although it listens there by now (");
		say_taker(w, text, size);
		say(text, size, ")");
		break;
	case TAKER_UNKNOWN:
		say(text, size, "it was refused");
		break;
	}
}

static void advise(const struct way_on *w, struct diagnosis *d)
{
	const struct host_listener *l = &w->listener;
	const char *name = l->comm[0] ? l->comm : "the service";
	bool v4 = addr_is_ipv4(w->addr);
	char addr[ADDR_TEXT_LEN], loopback[ADDR_TEXT_LEN];

	if (w->waits)
		add_advice(d, "See why %s does not answer: the host or container that it is on, and the rules on the "
			      "way there.", w->endpoint);
	else if (w->taker == TAKER_LOOPBACK && (!w->seen || w->failed.err == ECONNREFUSED))
		add_advice(d, "Let %.15s listen on %s (or %s) instead of %s, which is its own loopback: set it in its "
			      "configuration, and restart it.", name, v4 ? "0.0.0.0" : "::",
			   format_addr(addr, w->addr), format_addr(loopback, l->addr));
	else if (w->taker == TAKER_THERE)
		add_advice(d, "See whether %.15s was being restarted at that time, and its log.", name);
	else if (w->seen && w->failed.err != ECONNREFUSED)
		add_advice(d, "See why %s does not answer: the host or container that it is on, and the rules on the "
			      "way there.", w->endpoint);
	else
		add_advice(d, "Start the service that belongs on %s, or correct the address that %.15s connects to.",
			   w->endpoint, w->proxy);
	command_clear(&d->fix.show);
	if (w->elsewhere && w->listener.pid)
		SHOW_COMMAND(d, "nsenter -t %u -n ss -tlnp", w->listener.pid);
	else if (w->elsewhere && w->netns[0])
		SHOW_COMMAND(d, "ip netns exec %s ss -tlnp", w->netns);
	else if (!w->elsewhere && w->taker != TAKER_UNKNOWN)
		SHOW_COMMAND(d, "ss -tlnp");
}

/* "docker-proxy could not connect to 172.17.0.2:8080: nobody listens there" */
static void say_failed(const struct way_on *w, char *text, size_t size)
{
	if (w->waits) {
		say(text, size, "Asked right after, %s was still waiting for %s to take its own connection.",
		    w->proxy, w->endpoint);
		return;
	}
	if (!w->seen)
		say(text, size, "Probably %s could not connect to %s, which its command line names: ",
		    w->proxy, w->endpoint);
	else if (w->failed.others) /* which of them was for this check is not known */
		say(text, size, "%s could not connect to several addresses; to %s: ", w->proxy,
		    w->endpoint);
	else
		say(text, size, "%s could not connect to %s: ", w->proxy, w->endpoint);
	say_reason(w, text, size);
	if (w->failed.times > 1 && !w->failed.others)
		say(text, size, "; it tried %u times", w->failed.times);
	say(text, size, ".");
}

bool say_upstream(const struct facts *f, struct diagnosis *d)
{
	uint64_t end = f->host_ended_first ? f->host_end_ns : f->gave_up_ns;
	struct way_on w;

	if (!find_failed(f, f->p->start_ns, end + CLOSE_NS, &w) &&
	    !find_waiting(f, &w) &&
	    (!f->host_ended_first || f->p->first_byte_ns || !find_configured(f, &w)))
		return false;
	if (d->why[0])
		say(WHY(d), " ");
	say_failed(&w, WHY(d));
	advise(&w, d);
	return true;
}

bool say_upstream_of_status(const struct facts *f, int status, struct diagnosis *d)
{
	return status >= HTTP_BAD_GATEWAY && status <= HTTP_BAD_GATEWAY + 2 && say_upstream(f, d);
}

void note_upstream(const struct facts *f, struct diagnosis *d)
{
	uint64_t now = f->given.now_ns, before = BEFORE_CHECKS * f->s->interval_ns;
	struct way_on w;

	/* who only connects has gone before the proxy meets its failure: that of the last check tells */
	if (d->note[0] || f->p->request_ns ||
	    !find_failed(f, now > before ? now - before : 0, now, &w))
		return;
	w.failed.times = 1; /* of several checks together, which says nothing of its tries */
	if (w.failed.start_ns < f->p->start_ns)
		say(NOTE(d), "Just before this check, ");
	say_failed(&w, NOTE(d));
	say(NOTE(d), " A check that asks for an answer would fail.");
}
