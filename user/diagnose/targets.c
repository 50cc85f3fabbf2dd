// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Targets as the load balancer sees them. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "schedule.h"
#include "targets.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/*
 * Answer times, log-linear: SUB_BUCKETS to each power of two of µs, so a
 * percentile is off by less than 1/SUB_BUCKETS (6 %), and exact below 16 µs.
 */
#define SUB_BITS 4
#define SUB_BUCKETS (1u << SUB_BITS)
#define MAX_EXPONENT 32
#define N_BUCKETS ((MAX_EXPONENT - SUB_BITS + 1) * SUB_BUCKETS)

/* Of the buckets, those up to the slowest answer. */
struct histogram {
	unsigned n;
	uint32_t count[];
};
#define BUCKETS_AT_ONCE 32

struct target_key {
	uint8_t addr[16];
	uint16_t port; /* host byte order: the order of the summary */
	uint8_t protocol; /* IPPROTO_*; HTTP and TCP checks of one port are one target */
	uint8_t pad;
	uint8_t lb[16];
};

struct entry {
	UT_hash_handle hh;
	struct target_key key;
	struct target target;
	struct histogram *histogram; /* NULL: no answers */
	struct schedule schedule;
	char *last_why, *silent_why;
	struct fix *last_fix, *silent_fix;
};

struct targets {
	const struct settings *settings;
	struct entry *by_key;
};

struct targets *targets_new(const struct settings *settings)
{
	struct targets *t = calloc(1, sizeof(*t));

	if (t)
		t->settings = settings;
	return t;
}

static void free_entry(struct entry *entry)
{
	free(entry->histogram);
	free(entry->last_why);
	free(entry->last_fix);
	free(entry->silent_why);
	free(entry->silent_fix);
	free(entry);
}

void targets_free(struct targets *t)
{
	struct entry *entry, *next;

	if (!t)
		return;
	HASH_ITER(hh, t->by_key, entry, next) {
		HASH_DEL(t->by_key, entry);
		free_entry(entry);
	}
	free(t);
}

static bool is_icmp(const struct probe *p)
{
	return p->tuple.protocol == IPPROTO_ICMP || p->tuple.protocol == IPPROTO_ICMPV6;
}

static struct target_key key_of(const struct probe *p)
{
	struct target_key key = { .protocol = p->tuple.protocol };

	memcpy(key.lb, p->tuple.lb, sizeof(key.lb));
	memcpy(key.addr, p->tuple.target, sizeof(key.addr));
	/* an echo's identifier and sequence number are no ports */
	key.port = is_icmp(p) ? 0 : ntohs(p->tuple.target_port);
	return key;
}

static struct entry *entry_of(struct targets *t, const struct probe *p)
{
	struct target_key key = key_of(p);
	struct entry *entry;

	HASH_FIND(hh, t->by_key, &key, sizeof(key), entry);
	if (entry)
		return entry;
	if (HASH_COUNT(t->by_key) >= TARGETS_MAX)
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->key = key;
	HASH_ADD(hh, t->by_key, key, sizeof(key), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	memcpy(entry->target.lb, key.lb, sizeof(key.lb));
	memcpy(entry->target.addr, key.addr, sizeof(key.addr));
	entry->target.port = key.port;
	entry->target.first_ns = p->start_ns;
	entry->target.run_outcome = OUTCOME_UNKNOWN;
	return entry;
}

static unsigned bucket_of(uint64_t us)
{
	unsigned exponent;

	if (us < SUB_BUCKETS)
		return (unsigned)us;
	exponent = 63 - (unsigned)__builtin_clzll(us);
	if (exponent >= MAX_EXPONENT)
		return N_BUCKETS - 1;
	return (exponent - SUB_BITS + 1) * SUB_BUCKETS + (unsigned)(us >> (exponent - SUB_BITS)) -
	       SUB_BUCKETS;
}

/* The middle of bucket I. */
static uint64_t bucket_value(unsigned i)
{
	unsigned shift;

	if (i < SUB_BUCKETS)
		return i;
	shift = i / SUB_BUCKETS - 1;
	return ((uint64_t)(SUB_BUCKETS + i % SUB_BUCKETS) << shift) +
	       (shift ? UINT64_C(1) << (shift - 1) : 0);
}

static uint64_t percentile(const struct target *t, unsigned percent)
{
	const struct histogram *h = t->latency;
	uint64_t rank = (t->latency_count * percent + 99) / 100, seen = 0;

	for (unsigned i = 0; i < h->n; i++) {
		seen += h->count[i];
		if (seen >= rank)
			return bucket_value(i) < t->latency_max_us ? bucket_value(i)
								   : t->latency_max_us;
	}
	return t->latency_max_us;
}

void target_latency(struct target *t)
{
	if (!t->latency_count || !t->latency)
		return;
	t->latency_p50_us = percentile(t, 50);
	t->latency_p95_us = percentile(t, 95);
}

/* Room for BUCKET, 0 or -ENOMEM. */
static int make_room(struct entry *entry, unsigned bucket)
{
	struct histogram *h = entry->histogram;
	unsigned had = h ? h->n : 0, n = (bucket / BUCKETS_AT_ONCE + 1) * BUCKETS_AT_ONCE;

	if (bucket < had)
		return 0;
	h = realloc(h, sizeof(*h) + n * sizeof(h->count[0]));
	if (!h)
		return -ENOMEM;
	memset(h->count + had, 0, (n - had) * sizeof(h->count[0]));
	h->n = n;
	entry->histogram = h;
	entry->target.latency = h;
	return 0;
}

static void count_latency(struct entry *entry, const struct probe *p)
{
	uint64_t ns, us;

	if (!probe_answer_time(p, &ns))
		return;
	us = ns / 1000;
	if (make_room(entry, bucket_of(us)))
		return;
	entry->histogram->count[bucket_of(us)]++;
	entry->target.latency_count++;
	if (us > entry->target.latency_max_us)
		entry->target.latency_max_us = us;
}

static enum target_state next_state(const struct target *t, unsigned retries)
{
	if (t->run_outcome == OUTCOME_FAIL && t->run >= retries)
		return TARGET_UNHEALTHY;
	/* on first association one success suffices */
	if (t->run_outcome == OUTCOME_PASS && (t->state == TARGET_UNDECIDED || t->run >= retries))
		return TARGET_HEALTHY;
	return t->state;
}

/* An unknown outcome neither breaks a run nor prolongs it. */
static bool count_run(struct target *t, const struct probe *p, enum outcome outcome,
		      unsigned retries)
{
	enum target_state next;

	if (outcome == OUTCOME_UNKNOWN)
		return false;
	if (outcome != t->run_outcome) {
		t->run_outcome = outcome;
		t->run = 0;
		t->run_since_ns = p->start_ns;
	}
	t->run++;
	next = next_state(t, retries ? retries : 1);
	if (next == t->state)
		return false;
	t->state = next;
	t->state_since_ns = p->end_ns;
	return true;
}

/* Keeps a copy of TEXT in *OWN, and tells it as *SHOWN. */
static void keep_text(char **own, const char **shown, const char *text)
{
	if (!*own || strcmp(*own, text) != 0) {
		free(*own);
		*own = strdup(text);
	}
	*shown = *own;
}

/* The same of FIX. */
static void keep_fix(struct fix **own, const struct fix **shown, const struct fix *fix)
{
	if (!*own)
		*own = malloc(sizeof(**own));
	if (*own)
		**own = *fix;
	*shown = *own;
}

static void keep_failure(struct entry *entry, const struct diagnosis *d)
{
	struct target *t = &entry->target;

	t->last_verdict = d->verdict;
	t->last_code = d->code;
	keep_text(&entry->last_why, &t->last_why, d->why);
	keep_fix(&entry->last_fix, &t->last_fix, &d->fix);
}

/* A connection that failed before its request looks like plain TCP: what was seen once stays. */
static void learn_protocol(struct target *t, const struct probe *p)
{
	const char *protocol = probe_protocol(p);

	if (!t->protocol[0] || strcmp(t->protocol, "tcp") == 0)
		snprintf(t->protocol, sizeof(t->protocol), "%s", protocol);
}

struct target *targets_count(struct targets *t, const struct probe *p, const struct diagnosis *d,
			     bool *changed)
{
	struct entry *entry = entry_of(t, p);
	struct target *target;

	*changed = false;
	if (!entry)
		return NULL;
	target = &entry->target;
	learn_protocol(target, p);
	if (p->start_ns > target->last_ns)
		target->last_ns = p->start_ns;
	target->probes++;
	target->by_verdict[d->verdict]++;
	switch (d->outcome) {
	case OUTCOME_PASS:
		target->passed++;
		count_latency(entry, p);
		break;
	case OUTCOME_FAIL:
		target->failed++;
		keep_failure(entry, d);
		break;
	case OUTCOME_UNKNOWN:
		target->unknown++;
		break;
	}
	target->silent = false;
	*changed = count_run(target, p, d->outcome, t->settings->retries);
	schedule_learn(&entry->schedule, target, p, d);
	schedule_foresee(target, t->settings);
	return target;
}

void targets_silence(struct targets *t, const struct probe *p, const struct diagnosis *d)
{
	struct entry *entry, *next;

	HASH_ITER(hh, t->by_key, entry, next) {
		if (entry->key.port != ntohs(p->tuple.target_port) ||
		    entry->key.protocol != p->tuple.protocol ||
		    memcmp(entry->key.addr, p->tuple.target, sizeof(entry->key.addr)) != 0)
			continue;
		entry->target.by_verdict[d->verdict]++;
		entry->target.silent = true;
		entry->target.flips_at_ns = 0; /* nothing comes that could flip it */
		keep_text(&entry->silent_why, &entry->target.silent_why, d->why);
		keep_fix(&entry->silent_fix, &entry->target.silent_fix, &d->fix);
	}
}

static int by_target_then_node(struct entry *a, struct entry *b)
{
	int order = memcmp(a->key.addr, b->key.addr, sizeof(a->key.addr));

	if (order == 0 && a->key.port != b->key.port)
		order = a->key.port < b->key.port ? -1 : 1;
	if (order == 0 && a->key.protocol != b->key.protocol)
		order = a->key.protocol < b->key.protocol ? -1 : 1;
	return order ? order : memcmp(a->key.lb, b->key.lb, sizeof(a->key.lb));
}

void targets_each(struct targets *t, void (*fn)(void *ctx, struct target *target), void *ctx)
{
	struct entry *entry, *next;

	HASH_SORT(t->by_key, by_target_then_node);
	HASH_ITER(hh, t->by_key, entry, next)
		fn(ctx, &entry->target);
}

const char *target_state_name(enum target_state state)
{
	switch (state) {
	case TARGET_HEALTHY:
		return "healthy";
	case TARGET_UNHEALTHY:
		return "unhealthy";
	case TARGET_UNDECIDED:
		break;
	}
	return "undecided";
}
