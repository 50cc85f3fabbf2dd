// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 6, of the process that listens: can it work at all, and reach what it is a proxy for? */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "check.h"
#include "host/netns.h"
#include "render/format.h"

/* "nginx (pid 812), which listens on port 80," */
static void put_process(struct finding *out, const struct host_listener *l)
{
	CHECK_PUT(out->what, "%.15s (pid %" PRIu32 "), which listens on port %u, ",
		  l->comm[0] ? l->comm : "A process", l->pid, l->port);
	CHECK_SHOW(out, "ps -L -o pid,lwp,stat,wchan:32,comm -p %u --ppid %u", l->pid, l->pid);
}

static void check_stopped(struct check *c, const struct host_listener *l,
			  const struct host_condition *state)
{
	struct finding out = check_finding(c, CHECK_FAIL);
	bool itself = state->state[0] == 'T';

	put_process(&out, l);
	CHECK_PUT(out.what, itself ? "is stopped (state T)." : "has all its children stopped (state T).");
	CHECK_PUT(out.why, "The kernel still makes connections for it, and nobody answers them.");
	CHECK_FIX(&out, "kill -CONT");
	for (size_t i = 0; i < state->n_stopped; i++)
		CHECK_FIX(&out, " %u", state->stopped[i].pid);
	check_say(c, &out);
}

static void check_traced(struct check *c, const struct host_listener *l)
{
	struct finding out = check_finding(c, CHECK_FAIL);

	put_process(&out, l);
	CHECK_PUT(out.what, "is stopped by a debugger (state t).");
	CHECK_ADVISE(&out, "Let the debugger continue or detach.");
	check_say(c, &out);
}

static void check_frozen(struct check *c, const struct host_listener *l,
			 const struct host_condition *state)
{
	struct finding out = check_finding(c, CHECK_FAIL);

	put_process(&out, l);
	CHECK_PUT(out.what, "is in a frozen cgroup.");
	if (state->frozen[0] && state->frozen_levels == 1 && state->frozen_v1)
		CHECK_FIX(&out, "echo THAWED > %s", state->frozen);
	else if (state->frozen[0] && state->frozen_levels == 1)
		CHECK_FIX(&out, "echo 0 > %s", state->frozen);
	CHECK_ADVISE(&out, "Where systemd or a container engine froze it, thaw it there "
			   "(systemctl thaw, docker unpause).");
	check_say(c, &out);
}

static void check_files(struct check *c, const struct host_listener *l,
			const struct host_condition *state)
{
	struct finding out = check_finding(c, CHECK_FAIL);

	put_process(&out, l);
	CHECK_PUT(out.what, "has %" PRIu32 " descriptors open, and may have %" PRIu32 ".", state->files,
		  state->files_limit);
	CHECK_PUT(out.why, "accept() fails then, so that connections wait in its queue.");
	if ((uint64_t)state->files_limit * 2 <= state->files_hard)
		CHECK_FIX(&out, "prlimit --pid %u --nofile=%u:", state->files_pid, state->files_limit * 2);
	CHECK_ADVISE(&out, "Raise LimitNOFILE= in its unit, or ulimit -n where it is started; see "
			   "which descriptors it leaks.");
	command_clear(&out.fix.show);
	CHECK_SHOW(&out, "ls -l /proc/%u/fd", state->files_pid);
	check_say(c, &out);
}

static bool takes(const struct host_listener *l, const uint8_t addr[16])
{
	static const uint8_t any[16];

	return memcmp(l->addr, addr, 16) == 0 || memcmp(l->addr, any, 16) == 0;
}

/* Nobody takes what the proxy passes on: a check that only connects would not notice. */
static void check_upstream(struct check *c, const struct host_listener *l,
			   const struct host_condition *state)
{
	const struct host *host = c->facts->host;
	struct finding out = check_finding(c, CHECK_FAIL);
	const struct host_listener *loopback = NULL;
	char endpoint[ENDPOINT_TEXT_LEN];
	struct host_listeners all;
	uint32_t netns;
	bool here; /* in the namespace of the proxy, where loopback is the proxy's, too */
	int err;

	if (!host->ops->address_netns || !host->ops->listeners_in ||
	    host->ops->address_netns(host->ctx, state->upstream, &netns))
		return;
	here = netns == netns_self();
	err = here ? host->ops->listeners(host->ctx, IPPROTO_TCP, state->upstream_port, &all) :
		     host->ops->listeners_in(host->ctx, netns, IPPROTO_TCP, state->upstream_port, &all);
	if (err || all.truncated)
		return;
	for (size_t i = 0; i < all.n && i < HOST_MAX_LISTENERS; i++) {
		if (all.l[i].port != state->upstream_port || all.l[i].other_netns)
			continue;
		if (takes(&all.l[i], state->upstream))
			return;
		if (check_is_loopback(all.l[i].addr))
			loopback = &all.l[i];
	}
	put_process(&out, l);
	CHECK_PUT(out.what, "passes connections on to %s, where nobody listens",
		  format_endpoint(endpoint, state->upstream, state->upstream_port));
	if (loopback)
		CHECK_PUT(out.what, " but on loopback (%.15s, pid %" PRIu32 "%s)",
			  loopback->comm[0] ? loopback->comm : "a process", loopback->pid,
			  here ? "" : ", in the container's namespace");
	CHECK_PUT(out.what, ".");
	if (!here && loopback) {
		command_clear(&out.fix.show);
		CHECK_SHOW(&out, "nsenter -t %u -n ss -tlnp", loopback->pid);
	}
	if (loopback)
		CHECK_ADVISE(&out, "Let %.15s listen on all addresses (0.0.0.0) instead of loopback, and restart it.",
			     loopback->comm[0] ? loopback->comm : "the service");
	else
		CHECK_ADVISE(&out, "Start the service that belongs there, or correct where %.15s connects to.", l->comm);
	check_say(c, &out);
}

void check_process(struct check *c, const struct host_listener *l)
{
	const struct host *host = c->facts->host;
	struct host_condition state;
	size_t children;

	if (!l->pid || !host->ops->condition || host->ops->condition(host->ctx, l->pid, &state))
		return;
	children = state.n_stopped - (state.state[0] == 'T');
	if (state.frozen_levels)
		check_frozen(c, l, &state);
	else if (state.state[0] == 'T' || (state.n_stopped && children == state.children))
		check_stopped(c, l, &state);
	else if (state.state[0] == 't')
		check_traced(c, l);
	else if (state.files_limit && state.files >= state.files_limit)
		check_files(c, l, &state);
	else if (state.proxies)
		check_upstream(c, l, &state);
}
