/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules of the running host, read when somebody asks and never changed.
 *
 * Reading them all is dear: questions within 50 ms, or within ten times of what it
 * cost, share what was read; not for longer than half a second, nor when nftables
 * says that its rules have changed.
 */
#ifndef HCT_RULE_LIVE_H
#define HCT_RULE_LIVE_H

#include "host.h"

struct rule_live;
struct rule_live *rule_live_new(void); /* NULL: no memory */
void rule_live_free(struct rule_live *l); /* accepts NULL */

/* host_ops.rules and host_ops.rule; other namespaces than the calling thread's are visited. */
int rule_live_rules(struct rule_live *l, const struct host_packet *packet,
		    struct host_rules *out);
int rule_live_rule(struct rule_live *l, uint32_t netns, const char *family, const char *table,
		   const char *chain, uint64_t handle, struct host_rule *out);

#endif
