/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What keeps a process from its work: its state, its descriptors, its cgroup. */
#ifndef HCT_CONDITION_H
#define HCT_CONDITION_H

#include "host.h"

/* What cgroups had counted when they were asked before. */
struct throttled {
	struct {
		uint64_t cgroup; /* hash of its name; 0: unused */
		uint64_t periods, throttled;
	} seen[16];
	size_t next;
};

/* 0, -ESRCH there is no such process (any more), or -errno of reading it. */
int condition_read(struct throttled *before, uint32_t pid, struct host_condition *out);

/* cgroup.c: the part of it that its cgroups have; PROC is the folder /proc/PID. */
void condition_read_cgroup(struct throttled *before, int proc, struct host_condition *out);

#endif
