// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Every distinct cause, with how often it was met and whether it goes on. */
#include "html.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Fixes that differ in a number only would fill the list with one fault. */
#define MAX_FIXES 4
/* A cause that was met less often makes room for another. */
#define STAYS_FROM 3

static bool same_service(const struct html_service *a, const struct html_service *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool same_advice(const struct diagnosis *a, const struct diagnosis *b)
{
	if (a->verdict == VERDICT_HEALTHY)
		return strcmp(a->note, b->note) == 0;
	return fix_is_same(&a->fix, &b->fix);
}

/* The cause of SERVICE with what D says; or, where it has fixes enough, the latest alike. */
static struct html_cause *find(struct html_causes *causes, const struct html_service *service,
			       const struct diagnosis *d)
{
	struct html_cause *latest = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < causes->n; i++) {
		struct html_cause *c = &causes->c[i];

		if (c->d.verdict != d->verdict || c->d.outcome != d->outcome ||
		    !same_service(&c->service, service))
			continue;
		if (same_advice(&c->d, d))
			return c;
		n++;
		if (!latest || c->last_ns > latest->last_ns)
			latest = c;
	}
	return n >= MAX_FIXES ? latest : NULL;
}

static struct html_cause *rarest(struct html_causes *causes)
{
	struct html_cause *least = NULL;

	for (size_t i = 0; i < causes->n; i++) {
		struct html_cause *c = &causes->c[i];

		if (c->count < STAYS_FROM &&
		    (!least || c->count < least->count ||
		     (c->count == least->count && c->last_ns < least->last_ns)))
			least = c;
	}
	if (least)
		causes->left_out += least->count;
	return least;
}

static struct html_cause *add(struct html_causes *causes, const struct html_service *service)
{
	struct html_cause *c;

	if (!causes->c)
		causes->c = calloc(HTML_MAX_CAUSES, sizeof(*causes->c));
	if (!causes->c)
		return NULL;
	c = causes->n < HTML_MAX_CAUSES ? &causes->c[causes->n++] : rarest(causes);
	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->id = ++causes->last_id;
	c->service = *service;
	return c;
}

static void add_node(struct html_cause *c, const uint8_t lb[16])
{
	static const uint8_t nothing[16]; /* of no-probe */

	if (memcmp(lb, nothing, sizeof(nothing)) == 0)
		return;
	for (size_t i = 0; i < c->n_nodes; i++)
		if (memcmp(c->nodes[i], lb, sizeof(c->nodes[i])) == 0)
			return;
	if (c->n_nodes == HTML_CAUSE_NODES)
		c->more_nodes = true;
	else
		memcpy(c->nodes[c->n_nodes++], lb, sizeof(c->nodes[0]));
}

uint32_t html_cause_count(struct html_causes *causes, const struct probe *p,
			  const struct diagnosis *d)
{
	struct html_service service = html_service_of(p);
	struct html_cause *c;

	if (d->outcome == OUTCOME_PASS && !d->note[0])
		return 0;
	c = find(causes, &service, d);
	if (!c)
		c = add(causes, &service);
	if (!c) {
		causes->left_out++;
		return 0;
	}
	if (!c->count)
		c->first_ns = p->start_ns;
	c->count++;
	if (p->start_ns > c->last_ns)
		c->last_ns = p->start_ns;
	c->d = *d;
	if (!c->protocol[0] || strcmp(c->protocol, "tcp") == 0)
		strcpy(c->protocol, d->verdict == VERDICT_NO_PROBE ? "" : probe_protocol(p));
	add_node(c, p->tuple.lb);
	return c->id;
}

/* How bad it is now, 0 the worst. */
static unsigned rank_of(const struct html_cause *c, bool unhealthy)
{
	if (c->d.outcome == OUTCOME_PASS)
		return 7;
	if (c->d.outcome == OUTCOME_UNKNOWN)
		return c->going_on ? 4 : 6;
	if (c->d.verdict == VERDICT_PROBE_ABORTED)
		return 5;
	if (!c->going_on)
		return 3;
	return c->d.verdict == VERDICT_NO_PROBE ? 2 : !unhealthy;
}

static void judge(struct html_state *s, struct html_cause *c)
{
	bool silence = c->d.verdict == VERDICT_NO_PROBE, came = false, unhealthy = false;
	struct html_series *series, *next;

	HASH_ITER(hh, s->series.by_key, series, next) {
		if (!html_series_in(series, &c->service))
			continue;
		/* what it is known to be by now */
		if (strcmp(c->protocol, "tcp") == 0 && series->target.protocol[0])
			strcpy(c->protocol, series->target.protocol);
		if (series->last_cause == c->id) {
			c->going_on = true;
			unhealthy |= series->target.state == TARGET_UNHEALTHY;
		}
		if (series->target.last_ns > c->last_ns)
			came = true;
	}
	if (silence)
		c->going_on = !came;
	c->rank = rank_of(c, unhealthy);
}

static int compare(const void *left, const void *right)
{
	const struct html_cause *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return (a->last_ns < b->last_ns) - (a->last_ns > b->last_ns);
}

void html_causes_sort(struct html_state *s)
{
	for (size_t i = 0; i < s->causes.n; i++)
		judge(s, &s->causes.c[i]);
	if (s->causes.n)
		qsort(s->causes.c, s->causes.n, sizeof(*s->causes.c), compare);
}
