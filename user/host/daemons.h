/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes ask libwrap, and by what names. */
#ifndef HCT_DAEMONS_H
#define HCT_DAEMONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wrapped_daemon {
	char name[64]; /* as hosts.allow and hosts.deny have it */
	uint16_t port; /* host byte order; 0: each of the process */
};
#define MAX_WRAPPED_DAEMONS 64
struct wrapped_daemons {
	size_t n;
	bool from_config; /* the names are those of xinetd's or inetd's services */
	bool unreadable; /* … whose configuration could not be read, or not all of it, for ERR: … */
	int err; /* … without any of it, the process's own name stands for it */
	bool other_root; /* it has another /etc than this process: that in /proc/PID/root */
	struct wrapped_daemon d[MAX_WRAPPED_DAEMONS];
};

/*
 * The names by which process PID asks libwrap about clients.  0, -ENOENT it is
 * not linked with libwrap, -ESRCH there is no such process (any more), or
 * -errno (-EACCES: not without root).
 */
int daemons_read(uint32_t pid, struct wrapped_daemons *out);

/* The inside, for tests: services of an xinetd.conf, an inetd.conf. */
void daemons_parse_xinetd(const char *text, struct wrapped_daemons *out);
void daemons_parse_inetd(const char *text, struct wrapped_daemons *out);

#endif
