/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who listens, and who owns a connection: sock_diag and /proc. */
#ifndef HCT_LISTENERS_H
#define HCT_LISTENERS_H

#include "host.h"
#include "process.h"

/*
 * host_ops.listeners, for the calling thread's network namespace.
 * -EPROTONOSUPPORT: neither TCP nor UDP.
 */
int listeners_find(struct process_sockets *sockets, uint8_t protocol, uint16_t port,
		   struct host_listeners *out);

/* host_ops.listeners_in.  Finds namespaces by their processes: one without any is -ENOENT. */
int listeners_find_in(struct process_sockets *sockets, uint32_t netns, uint8_t protocol,
		      uint16_t port, struct host_listeners *out);

/*
 * host_ops.owner, likewise.  For UDP, the process of the socket that takes the
 * load balancer's datagrams.  -ESRCH: a process has the connection, but it
 * cannot be found (of another PID namespace, or the search took too long).
 */
int listeners_owner(struct process_sockets *sockets, const struct hct_tuple *tuple,
		    struct host_process *out);

/* Connections that processes of this namespace began, and that nobody has answered yet. */
#define MAX_CONNECTING 32
struct connecting {
	uint32_t inode;
	uint8_t addr[16];
	uint16_t port; /* host byte order */
};
struct connecting_list {
	size_t n;
	struct connecting c[MAX_CONNECTING]; /* the first */
};
int listeners_connecting(struct connecting_list *out);

#endif
