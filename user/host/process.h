/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes: their names, and which of them holds a socket. */
#ifndef HCT_PROCESS_H
#define HCT_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "include/hct_event.h"

/*
 * Can it be seen which sockets other users' processes have?  0 or -errno (-EACCES:
 * not without root), as process_sockets_find() would meet it.
 */
int process_may_search(void);

/* 0, -ESRCH no such process (any more), or -errno of reading it. */
int process_comm(uint32_t pid, char comm[HCT_COMM_LEN]);

/*
 * Calls FN with the number of each process, in the kernel's order (lowest
 * first), and a descriptor of /proc, until FN returns non-zero; returns that,
 * 0, or -errno when /proc cannot be read.
 */
int process_each(int (*fn)(void *ctx, int proc_fd, uint32_t pid), void *ctx);

/* Remembers where sockets were found, and looks there first. */
struct process_sockets;
struct process_sockets *process_sockets_new(void); /* NULL: no memory */
void process_sockets_free(struct process_sockets *s);

/*
 * For each of N socket inode numbers, the process that holds it (of several,
 * usually the lowest number), or 0: none found, or not in the time allowed.
 *
 * A remembered place is looked at again each time.  What is not in one is
 * searched first in the processes remembered and their children, then in all:
 * 200 ms at most, and a tenth of the time over longer.  On a host with so many
 * open files that this is too short, a later search goes on where it stopped.
 * What no process has is not searched again within a second.
 */
void process_sockets_find(struct process_sockets *s, const uint32_t *inodes, uint32_t *pids,
			  size_t n);

#endif
