// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A target as one node of the load balancer sees it, over time. */
#include "html.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/answer.h"

/* A pair with fewer probes makes room for another: port scans come from the range, too. */
#define STAYS_FROM 3

struct html_service html_service_of(const struct probe *p)
{
	struct html_service service = { .transport = p->tuple.protocol };

	memcpy(service.addr, p->tuple.target, sizeof(service.addr));
	if (service.transport == IPPROTO_ICMPV6)
		service.transport = IPPROTO_ICMP;
	if (service.transport != IPPROTO_ICMP)
		service.port = ntohs(p->tuple.target_port);
	return service;
}

static uint8_t transport_of(const struct target *t)
{
	return strcmp(t->protocol, "udp") == 0	? IPPROTO_UDP :
	       strcmp(t->protocol, "icmp") == 0 ? IPPROTO_ICMP : IPPROTO_TCP;
}

static struct html_series *find(struct html_series_set *set, const struct html_series_key *key)
{
	struct html_series *series;

	HASH_FIND(hh, set->by_key, key, sizeof(*key), series);
	return series;
}

static void put_aside(struct html_series_set *set, struct html_series *series)
{
	set->others++;
	set->others_probes += series->target.probes;
	set->others_failed += series->target.failed;
	HASH_DEL(set->by_key, series);
	free(series);
}

/* Makes room by the least probed pair that did not show itself to be a health check. */
static bool make_room(struct html_series_set *set)
{
	struct html_series *series, *next, *least = NULL;

	if (HASH_COUNT(set->by_key) < HTML_MAX_SERIES)
		return true;
	HASH_ITER(hh, set->by_key, series, next) {
		const struct target *t = &series->target;

		if (t->probes >= STAYS_FROM)
			continue;
		if (!least || t->probes < least->target.probes ||
		    (t->probes == least->target.probes && t->last_ns < least->target.last_ns))
			least = series;
	}
	if (least)
		put_aside(set, least);
	return least;
}

static struct html_series *add(struct html_state *s, const struct html_series_key *key)
{
	struct html_series_set *set = &s->series;
	struct html_series *series;

	if (!make_room(set))
		return NULL;
	series = calloc(1, sizeof(*series));
	if (!series)
		return NULL;
	series->key = *key;
	series->id = ++set->last_id;
	memcpy(series->target.addr, key->service.addr, sizeof(key->service.addr));
	memcpy(series->target.lb, key->lb, sizeof(key->lb));
	series->target.port = key->service.port;
	series->target.run_outcome = OUTCOME_UNKNOWN;
	HASH_ADD(hh, set->by_key, key, sizeof(series->key), series);
	if (!series->hh.tbl) {
		free(series);
		return NULL;
	}
	return series;
}

struct html_series *html_series_of(struct html_state *s, const struct probe *p)
{
	struct html_series_key key = { .service = html_service_of(p) };
	struct html_series *series;

	memcpy(key.lb, p->tuple.lb, sizeof(key.lb));
	series = find(&s->series, &key);
	if (series)
		return series;
	series = add(s, &key);
	if (!series) {
		s->series.others++;
		s->series.others_probes++;
		return NULL;
	}
	series->target.first_ns = p->start_ns;
	series->filled = html_axis_index(&s->axis, p->start_ns);
	return series;
}

void html_series_count(struct html_state *s, struct html_series *series, const struct probe *p,
		       const struct diagnosis *d)
{
	struct html_bucket *b = &series->buckets[html_axis_index(&s->axis, p->start_ns)];
	struct target *t = &series->target;
	uint64_t ns;

	/* A connection that failed before its request looks like plain TCP. */
	if (!t->protocol[0] || strcmp(t->protocol, "tcp") == 0)
		strcpy(t->protocol, probe_protocol(p));
	t->probes++;
	t->by_verdict[d->verdict]++;
	if (p->start_ns > t->last_ns)
		t->last_ns = p->start_ns;
	t->silent = false;
	series->last_verdict = d->verdict;
	switch (d->outcome) {
	case OUTCOME_PASS:
		t->passed++;
		b->passed++;
		if (probe_answer_time(p, &ns))
			html_bucket_answer(b, ns / 1000);
		return;
	case OUTCOME_FAIL:
		t->failed++;
		b->failed++;
		break;
	case OUTCOME_UNKNOWN:
		t->unknown++;
		b->unknown++;
		break;
	}
	b->verdict = (uint8_t)d->verdict;
}

void html_series_fill(const struct html_axis *a, struct html_series *series, uint64_t when_ns)
{
	size_t first = series->filled, last = html_axis_index(a, when_ns);

	for (; series->filled <= last; series->filled++)
		series->buckets[series->filled].states |= (uint8_t)(1u << series->state);
	series->filled = last > first ? last : first; /* it goes on within that one */
}

void html_series_target(struct html_state *s, const struct target *t)
{
	struct html_series_key key = {
		.service = { .port = t->port, .transport = transport_of(t) },
	};
	struct html_series *series;
	struct html_change *change;

	memcpy(key.service.addr, t->addr, sizeof(key.service.addr));
	memcpy(key.lb, t->lb, sizeof(key.lb));
	series = find(&s->series, &key);
	if (!series)
		return;
	series->target = *t;
	series->target.latency = NULL; /* the engine's */
	series->target.last_why = series->target.silent_why = NULL;
	series->target.last_fix = series->target.silent_fix = NULL;
	if (t->state == series->state)
		return;
	html_series_fill(&s->axis, series, t->state_since_ns);
	series->state = t->state;
	series->buckets[series->filled].states |= (uint8_t)(1u << t->state);
	change = &series->changes[series->n_changes++ % HTML_CHANGES];
	change->when_ns = t->state_since_ns;
	change->state = t->state;
}

bool html_series_in(const struct html_series *series, const struct html_service *service)
{
	static const uint8_t any[16];
	const struct html_service *own = &series->key.service;

	if (memcmp(service->addr, any, sizeof(any)) != 0 &&
	    memcmp(service->addr, own->addr, sizeof(own->addr)) != 0)
		return false;
	if (service->port && service->port != own->port)
		return false;
	return !service->transport || service->transport == own->transport;
}

void html_series_free(struct html_series_set *set)
{
	struct html_series *series, *next;

	HASH_ITER(hh, set->by_key, series, next) {
		HASH_DEL(set->by_key, series);
		free(series);
	}
}
