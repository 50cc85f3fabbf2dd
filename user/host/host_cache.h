/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host that remembers its answers for half a second (rules: 20 ms) and asks only so often:
 * a flood of failing probes must not become a flood of questions.
 */
#ifndef HCT_HOST_CACHE_H
#define HCT_HOST_CACHE_H

#include "host.h"

struct host_cache;
/* REAL is borrowed and may be NULL.  NULL: no memory. */
struct host_cache *host_cache_new(const struct host *real);
void host_cache_free(struct host_cache *c); /* accepts NULL */
/* The time of the stream, which answers age by. */
void host_cache_now(struct host_cache *c, uint64_t now_ns);
/* The next questions are about what happened at TIME_NS: who listened before may be no answer. */
void host_cache_event(struct host_cache *c, uint64_t time_ns);
/* Answers as REAL does, and -EBUSY when too much was asked. */
const struct host *host_cache_host(struct host_cache *c);

#endif
