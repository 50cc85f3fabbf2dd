// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Targets with their nodes, in the order in which an operator should see them. */
#include "html.h"

#include <stdlib.h>
#include <string.h>

static void take_earlier(uint64_t *earliest, uint64_t when)
{
	if (when && (!*earliest || when < *earliest))
		*earliest = when;
}

static void add(struct html_group *g, const struct target *t)
{
	if (t->state == TARGET_UNHEALTHY) {
		g->unhealthy++;
		take_earlier(&g->unhealthy_ns, t->state_since_ns);
	} else {
		take_earlier(&g->flips_ns, t->flips_at_ns);
		g->healthy |= t->state == TARGET_HEALTHY;
	}
	if (t->last_code)
		g->code = t->last_code;
	g->silent |= t->silent;
	if (t->last_ns > g->last_ns)
		g->last_ns = t->last_ns;
	g->probes += t->probes;
	g->passed += t->passed;
	g->failed += t->failed;
	g->unknown += t->unknown;
	if (!g->protocol || strcmp(g->protocol, "tcp") == 0)
		g->protocol = t->protocol;
	if (!g->interval_ns)
		g->interval_ns = t->interval_ns;
	if (!g->timeout_ns)
		g->timeout_ns = t->timeout_ns;
}

struct html_group html_group_at(const struct html_state *s, size_t first)
{
	struct html_series **series = (struct html_series **)&s->order[first];
	struct html_group g = { .series = series };

	for (; first + g.n < s->n_order; g.n++) {
		if (memcmp(&series[g.n]->key.service, &series[0]->key.service,
			   sizeof(series[0]->key.service)) != 0)
			break;
		add(&g, &series[g.n]->target);
	}
	return g;
}

static int by_target_then_node(const void *left, const void *right)
{
	const struct html_series_key *a = &(*(struct html_series *const *)left)->key;
	const struct html_series_key *b = &(*(struct html_series *const *)right)->key;
	int order = memcmp(a->service.addr, b->service.addr, sizeof(a->service.addr));

	if (order)
		return order;
	if (a->service.port != b->service.port)
		return a->service.port < b->service.port ? -1 : 1;
	if (a->service.transport != b->service.transport)
		return a->service.transport < b->service.transport ? -1 : 1;
	return memcmp(a->lb, b->lb, sizeof(a->lb));
}

static int worst_first(const void *left, const void *right)
{
	const struct html_group *a = left, *b = right;
	ptrdiff_t before = a->series - b->series; /* by address, where equally bad */

	if ((a->unhealthy > 0) != (b->unhealthy > 0))
		return a->unhealthy ? -1 : 1;
	if (a->silent != b->silent)
		return a->silent ? -1 : 1;
	if (a->failed != b->failed)
		return a->failed > b->failed ? -1 : 1;
	return before < 0 ? -1 : before > 0;
}

static void sort_groups(struct html_state *s)
{
	struct html_series *sorted[HTML_MAX_SERIES];
	struct html_group groups[HTML_MAX_SERIES];
	size_t n = 0, filled = 0;

	for (size_t i = 0; i < s->n_order; i += groups[n++].n)
		groups[n] = html_group_at(s, i);
	qsort(groups, n, sizeof(groups[0]), worst_first);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < groups[i].n; j++)
			sorted[filled++] = groups[i].series[j];
	memcpy(s->order, sorted, filled * sizeof(sorted[0]));
}

/* A run in which nothing came has the one cause that the engine told of nobody. */
static void add_absence(struct html_state *s)
{
	struct probe *p;

	if (!s->ended || s->causes.n || !s->totals.no_probe)
		return;
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	p->start_ns = s->totals.start_ns;
	p->end_ns = s->totals.end_ns;
	html_cause_count(&s->causes, p, s->totals.no_probe);
	free(p);
}

void html_order(struct html_state *s)
{
	struct html_series *series, *next;

	s->n_order = 0;
	HASH_ITER(hh, s->series.by_key, series, next) {
		html_series_fill(&s->axis, series, s->totals.end_ns);
		s->order[s->n_order++] = series;
	}
	qsort(s->order, s->n_order, sizeof(s->order[0]), by_target_then_node);
	sort_groups(s);
	add_absence(s);
	html_causes_sort(s);
	free(s->kept);
	s->kept = html_keep_all(s->keep, &s->n_kept);
}
