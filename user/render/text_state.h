/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the text renderer share: render_text.c, text_probe.c and text_summary.c. */
#ifndef HCT_TEXT_STATE_H
#define HCT_TEXT_STATE_H

#include "diagnose/engine.h"
#include "record/recording_info.h"
#include "text.h"

/* An expected port (0: any) that no probe has come for. */
struct missed {
	uint16_t port;
	uint8_t protocol;
	char why[WHY_LEN];
	struct fix fix;
};

struct heard; /* where a target stands in what is kept of them, render_text.c */
struct told; /* causes that were told in full, text_probe.c */

struct text_state {
	struct text t;
	const struct settings *settings;
	int64_t wall_offset_ns;
	int endpoints_width; /* of the column "node > target": the widest so far */
	struct told *told;
	struct missed missed[MAX_PORTS];
	size_t n_missed;
	struct target *targets; /* copies, as last heard of */
	size_t n_targets, targets_room;
	struct heard *heard;
};

/* The line of a finished probe, and what stands below it. */
void text_probe(struct text_state *s, const struct probe *p, const struct diagnosis *d);
void text_forget_told(struct text_state *s);
/* What is missing from a recording; nothing when it is complete. */
void text_recording(struct text_state *s, const struct recording_info *info);
/* "tcp", "udp", "icmp": HTTP may be recognised late, and then is no other target. */
const char *text_transport(const struct target *t);
/* Orders targets by address, port and transport, then by node. */
int text_compare_targets(const void *a, const void *b);
/* The end: the sentence that matters, a table per target, the totals.  Sorts s->targets. */
void text_summary(struct text_state *s, const struct totals *totals);

#endif
