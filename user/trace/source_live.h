/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The live source: events of the kernel side, decoded, to a stream's consumer. */
#ifndef HCT_SOURCE_LIVE_H
#define HCT_SOURCE_LIVE_H

#include "loader.h"
#include "names_live.h"
#include "stream/stream.h"

struct source_live;

/*
 * Reads what LOADER attached, gives it names by NAMES (both borrowed), and hands
 * it to SINK.  0 or -errno.
 * A flow that said nothing for FORGET_NS is forgotten by the kernel side.
 */
int source_live_open(struct source_live **out, struct loader *loader,
		     struct names_live *names, const struct stream_sink *sink, void *sink_ctx,
		     uint64_t forget_ns);
void source_live_close(struct source_live *s); /* accepts NULL */

/* Edge-triggered (EPOLLET): readable when there is something to consume at once. */
int source_live_fd(const struct source_live *s);
/*
 * Delivers all events that are there at NOW_NS, then what was lost.  0 or -errno.
 * To be called when the descriptor says so, and at source_live_next().
 */
int source_live_consume(struct source_live *s, uint64_t now_ns);
/* When it wants to be read, whatever the descriptor says; UINT64_MAX: it will say so. */
uint64_t source_live_next(const struct source_live *s);
/* Forgets flows that ended or fell silent; to be called about once a second while it follows any. */
void source_live_housekeep(struct source_live *s);
bool source_live_follows(const struct source_live *s);
/*
 * FOLLOW: the connection of TUPLE is a steady check's, and its further requests are
 * wanted.  Else it is known to be none.
 */
void source_live_follow(struct source_live *s, const struct hct_tuple *tuple, bool follow);
/* The devices of the namespace changed. */
void source_live_devices_changed(struct source_live *s);

#endif
