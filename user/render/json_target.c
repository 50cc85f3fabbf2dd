// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A target's numbers as JSON. */
#include "json_target.h"

#include <stdio.h>

#define NS_PER_SEC UINT64_C(1000000000)

static void add(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static void add_count(struct json_object *o, const char *key, uint64_t n)
{
	add(o, key, json_object_new_uint64(n));
}

struct json_object *json_seconds(uint64_t ns)
{
	char text[32];

	if (ns % NS_PER_SEC == 0)
		return json_object_new_uint64(ns / NS_PER_SEC);
	snprintf(text, sizeof(text), "%.9g", (double)ns / NS_PER_SEC);
	return json_object_new_double_s((double)ns / NS_PER_SEC, text);
}

/* A setting that was measured: to a hundredth of a second; null: not known yet. */
static struct json_object *measured(uint64_t ns)
{
	const uint64_t step = NS_PER_SEC / 100;

	return ns ? json_seconds((ns + step / 2) / step * step) : NULL;
}

struct json_object *json_target_run(const struct target *t)
{
	struct json_object *o = json_object_new_object();

	add(o, "outcome", json_object_new_string(outcome_name(t->run_outcome)));
	add_count(o, "count", t->run);
	return o;
}

struct json_object *json_target_counts(const struct target *t)
{
	struct json_object *o = json_object_new_object();

	for (int i = 0; i < VERDICT_COUNT; i++)
		if (t->by_verdict[i])
			add_count(o, verdict_info((enum verdict_id)i)->id, t->by_verdict[i]);
	return o;
}

struct json_object *json_target_latency(const struct target *t)
{
	struct json_object *o;

	if (!t->latency_count)
		return NULL;
	o = json_object_new_object();
	add_count(o, "p50", t->latency_p50_us);
	add_count(o, "p95", t->latency_p95_us);
	add_count(o, "max", t->latency_max_us);
	return o;
}

struct json_object *json_target_learned(const struct target *t)
{
	struct json_object *o = json_object_new_object();

	add(o, "interval_s", measured(t->interval_ns));
	add(o, "timeout_s", measured(t->timeout_ns));
	return o;
}
