/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* News of network devices: which came up, which went away. */
#ifndef HCT_LINK_WATCH_H
#define HCT_LINK_WATCH_H

struct link_watch;

struct link_watch_listener {
	void (*up)(void *ctx, unsigned ifindex);
	void (*gone)(void *ctx, unsigned ifindex);
};

/* Watches the current network namespace.  0 or -errno. */
int link_watch_open(struct link_watch **out, const struct link_watch_listener *listener, void *ctx);
void link_watch_close(struct link_watch *w); /* accepts NULL */
int link_watch_fd(const struct link_watch *w);
/* Delivers what has come; never blocks. */
void link_watch_read(struct link_watch *w);

#endif
