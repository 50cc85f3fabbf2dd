/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What libwrap (tcp_wrappers) decides for a client of a daemon, from
 * hosts.allow and hosts.deny: hosts_access(5) and hosts_options(5) as
 * Debian's libwrap 7.6.q has them, its surprises included (a last line
 * without a newline makes hosts.deny refuse everybody who gets that far).
 *
 * Nothing is looked up in DNS, NIS or by ident, and no command is run.  The
 * client is taken to have no name, as addresses of a load balancer have none;
 * where a name, a user, a netgroup or a command could turn the answer, it is
 * marked uncertain.
 */
#ifndef HCT_WRAPPERS_H
#define HCT_WRAPPERS_H

#include <stdio.h>

#include "host.h"

struct wrappers_query {
	const char *daemon; /* the name that the program gives libwrap; 127 characters count */
	const char *client; /* the address as text */
	const char *server; /* the address that was connected to, as text; NULL: not known */
	uint16_t port; /* that was connected to; 0: not known */
	/* Opens a file as the daemon would, for fclose(); NULL with errno (ENOENT: no such). */
	FILE *(*open)(void *ctx, const char *path);
	void *ctx;
};

/*
 * Fills OUT; its line is the last one of a continued rule, as libwrap counts.
 * A daemon that is replaced by a command (`twist`) counts as refused.
 * 0, -EFBIG a file is too big to read here (8 MiB), or -errno of opening one.
 */
int wrappers_judge(const struct wrappers_query *query, struct host_wrappers *out);

/*
 * host_ops.wrappers: with the files that process PID sees (0: that we see).
 * -ESRCH: no such process (any more).
 */
int wrappers_read(uint32_t pid, const char *daemon, const uint8_t client[16],
		  struct host_wrappers *out);

#endif
