// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The rules of the running host, read when somebody asks. */
#include "rule_reading.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "host/devices.h"
#include "host/netlink.h"
#include "host/netns.h"
#include "kube_port.h"
#include "rule_counters.h"
#include "rule_find.h"
#include "rule_packet.h"

#define SHARED_NS INT64_C(50000000)
#define SHARED_MAX_NS INT64_C(500000000)
#define READ_SHARE 10 /* of this many parts of the time, one goes into reading */
#define N_READS 4

/* What was read of one namespace. */
struct reading {
	bool used;
	bool fresh; /* else it is read anew for the next question */
	uint32_t netns;
	bool v6;
	int64_t time_ns, until_ns;
	int64_t cost_ns; /* of the processor's time */
	uint32_t generation; /* of nftables' rules; 0 unknown */
	int err;
	bool complete; /* fw_text_complete() was called */
	uint64_t fingerprint;
	struct fw_rules rules;
};

struct rule_reading {
	struct reading reading[N_READS];
	struct rule_counters *counters;
};

struct question {
	struct rule_reading *live;
	uint32_t netns;
	bool v6;
	int64_t asked_ns; /* now, when it was asked */
	struct reading *reading;
	bool visiting; /* the calling thread is in NETNS */
	const struct host_packet *packet; /* NULL: for a handle */
	struct host_rules *rules;
	const char *family, *table, *chain;
	uint64_t handle;
	struct host_rule *rule;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* What the thread, and the tools that it ran, have cost so far. */
static int64_t cpu_ns(void)
{
	struct timespec own;
	struct rusage tools;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
	getrusage(RUSAGE_CHILDREN, &tools);
	return (own.tv_sec + tools.ru_utime.tv_sec + tools.ru_stime.tv_sec) * INT64_C(1000000000) +
	       own.tv_nsec + (tools.ru_utime.tv_usec + tools.ru_stime.tv_usec) * 1000;
}

struct rule_reading *rule_reading_new(void)
{
	struct rule_reading *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->counters = rule_counters_new();
	if (!l->counters) {
		free(l);
		return NULL;
	}
	return l;
}

static void forget(struct reading *r)
{
	fw_rules_free(&r->rules);
	memset(r, 0, sizeof(*r));
}

void rule_reading_free(struct rule_reading *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < N_READS; i++)
		forget(&l->reading[i]);
	rule_counters_free(l->counters);
	free(l);
}

static int take_generation(const struct nlmsghdr *nlh, void *data)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
			*(uint32_t *)data = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

/* Changes with every change of nftables' rules (nf_tables_commit()); 0: cannot be told. */
static uint32_t read_generation(void)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *msg = mnl_nlmsg_put_extra_header(nlh, sizeof(*msg));
	uint32_t generation = 0;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
	if (netlink_ask(NETLINK_NETFILTER, nlh, false, take_generation, &generation, NULL))
		return 0;
	return generation;
}

/* Of other namespaces, only time tells: to look takes a visit. */
static bool is_old(const struct reading *r, int64_t now)
{
	return now >= r->until_ns || (!r->netns && r->generation != read_generation());
}

/* What is there for Q, or a place for it; what is too old and of no use is given up. */
static struct reading *find_reading(struct question *q)
{
	struct reading *best = &q->live->reading[0];
	int64_t now = now_ns();

	for (size_t i = 0; i < N_READS; i++) {
		struct reading *r = &q->live->reading[i];

		if (!r->used)
			continue;
		r->fresh &= !is_old(r, now);
		if (r->netns == q->netns && r->v6 == q->v6)
			return r;
		if (!r->fresh)
			forget(r);
	}
	for (size_t i = 1; i < N_READS; i++)
		if (q->live->reading[i].time_ns < best->time_ns)
			best = &q->live->reading[i];
	forget(best);
	return best;
}

/* Lets questions share R for as long as is right for what it COST. */
static void keep(struct reading *r, int64_t cost)
{
	int64_t shared;

	r->cost_ns += cost;
	shared = r->cost_ns * READ_SHARE;
	if (shared < SHARED_NS)
		shared = SHARED_NS;
	r->until_ns = now_ns() + (shared < SHARED_MAX_NS ? shared : SHARED_MAX_NS);
}

/* Of the same ruleset, read before: saves a tool. */
static bool take_texts(struct fw_rules *to, const struct fw_rules *from)
{
	const struct fw_chain *old = from->chains;

	for (struct fw_chain *c = to->chains; c && old; c = c->next, old = old->next) {
		const struct fw_rule *known = old->rules;

		for (struct fw_rule *r = c->rules; r && known; r = r->next, known = known->next) {
			if (!r->text && known->text && r->handle == known->handle)
				r->text = fw_text_keep(to, known->text);
			if (!r->text && known->text)
				return false;
		}
	}
	return true;
}

static void read_rules(struct question *q)
{
	struct reading *r = q->reading, old = *r;
	int64_t before = cpu_ns();

	*r = (struct reading){ .used = true, .fresh = true, .netns = q->netns, .v6 = q->v6,
			       .time_ns = now_ns() };
	r->generation = q->netns ? 0 : read_generation();
	r->err = fw_rules_read(q->v6, &r->rules);
	if (old.complete && r->generation && r->generation == old.generation)
		r->complete = take_texts(&r->rules, &old.rules);
	forget(&old);
	r->fingerprint = rule_counters_fingerprint(&r->rules);
	keep(r, cpu_ns() - before);
}

/*
 * Sees to it that the rules in HIT have their texts, where they can be had.
 * -EAGAIN: that takes a visit to the namespace.
 */
static int complete(const struct question *q, const struct walk_hit *hit, size_t n)
{
	struct reading *r = q->reading;
	int64_t before = cpu_ns();

	for (size_t i = 0; i < n && !r->complete; i++) {
		if (!hit[i].rule || hit[i].rule->text)
			continue;
		if (!q->visiting)
			return -EAGAIN;
		fw_text_complete(&r->rules); /* without: they are known by their handles */
		r->complete = true;
		keep(r, cpu_ns() - before);
	}
	return 0;
}

/* The WANTED most telling of N: those that counted, then what is surely met, then the first. */
static void choose(const struct rule_hits *hits, const struct rule_count *count, size_t wanted,
		   bool *chosen)
{
	size_t n = 0;

	for (unsigned pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < hits->n && n < wanted; i++) {
			bool good = pass == 0 ? count[i].known && count[i].hits
				    : pass == 1 ? hits->hit[i].met : true;

			if (good && !chosen[i]) {
				chosen[i] = true;
				n++;
			}
		}
}

static void tell(const struct fw_rules *rules, const struct rule_hits *hits,
		 const struct rule_count *count, bool *chosen, struct host_rules *out)
{
	choose(hits, count, HOST_MAX_RULES, chosen);
	for (size_t i = 0; i < hits->n; i++) {
		struct host_rule *rule = &out->r[out->n];

		if (!chosen[i])
			continue;
		rule_tell(&hits->hit[i], rule);
		kube_note_check_port(rules, rule);
		rule->counted = count[i].known;
		rule->hits = count[i].hits;
		out->n++;
	}
	out->truncated = hits->truncated || hits->n > out->n;
}

static int answer_packet(struct question *q)
{
	const struct fw_rules *rules = &q->reading->rules;
	struct rule_count *count = NULL;
	struct host_packet kind;
	struct rule_hits hits;
	bool *chosen = NULL;
	int err = rule_find(rules, q->packet, &hits);

	memset(q->rules, 0, sizeof(*q->rules));
	q->rules->incomplete = rules->incomplete;
	snprintf(q->rules->why, sizeof(q->rules->why), "%s", rules->why);
	/* what was read for this question is new, however long that took */
	if (q->reading->time_ns < q->asked_ns)
		q->rules->age_ns = (uint64_t)(q->asked_ns - q->reading->time_ns);
	if (!err) /* before anything is counted: it may have to be asked again */
		err = complete(q, hits.hit, hits.n);
	if (err || !hits.n)
		goto cleanup;
	count = calloc(hits.n, sizeof(*count));
	chosen = calloc(hits.n, sizeof(*chosen));
	if (!count || !chosen) {
		err = -ENOMEM;
		goto cleanup;
	}
	rule_packet_kind(q->packet, &kind);
	rule_counters_read(q->live->counters, &kind, q->reading->fingerprint, &hits, count);
	tell(rules, &hits, count, chosen, q->rules);
cleanup:
	free(count);
	free(chosen);
	rule_hits_free(&hits);
	return err;
}

static int answer_handle(struct question *q)
{
	struct walk_hit hit;
	int err = rule_find_handle(&q->reading->rules, q->family, q->table, q->chain, q->handle,
				   &hit);

	if (!err)
		err = complete(q, &hit, 1);
	if (err)
		return err;
	rule_tell(&hit, q->rule);
	kube_note_check_port(&q->reading->rules, q->rule);
	return 0;
}

static int answer(void *ctx)
{
	struct question *q = ctx;

	if (!q->reading->fresh && !q->visiting)
		return -EAGAIN;
	if (!q->reading->fresh)
		read_rules(q);
	if (q->reading->err)
		return q->reading->err;
	return q->packet ? answer_packet(q) : answer_handle(q);
}

static int ask(struct question *q)
{
	bool here = !q->netns || q->netns == netns_self();
	int err;

	if (here)
		q->netns = 0;
	q->asked_ns = now_ns();
	q->reading = find_reading(q);
	q->visiting = here;
	err = answer(q);
	if (err != -EAGAIN || here)
		return err;
	/* Only now: to find a process that lives there takes a walk through all. */
	q->visiting = true;
	return netns_visit_number(q->netns, answer, q);
}

int rule_reading_rules(struct rule_reading *l, const struct host_packet *packet,
		       struct host_rules *out)
{
	struct host_packet asked = *packet;
	struct question q = { .live = l, .netns = packet->netns, .v6 = packet->v6,
			      .packet = &asked, .rules = out };

	if (packet->resolution) /* of this namespace alone: the other's answers are not asked about */
		asked.bridged = device_is_bridge(packet->reply ? packet->out : packet->in);
	memset(out, 0, sizeof(*out));
	return ask(&q);
}

int rule_reading_rule(struct rule_reading *l, uint32_t netns, const char *family,
		      const char *table, const char *chain, uint64_t handle,
		      struct host_rule *out)
{
	struct question q = { .live = l, .netns = netns, .v6 = !strcmp(family, "ip6"),
			      .family = family, .table = table, .chain = chain,
			      .handle = handle, .rule = out };

	memset(out, 0, sizeof(*out));
	return ask(&q);
}
