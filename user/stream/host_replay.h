/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host that answers from a recording: to the question asked at the same
 * place of the stream, what was answered then; to any other, -ENODATA.
 */
#ifndef HCT_HOST_REPLAY_H
#define HCT_HOST_REPLAY_H

#include "case_host.h"

struct host_replay;
struct host_replay *host_replay_new(void); /* NULL: no memory */
void host_replay_free(struct host_replay *r); /* accepts NULL */
const struct host *host_replay_host(struct host_replay *r);
/* Adds a copy of ANSWER for the record at hand: 0, -ENOMEM, or -E2BIG for absurdly many. */
int host_replay_add(struct host_replay *r, const struct answer *answer);
/* The record is done: what nobody asked for is forgotten. */
void host_replay_clear(struct host_replay *r);
/* What was answered at the record at hand, *N of them; valid until something is added or cleared. */
const struct answer *host_replay_answers(const struct host_replay *r, size_t *n);
/* The namespace of the run, whose name is known without asking.  NAME: interned. */
void host_replay_netns(struct host_replay *r, uint32_t netns, const char *name);

#endif
