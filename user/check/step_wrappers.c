// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 7: would libwrap refuse the load balancer, for a daemon that listens here? */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "render/format.h"

struct tally {
	size_t asked; /* daemons that ask libwrap */
	size_t unread; /* processes that could not be looked at, for ERR */
	int err;
};

/* A daemon that asks libwrap. */
struct asker {
	const char *name; /* by which it asks */
	bool assumed; /* … as far as that of its process goes: it may give any other */
	uint16_t port;
	uint32_t root; /* the process whose /etc it is; 0: this process has the same */
};

/* Programs that ask by the name that their processes have, whatever is configured. */
static bool asks_by_own_name(const char *comm)
{
	static const char *const names[] = { "sshd", "vsftpd", "slapd", "rpcbind" };
	size_t len = strlen(comm);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(comm, names[i]))
			return true;
	return len > 4 && !strncmp(comm, "in.", 3) && comm[len - 1] == 'd';
}

static void put_answer(struct finding *out, const struct asker *a, const char *client,
		       const struct host_wrappers *w)
{
	uint32_t root = a->root;

	CHECK_PUT(out->what, "%s (port %u) asks libwrap (tcp_wrappers), which %s %s", a->name,
		  a->port, w->granted ? "lets in" : "refuses", client);
	if (a->assumed)
		CHECK_PUT(out->what, " if it asks for itself as '%s'", a->name);
	if (w->file[0])
		CHECK_PUT(out->what, ": line %u of %s", w->line, w->file);
	else
		CHECK_PUT(out->what, ": no line of hosts.allow or hosts.deny matches");
	CHECK_PUT(out->what, "%s.",
		  w->uncertain ? ", unless a name or a command says otherwise" : "");
	if (w->file[0])
		CHECK_PUT(out->why, "The line: %.200s", w->text);
	CHECK_SHOW(out, w->file[0] ? "cat " : "ls -l ");
	if (root)
		CHECK_SHOW(out, "/proc/%u/root/etc/hosts.allow /proc/%u/root/etc/hosts.deny", root,
			   root);
	else
		CHECK_SHOW(out, "/etc/hosts.allow /etc/hosts.deny");
}

/* The network as hosts.allow has it. */
static void put_pattern(char *text, size_t size, const struct prefix *from)
{
	char range[PREFIX_TEXT_LEN];

	format_prefix(range, from);
	if (prefix_is_ipv6(from))
		check_add(text, size, "[%.*s]/%u", (int)strcspn(range, "/"), range, from->len);
	else
		check_add(text, size, "%s", range);
}

/* A name that says to libwrap what it says to us: no list, no ALL, no @group. */
static bool is_plain_name(const char *daemon)
{
	static const char *const words[] = { "ALL", "EXCEPT", "KNOWN", "UNKNOWN", "PARANOID", "LOCAL" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(daemon, words[i]) == 0)
			return false;
	return *daemon && *daemon != '.' && *daemon != '-' &&
	       daemon[strspn(daemon, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_.+-")] == '\0';
}

/*
 * libwrap takes the first line that matches, and hosts.allow before hosts.deny: a line
 * at the end of hosts.allow does, unless a line of it is what refuses.  The file is
 * written, not replaced: it can be mounted there.
 */
static void put_fix(struct finding *out, const struct asker *a, const struct prefix *from,
		    const struct host_wrappers *w)
{
	uint32_t root = a->root;
	bool by_allow = !strcmp(w->file, "/etc/hosts.allow");
	char line[160] = "";

	if (a->assumed) {
		put_pattern(line, sizeof(line), from);
		CHECK_ADVISE(out, "Let in %s in /etc/hosts.allow, ahead of what refuses it, for the name "
				  "by which the program asks: that is not known here, its manual or its "
				  "configuration has it.", line);
		return;
	}
	check_add(line, sizeof(line), "%s: ", a->name);
	put_pattern(line, sizeof(line), from);
	if (!is_plain_name(a->name)) {
		CHECK_ADVISE(out, "Let in the load balancer's network in /etc/hosts.allow, ahead of "
				  "what refuses it; a name like that of this process needs care there.");
		return;
	}
	if (by_allow && root)
		CHECK_FIX(out, "old=$(cat /proc/%u/root/etc/hosts.allow) && ", root);
	else if (by_allow)
		CHECK_FIX(out, "old=$(cat /etc/hosts.allow) && ");
	/* the first newline: the last line may have none */
	CHECK_FIX(out, "printf %s %s ", by_allow ? "%s\\n" : "\\n%s\\n", line);
	CHECK_FIX(out, by_allow ? "\"$old\" >" : ">>");
	if (root)
		CHECK_FIX(out, "/proc/%u/root", root);
	CHECK_FIX(out, "/etc/hosts.allow");
}

/* The check asks for no more than the handshake, which libwrap cannot refuse. */
static bool only_connects(const struct check *c)
{
	const char *kind = c->facts->settings->check;

	return kind && strcmp(kind, "tcp") == 0;
}

static void check_daemon(struct check *c, uint32_t pid, const struct asker *a,
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
		err = host->ops->wrappers(host->ctx, pid, a->name, addr, &w);
	}
	format_addr(client, addr);
	if (err) {
		check_unread(c, err, "What libwrap decides for %s", a->name);
		return;
	}
	if (!w.granted)
		out.result = asked_for && !w.uncertain && !a->assumed && !only_connects(c) ?
				     CHECK_FAIL : CHECK_WARN;
	else if (w.uncertain)
		out.result = CHECK_WARN;
	else if (a->assumed)
		out.result = CHECK_NOTE;
	put_answer(&out, a, client, &w);
	if (!w.granted && only_connects(c))
		CHECK_PUT(out.why, "%sTCP checks that ask for the handshake alone pass: the kernel "
				   "makes it. All others are refused.", out.why[0] ? " " : "");
	if (out.result >= CHECK_WARN)
		put_fix(&out, a, from, &w);
	check_say(c, &out);
}

static void check_listener(struct check *c, const struct host_listener *l, struct tally *tally)
{
	const struct settings *s = c->facts->settings;
	struct wrapped_daemons daemons;
	int err;

	if (!l->pid && !c->facts->processes_err)
		return; /* the kernel's own socket, as of NFS: no process has it */
	err = l->pid ? c->facts->daemons(l->pid, &daemons) : c->facts->processes_err;
	if (err == -ENOENT || err == -ESRCH)
		return;
	if (err) {
		tally->unread++;
		tally->err = err;
		return;
	}
	if (daemons.unreadable)
		check_unread(c, daemons.err, "The configuration of %s (pid %u)", l->comm, l->pid);
	for (size_t i = 0; i < daemons.n; i++) {
		const struct asker a = {
			.name = daemons.d[i].name,
			.assumed = !daemons.from_config && !asks_by_own_name(daemons.d[i].name),
			.port = l->port,
			.root = daemons.other_root ? l->pid : 0,
		};

		if (daemons.d[i].port && daemons.d[i].port != l->port)
			continue;
		tally->asked++;
		for (size_t j = 0; j < s->n_from; j++)
			check_daemon(c, l->pid, &a, &s->from[j]);
	}
}

void check_wrappers(struct check *c)
{
	const struct host *host = c->facts->host;
	struct finding out = check_finding(c, CHECK_OK);
	struct tally tally = { 0 };
	struct check_ports ports;
	bool failed = false;

	check_ports_or_say(c, &ports);
	for (size_t i = 0; i < ports.n; i++) {
		struct host_listeners all;
		int err;

		if (ports.p[i].protocol != IPPROTO_TCP)
			continue;
		err = host->ops->listeners(host->ctx, IPPROTO_TCP, ports.p[i].port, &all);
		if (err) {
			check_unread(c, err, "Whether what listens on port %u asks libwrap",
				     ports.p[i].port);
			failed = true;
			continue;
		}
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
	if (tally.unread) {
		check_unread(c, tally.err, "Whether %zu listening process%s libwrap", tally.unread,
			     tally.unread == 1 ? " asks" : "es ask");
	} else if (!tally.asked && !failed) {
		CHECK_PUT(out.what,
			  "No process that listens%s asks libwrap: hosts.allow and hosts.deny "
			  "do not matter to it.",
			  c->facts->settings->n_ports ? " on the port" : "");
		CHECK_SHOW(&out, "grep -l libwrap /proc/[0-9]*/maps");
		check_say(c, &out);
	}
}
