/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Network namespaces.  Each thread has its own; these are about the calling thread's. */
#ifndef HCT_NETNS_H
#define HCT_NETNS_H

#include <stddef.h>
#include <stdint.h>

/* Inode number of the calling thread's network namespace; 0: it cannot be told. */
uint32_t netns_self(void);

/*
 * Moves the calling thread into the namespace that SPEC names: a name as
 * `ip netns` has it, the path of a namespace file ("/proc/1/ns/net"), or a
 * process number.  0, -ENOENT no such name or process, -EINVAL what SPEC names
 * is no network namespace, -EPERM not allowed.
 */
int netns_enter(const char *spec);

/* The name that `ip netns` has for namespace NETNS.  0, or -ENOENT: it has none. */
int netns_name(uint32_t netns, char name[64]);

struct netns_ref {
	uint32_t netns;
	uint32_t pid; /* a process that lives there */
};

/* Up to MAX namespaces, other than the calling thread's, in which processes live. */
size_t netns_others(struct netns_ref *out, size_t max);

/*
 * Calls FN with the calling thread in the namespace of REF, and comes back (or
 * ends the program: in a foreign namespace every later answer would be wrong).
 * Returns what FN returns, or -errno when there was no way in.
 */
int netns_visit(const struct netns_ref *ref, int (*fn)(void *ctx), void *ctx);

/* The same in a namespace of its own, which lasts as long as something holds it that FN opened. */
int netns_visit_new(int (*fn)(void *ctx), void *ctx);

/* The same for namespace NETNS, which has a name or a process; -ENOENT: neither. */
int netns_visit_number(uint32_t netns, int (*fn)(void *ctx), void *ctx);

#endif
