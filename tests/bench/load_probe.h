/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Probes with a socket each, from start to result.  Between two machines that
 * are namespaces of one, a handshake is over when connect() returns: such a
 * probe never meets epoll.
 */
#ifndef LOAD_PROBE_H
#define LOAD_PROBE_H

#include "load_truth.h"

struct load_probes;

/* PLAN and TRUTH are borrowed.  MAX: so many in flight at once, a descriptor each. */
int load_probes_open(struct load_probes **out, const struct load_plan *plan,
		     struct load_truth *truth, unsigned max);
void load_probes_close(struct load_probes *probes); /* accepts NULL */
/* Wakes up when a probe in flight can go on. */
int load_probes_fd(const struct load_probes *probes);
unsigned load_probes_in_flight(const struct load_probes *probes);
void load_probes_start(struct load_probes *probes, uint64_t i);
/* Goes on with those that can, and ends those whose time is over. */
void load_probes_run(struct load_probes *probes);

#endif
