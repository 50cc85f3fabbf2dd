/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a report says of its recording, as it is found out: gaps, and the host's state. */
#ifndef HCT_RECORD_GAPS_H
#define HCT_RECORD_GAPS_H

#include "bytes.h"
#include "recording_info.h"

struct gaps;
struct gaps *gaps_new(void); /* NULL: no memory */
void gaps_free(struct gaps *g); /* accepts NULL */
/* WHY is copied.  Where there are very many, the last one stands for the rest. */
void gaps_add(struct gaps *g, const struct recording_gap *gap);

struct host_states;
struct host_states *host_states_new(void); /* NULL: no memory */
void host_states_free(struct host_states *s); /* accepts NULL */
/*
 * A RECORD_STATE, or with MORE a RECORD_STATE_MORE, behind its first byte: 0,
 * or -EBADMSG.  A section that comes again, as in each segment, is one.
 */
int host_states_take(struct host_states *s, struct cursor *in, bool more);

/* Point INFO to what there is. */
void gaps_info(const struct gaps *g, struct recording_info *info);
void host_states_info(const struct host_states *s, struct recording_info *info);

#endif
