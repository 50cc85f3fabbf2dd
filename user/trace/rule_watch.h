/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When nftables and the netfilter ladder are asked what happened to a probe.
 *
 * A kind is what repeats with each probe of a load balancer's node: addresses,
 * target port, protocol, direction, and the hook where netfilter stopped it.
 * From a kind's first drop on it is watched, until a report names the rule, or
 * none comes.  After that it rests, until the ruleset has changed and it is
 * stopped again.  Nothing is asked while netfilter stops nothing.
 *
 * This is the policy only; what it decides is done by struct rule_watch_means.
 */
#ifndef HCT_RULE_WATCH_H
#define HCT_RULE_WATCH_H

#include "diagnose/probe.h"
#include "diagnose/verdict.h"
#include "nft_trace.h"

struct rule_watch;

struct rule_watch_means {
	/* Of nftables in namespace NETNS, as nft_trace.h has them; 0 or -errno. */
	int (*generation)(void *ctx, uint32_t netns, uint32_t *out);
	int (*has_chains)(void *ctx, uint32_t netns, bool *out);
	/* Traces exactly the N kinds in WATCHES there, none for 0.  0, or -errno: nothing is. */
	int (*trace)(void *ctx, uint32_t netns, const struct nft_watch *watches, size_t n);
	/* The ladder of the watched namespace: 0 or -errno. */
	int (*ladder)(void *ctx, bool on);
};

/*
 * A watch for a run in namespace NETNS on KERNEL (major << 8 | minor, 0
 * unknown); SETTINGS and MEANS are borrowed.  NULL: no memory.
 */
struct rule_watch *rule_watch_new(const struct settings *settings, uint32_t netns,
				  unsigned kernel, const struct rule_watch_means *means,
				  void *ctx);
void rule_watch_free(struct rule_watch *w); /* accepts NULL; undoes nothing */

/* Each observation of the run.  Changes nothing yet: see rule_watch_settle(). */
void rule_watch_obs(struct rule_watch *w, const struct obs *o);
/* Each probe that was diagnosed: one with rewritten addresses asks for the rule that did it. */
void rule_watch_probe(struct rule_watch *w, const struct probe *p, const struct diagnosis *d);
/* Does what is due at NOW_NS; to be called after what has come was read, and each second at work. */
void rule_watch_settle(struct rule_watch *w, uint64_t now_ns);
/* Is anything watched, or waiting for a look? */
bool rule_watch_at_work(const struct rule_watch *w);

/* Is the NFT_TRACE observation O worth telling? */
bool rule_watch_wants(const struct rule_watch *w, const struct obs *o);

#endif
