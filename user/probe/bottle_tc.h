/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The redirections between the bottle and the host's devices: bpf/bottle.bpf.c, loaded and
 * attached.
 */
#ifndef HCT_BOTTLE_TC_H
#define HCT_BOTTLE_TC_H

#include <stdbool.h>

#include "bottle.h"
#include "include/hct_bottle.h"

struct bottle_tc;

/*
 * Loads the programs for CONFIG and attaches the one at the bottle's own end.  0 or
 * -errno.  CLSACT leaves tcx aside.
 */
int bottle_tc_open(struct bottle_tc **out, const struct hct_bottle_config *config, bool clsact);
void bottle_tc_close(struct bottle_tc *t); /* accepts NULL */

/*
 * Takes the answers back that would leave by device IFINDEX.  KEEP: requests, too.  To be
 * called when whatever looks at them there is attached.  0 (also when it is attached) or -errno.
 */
int bottle_tc_device_up(struct bottle_tc *t, unsigned ifindex, bool keep);
void bottle_tc_device_gone(struct bottle_tc *t, unsigned ifindex);

/* From now on, or no longer, FLOW is one of the bottle's.  0 or -errno. */
int bottle_tc_add(struct bottle_tc *t, const struct hct_bottle_flow *flow);
void bottle_tc_remove(struct bottle_tc *t, const struct hct_bottle_flow *flow);

/* How many requests of FLOW were about to leave the host again, under their own source. */
uint32_t bottle_tc_kept(const struct bottle_tc *t, const struct hct_bottle_flow *flow);
uint64_t bottle_tc_count(const struct bottle_tc *t, enum hct_bottle_count what);

#endif
