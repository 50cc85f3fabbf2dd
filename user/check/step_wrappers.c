// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 7: would libwrap refuse the load balancer, for a daemon that listens here? */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "check.h"
#include "render/format.h"

struct tally {
	size_t asked; /* daemons that ask libwrap */
	size_t unread; /* processes that could not be looked at */
};

static void put_answer(struct finding *out, const char *daemon, uint16_t port, const char *client,
		       const struct host_wrappers *w)
{
	CHECK_PUT(out->what, "%s (port %u) asks libwrap (tcp_wrappers), which %s %s", daemon, port,
		  w->granted ? "lets in" : "refuses", client);
	if (w->file[0])
		CHECK_PUT(out->what, ": line %u of %s", w->line, w->file);
	else
		CHECK_PUT(out->what, ": no line of hosts.allow or hosts.deny matches");
	CHECK_PUT(out->what, "%s.",
		  w->uncertain ? ", unless a name or a command says otherwise" : "");
	if (w->file[0])
		CHECK_PUT(out->why, "The line: %.200s", w->text);
	CHECK_PUT(out->show, "%s", w->file[0] ? "cat /etc/hosts.allow /etc/hosts.deny"
					       : "ls -l /etc/hosts.allow /etc/hosts.deny");
}

/* The network as hosts.allow has it. */
static void put_pattern(struct finding *out, const struct prefix *from)
{
	char range[PREFIX_TEXT_LEN];

	format_prefix(range, from);
	if (prefix_is_ipv6(from))
		CHECK_PUT(out->fix, "[%.*s]/%u", (int)strcspn(range, "/"), range, from->len);
	else
		CHECK_PUT(out->fix, "%s", range);
}

static void check_daemon(struct check *c, const struct host_listener *l, const char *daemon,
			 const struct prefix *from)
{
	const struct host *host = c->facts->host;
	bool asked_for = c->facts->settings->n_ports;
	struct finding out = check_finding(c, CHECK_OK);
	char client[ADDR_TEXT_LEN];
	struct host_wrappers w = { .granted = true };
	uint8_t addr[16];
	int err = 0;

	/* A line can be for a part of the network: ask for its first address and its last. */
	for (size_t last = 0; last < 2 && w.granted && !err; last++) {
		prefix_sample(from, last, addr);
		err = host->ops->wrappers(host->ctx, l->pid, daemon, addr, &w);
	}
	format_addr(client, addr);
	if (err) {
		out.result = CHECK_NOTE;
		CHECK_PUT(out.what, "What libwrap decides for %s could not be read: %s.", daemon,
			  strerror(-err));
		check_say(c, &out);
		return;
	}
	if (!w.granted)
		out.result = asked_for && !w.uncertain ? CHECK_FAIL : CHECK_WARN;
	else if (w.uncertain)
		out.result = CHECK_WARN;
	put_answer(&out, daemon, l->port, client, &w);
	if (out.result != CHECK_OK) {
		bool by_allow = !strcmp(w.file, "/etc/hosts.allow");

		CHECK_PUT(out.fix,
			  by_allow ? "Put this line before line %2$u of /etc/hosts.allow: %1$s: "
				   : "echo '%1$s: ",
			  daemon, w.line);
		put_pattern(&out, from);
		CHECK_PUT(out.fix, by_allow ? "" : "' >> /etc/hosts.allow");
	}
	check_say(c, &out);
}

static void check_listener(struct check *c, const struct host_listener *l, struct tally *tally)
{
	const struct settings *s = c->facts->settings;
	struct wrapped_daemons daemons;
	int err = l->pid ? c->facts->daemons(l->pid, &daemons) : -EACCES;

	if (err) {
		tally->unread += err != -ENOENT && err != -ESRCH;
		return;
	}
	for (size_t i = 0; i < daemons.n; i++) {
		if (daemons.d[i].port && daemons.d[i].port != l->port)
			continue;
		tally->asked++;
		for (size_t j = 0; j < s->n_from; j++)
			check_daemon(c, l, daemons.d[i].name, &s->from[j]);
	}
}

void check_wrappers(struct check *c)
{
	const struct host *host = c->facts->host;
	struct finding out = check_finding(c, CHECK_OK);
	struct tally tally = { 0 };
	struct check_ports ports;

	check_ports(c->facts, &ports);
	for (size_t i = 0; i < ports.n; i++) {
		struct host_listeners all;

		if (ports.p[i].protocol != IPPROTO_TCP ||
		    host->ops->listeners(host->ctx, IPPROTO_TCP, ports.p[i].port, &all))
			continue;
		for (size_t j = 0; j < all.n; j++) {
			const struct host_listener *l = &all.l[j];
			bool again = false;

			if (l->port != ports.p[i].port || l->other_netns ||
			    check_is_loopback(l->addr))
				continue;
			for (size_t k = 0; k < j; k++) /* its other sockets on the port */
				again |= all.l[k].port == l->port && all.l[k].pid == l->pid;
			if (!again)
				check_listener(c, l, &tally);
		}
	}
	CHECK_PUT(out.show, "grep -l libwrap /proc/[0-9]*/maps");
	if (tally.unread) {
		out.result = CHECK_NOTE;
		CHECK_PUT(out.what,
			  "Whether %zu listening process%s asks libwrap could not be read: "
			  "that needs root.",
			  tally.unread, tally.unread == 1 ? "" : "es");
		check_say(c, &out);
	} else if (!tally.asked) {
		CHECK_PUT(out.what,
			  "No process that listens%s asks libwrap: hosts.allow and hosts.deny "
			  "do not matter to it.",
			  c->facts->settings->n_ports ? " on the port" : "");
		check_say(c, &out);
	}
}
