/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the load generator does: which targets are probed, from which nodes, in
 * which order and how fast.  Probe I of a plan is a function of I alone, so no
 * probe needs to be remembered to know what it is.
 */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum load_kind {
	LOAD_TCP, /* SYN, SYN-ACK, ACK, RST: a TCP check */
	LOAD_HTTP, /* GET, read to the end, FIN: an HTTP check */
	LOAD_UDP, /* one datagram; an answer or silence */
	LOAD_ECHO, /* one ICMP echo request */
	LOAD_SYN, /* one raw SYN and no socket; an answer is reset by the kernel */
	LOAD_KINDS
};

/* One target is one port: a range of ports in the arguments makes as many targets. */
struct load_target {
	enum load_kind kind;
	uint32_t addr; /* host byte order, like all addresses here */
	uint16_t port;
	uint32_t timeout_ms;
	uint32_t first_node; /* the nodes that probe it, STEP addresses from one to the next */
	uint32_t n_nodes, step;
};

struct load_plan {
	struct load_target *targets; /* every target in turn, then the next node */
	unsigned n_targets;
	uint32_t from, from_len; /* prefix of the nodes, where a target names no other */
	uint32_t n_nodes;
	uint32_t rate; /* probes a second, evenly paced, whatever becomes of them */
	uint64_t count; /* probes in all */
	uint64_t first; /* number of the first probe: runs of different FIRST share no source */
	const char *path; /* of HTTP requests */
};

/* A probe's name on the wire, with its target's address and port. */
struct load_source {
	uint32_t addr;
	uint16_t port;
};

/* "tcp,192.168.0.10,7001-7004,timeout=500,from=100.125.240.0/20": adds its targets; -EINVAL, -ENOMEM. */
int load_plan_add(struct load_plan *plan, const char *text);
/* Gives each target its nodes, once all options are known: 0, or -EINVAL when there are none. */
int load_plan_close(struct load_plan *plan);
void load_plan_free(struct load_plan *plan);
/* "100.125.0.0/16" */
int load_prefix(const char *text, uint32_t *addr, uint32_t *len);

const struct load_target *load_plan_probe(const struct load_plan *plan, uint64_t i,
					  struct load_source *from);
const char *load_kind_name(enum load_kind kind);

#endif
