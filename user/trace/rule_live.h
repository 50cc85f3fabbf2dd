/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The live side of rule_watch: makes nftables and the ladder tell which rule
 * stopped a probe, and hands what they tell to the stream's consumer.
 */
#ifndef HCT_RULE_LIVE_H
#define HCT_RULE_LIVE_H

#include "diagnose/probe.h"
#include "diagnose/verdict.h"
#include "loader.h"
#include "stream/stream.h"

struct rule_live;

/*
 * For a run in the calling thread's namespace; everything is borrowed.  With
 * --passive it stays idle.  Nothing is opened before netfilter stops a probe.
 * 0 or -errno.
 */
int rule_live_open(struct rule_live **out, const struct settings *settings, struct loader *loader,
		   const struct stream_sink *sink, void *sink_ctx);
/* Takes away what is in the ruleset of ours.  Accepts NULL. */
void rule_live_close(struct rule_live *l);

/* Readable when reports have come. */
int rule_live_fd(const struct rule_live *l);
/* Delivers the reports that are there, and what of them was lost; never blocks. */
void rule_live_read(struct rule_live *l);

/* Is the NFT_TRACE observation O worth telling? */
bool rule_live_wants(const struct rule_live *l, const struct obs *o);
/* What SINK got, and what was diagnosed: see rule_watch.h. */
void rule_live_obs(struct rule_live *l, const struct obs *o);
void rule_live_probe(struct rule_live *l, const struct probe *p, const struct diagnosis *d);
void rule_live_settle(struct rule_live *l, uint64_t now_ns);
bool rule_live_at_work(const struct rule_live *l);

#endif
