// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The probes that are shown one by one: the latest, the latest that did not
 * pass, the first of each change, and of every verdict per target and node the
 * first and the last.
 */
#include "html.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LATEST 200
#define MAX_FAILED 200
#define MAX_CHANGES 250
#define MAX_EXAMPLES 250 /* pairs of first and last */

struct html_kept {
	unsigned refs;
	struct diagnosis d;
	struct probe p; /* comes last: the memory ends behind its last timeline entry */
};

struct ring {
	struct html_kept *slots[MAX_CHANGES];
	size_t size, n; /* N: that ever came */
};

struct example {
	UT_hash_handle hh;
	struct {
		uint32_t series;
		uint32_t verdict;
	} key;
	struct html_kept *first, *last;
};

struct html_keep {
	struct ring latest, failed, changes;
	struct example *examples;
};

struct html_keep *html_keep_new(void)
{
	struct html_keep *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->latest.size = MAX_LATEST;
	k->failed.size = MAX_FAILED;
	k->changes.size = MAX_CHANGES;
	return k;
}

static void put(struct html_kept *kept)
{
	if (kept && --kept->refs == 0)
		free(kept);
}

static struct html_kept *get(struct html_kept *kept)
{
	kept->refs++;
	return kept;
}

static void ring_clear(struct ring *ring)
{
	for (size_t i = 0; i < ring->size; i++)
		put(ring->slots[i]);
}

void html_keep_free(struct html_keep *k)
{
	struct example *example, *next;

	if (!k)
		return;
	ring_clear(&k->latest);
	ring_clear(&k->failed);
	ring_clear(&k->changes);
	HASH_ITER(hh, k->examples, example, next) {
		HASH_DEL(k->examples, example);
		put(example->first);
		put(example->last);
		free(example);
	}
	free(k);
}

static void ring_add(struct ring *ring, struct html_kept *kept)
{
	struct html_kept **slot = &ring->slots[ring->n++ % ring->size];

	put(*slot);
	*slot = get(kept);
}

static void add_example(struct html_keep *k, uint32_t series, struct html_kept *kept)
{
	struct example *example, sought = { .key = { series, kept->d.verdict } };

	HASH_FIND(hh, k->examples, &sought.key, sizeof(sought.key), example);
	if (example) {
		put(example->last);
		example->last = get(kept);
		return;
	}
	if (HASH_COUNT(k->examples) >= MAX_EXAMPLES)
		return;
	example = calloc(1, sizeof(*example));
	if (!example)
		return;
	example->key = sought.key;
	HASH_ADD(hh, k->examples, key, sizeof(example->key), example);
	if (!example->hh.tbl) {
		free(example);
		return;
	}
	example->first = get(kept);
}

void html_keep_probe(struct html_keep *k, uint32_t series, bool change, const struct probe *p,
		     const struct diagnosis *d)
{
	size_t size = offsetof(struct probe, timeline) + p->timeline_len * sizeof(p->timeline[0]);
	struct html_kept *kept = malloc(offsetof(struct html_kept, p) + size);

	if (!kept)
		return;
	kept->refs = 1; /* ours, until it has found its places */
	kept->d = *d;
	memcpy(&kept->p, p, size);
	ring_add(&k->latest, kept);
	if (d->outcome != OUTCOME_PASS)
		ring_add(&k->failed, kept);
	if (change)
		ring_add(&k->changes, kept);
	if (series)
		add_example(k, series, kept);
	put(kept);
}

static int compare(const void *left, const void *right)
{
	const struct html_kept *a = *(struct html_kept *const *)left;
	const struct html_kept *b = *(struct html_kept *const *)right;

	if (a->p.start_ns != b->p.start_ns)
		return a->p.start_ns < b->p.start_ns ? -1 : 1;
	return (a->p.id > b->p.id) - (a->p.id < b->p.id);
}

static void gather(struct html_kept **all, size_t *n, struct html_kept *kept)
{
	if (kept)
		all[(*n)++] = kept;
}

static void gather_ring(struct html_kept **all, size_t *n, const struct ring *ring)
{
	for (size_t i = 0; i < ring->size; i++)
		gather(all, n, ring->slots[i]);
}

struct html_kept **html_keep_all(const struct html_keep *k, size_t *n)
{
	size_t most = MAX_LATEST + MAX_FAILED + MAX_CHANGES + 2 * MAX_EXAMPLES, found = 0;
	struct html_kept **all = malloc(most * sizeof(*all));
	struct example *example, *next;

	*n = 0;
	if (!all)
		return NULL;
	gather_ring(all, &found, &k->latest);
	gather_ring(all, &found, &k->failed);
	gather_ring(all, &found, &k->changes);
	HASH_ITER(hh, k->examples, example, next) {
		gather(all, &found, example->first);
		gather(all, &found, example->last);
	}
	qsort(all, found, sizeof(*all), compare);
	for (size_t i = 0; i < found; i++)
		if (!*n || all[*n - 1] != all[i])
			all[(*n)++] = all[i];
	return all;
}

const struct probe *html_kept_probe(const struct html_kept *kept)
{
	return &kept->p;
}

const struct diagnosis *html_kept_diagnosis(const struct html_kept *kept)
{
	return &kept->d;
}
