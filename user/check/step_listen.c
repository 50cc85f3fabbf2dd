// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 3: who listens on the checked ports, and can the load balancer reach it? */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "host/listener_fit.h"
#include "host/listener_setting.h"
#include "include/hct_event.h"
#include "include/hct_flow.h"
#include "render/format.h"

/* The sockets of one port, sorted by what they are worth to the load balancer. */
struct sockets {
	const struct host_listener *reachable, *loopback, *other_family, *other_port;
};

bool check_takes_family(const struct check_facts *f, const struct host_listener *l)
{
	if (listener_is_of_any(l))
		return (!l->v6only || check_has_family(f, true)) &&
		       (!l->v4only || check_has_family(f, false));
	return check_has_family(f, address_is_ipv6(l->addr));
}

static void sort(const struct check_facts *f, const struct host_listeners *all, uint16_t port,
		 struct sockets *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < all->n; i++) {
		const struct host_listener *l = &all->l[i];
		const struct host_listener **place = &out->reachable;

		if (l->other_netns)
			continue;
		if (l->port != port)
			place = &out->other_port;
		else if (check_is_loopback(l->addr))
			place = &out->loopback;
		else if (!check_takes_family(f, l))
			place = &out->other_family;
		if (!*place)
			*place = l;
	}
}

static void put_process(struct finding *out, const struct host_listener *l)
{
	if (l->comm[0])
		CHECK_PUT(out->what, "%s (pid %u)", l->comm, l->pid);
	else
		CHECK_PUT(out->what, "A process that could not be found");
}

/* FAMILY: it is the version of IP that matters. */
static void put_place(struct finding *out, const struct host_listener *l, bool family)
{
	char text[ENDPOINT_TEXT_LEN];

	if (listener_is_of_any(l))
		CHECK_PUT(out->what, "port %u of every %saddress", l->port,
			  l->v6only ? "IPv6 " : family && l->v4only ? "IPv4 " : "");
	else
		CHECK_PUT(out->what, "%s", format_endpoint(text, l->addr, l->port));
}

static void put_show(struct finding *out, uint8_t protocol, uint16_t port)
{
	check_show_sockets(out, protocol, port, true);
}

static void tell_listens(struct check *c, const struct host_listener *l, uint8_t protocol)
{
	struct finding out = check_finding(c, CHECK_OK);

	put_process(&out, l);
	CHECK_PUT(out.what, " listens on %s ", check_protocol_name(protocol));
	put_place(&out, l, false);
	CHECK_PUT(out.what, ".");
	put_show(&out, protocol, l->port);
	check_say(c, &out);
}

/* What is there instead of a listener that can be reached. */
static void put_instead(const struct sockets *s, uint16_t port, struct finding *out)
{
	char text[ADDR_TEXT_LEN], advice[ADVICE_LEN];

	if (s->loopback) {
		put_process(out, s->loopback);
		CHECK_PUT(out->what,
			  " listens on port %u of %s only, where the load balancer cannot "
			  "reach it.",
			  port, format_addr(text, s->loopback->addr));
		if (listener_address_advice(advice, sizeof(advice), s->loopback->comm, text))
			CHECK_ADVISE(out, "%s", advice);
		else
			CHECK_ADVISE(out,
				  "In the configuration of %s, have it listen on 0.0.0.0:%u, or "
				  "on the address that the load balancer checks, and restart it.",
				  s->loopback->comm[0] ? s->loopback->comm : "the service", port);
	} else if (s->other_family) {
		put_process(out, s->other_family);
		CHECK_PUT(out->what, " listens on port %u, but not for the load balancer's kind of "
				     "address: ", port);
		put_place(out, s->other_family, true);
		CHECK_PUT(out->what, ".");
		CHECK_ADVISE(out, "In the configuration of %s, have it listen on %s:%u, too%s, and "
				  "restart it.",
			  s->other_family->comm[0] ? s->other_family->comm : "the service",
			  s->other_family->v6only ? "0.0.0.0" : "[::]", port,
			  s->other_family->v6only ? " (an IPv6 socket takes IPv4 only without "
						    "IPV6_V6ONLY, which net.ipv6.bindv6only sets)" :
						    "");
	} else {
		CHECK_PUT(out->what, "Nobody listens on port %u.", port);
		if (s->other_port) {
			CHECK_PUT(out->why, "What does listen: %s on port %u.",
				  s->other_port->comm[0] ? s->other_port->comm : "a process",
				  s->other_port->port);
		}
		CHECK_ADVISE(out, "Start the service, or correct the port of the health check at "
				  "the load balancer.");
	}
}

static void check_port(struct check *c, uint8_t protocol, uint16_t port)
{
	const struct host *host = c->facts->host;
	struct finding out = check_finding(c, CHECK_FAIL);
	struct host_listeners all;
	struct sockets s;
	int err = host->ops->listeners(host->ctx, protocol, port, &all);

	if (err) {
		check_unread(c, err, "Who listens on %s port %u", check_protocol_name(protocol),
			     port);
		return;
	}
	sort(c->facts, &all, port, &s);
	if (s.reachable) {
		if (!check_say_bound(c, &all, protocol, port))
			tell_listens(c, s.reachable, protocol);
		return;
	}
	put_instead(&s, port, &out);
	if (check_is_redirected(c->facts, protocol, port)) {
		out.result = CHECK_NOTE;
		memset(&out.fix, 0, sizeof(out.fix));
		snprintf(out.why, sizeof(out.why),
			 "A NAT rule sends connections to it elsewhere, as "
			 "to a container: it need not be listened on here.");
	}
	if (out.result == CHECK_FAIL && check_is_kube_port(c->facts, protocol, port)) {
		out.result = CHECK_NOTE;
		memset(&out.fix, 0, sizeof(out.fix));
		snprintf(out.why, sizeof(out.why),
			 "It is a port of a Kubernetes service, which kube-proxy sends on to an "
			 "endpoint: step 4 tells what becomes of checks.");
	}
	put_show(&out, protocol, port);
	check_say(c, &out);
}

/* Everything that listens where the load balancer could reach it. */
static void list_all(struct check *c, uint8_t protocol, size_t *found)
{
	const struct host *host = c->facts->host;
	struct host_listeners all;

	int err = host->ops->listeners(host->ctx, protocol, 0, &all);

	if (err) {
		check_unread(c, err, "Who listens on %s ports", check_protocol_name(protocol));
		++*found; /* nobody can say that it is none */
		return;
	}
	if (all.truncated)
		check_unread(c, -E2BIG, "Some of the %s sockets that listen",
			     check_protocol_name(protocol));
	for (size_t i = 0; i < all.n; i++) {
		const struct host_listener *l = &all.l[i];
		struct finding out = check_finding(c, CHECK_WARN);
		bool again = false;

		if (l->other_netns || !l->port || check_is_loopback(l->addr))
			continue;
		++*found;
		for (size_t j = 0; j < i; j++)
			again |= all.l[j].port == l->port && check_takes_family(c->facts, &all.l[j]) ==
							    check_takes_family(c->facts, l);
		if (again)
			continue;
		if (check_takes_family(c->facts, l)) {
			if (!check_say_bound(c, &all, protocol, l->port))
				tell_listens(c, l, protocol);
			continue;
		}
		for (size_t j = 0; j < all.n; j++)
			again |= all.l[j].port == l->port && check_takes_family(c->facts, &all.l[j]);
		if (again)
			continue;
		put_instead(&(struct sockets){ .other_family = l }, l->port, &out);
		put_show(&out, protocol, l->port);
		check_say(c, &out);
	}
}

void check_listeners(struct check *c)
{
	const struct settings *s = c->facts->settings;
	bool tcp = check_wants(c->facts, HCT_PROTO_TCP), udp = s->protocols & HCT_PROTO_UDP;
	struct finding out = check_finding(c, CHECK_FAIL);
	size_t found = 0;

	for (size_t i = 0; i < s->n_ports; i++) {
		if (tcp)
			check_port(c, IPPROTO_TCP, s->ports[i]);
		if (udp)
			check_port(c, IPPROTO_UDP, s->ports[i]);
	}
	if (s->n_ports || (!tcp && !udp))
		return;
	if (tcp)
		list_all(c, IPPROTO_TCP, &found);
	if (udp)
		list_all(c, IPPROTO_UDP, &found);
	if (found)
		return;
	CHECK_PUT(out.what, "Nothing listens where a load balancer could reach it.");
	CHECK_SHOW(&out, udp ? "ss -ltunp" : "ss -ltnp");
	CHECK_ADVISE(&out, "Start the service, or have it listen on more than 127.0.0.1.");
	check_say(c, &out);
}
