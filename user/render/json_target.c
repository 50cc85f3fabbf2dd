// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A target's numbers as JSON. */
#include "json_target.h"

#define NS_PER_SEC UINT64_C(1000000000)

/* A setting that was measured: to a hundredth of a second; null: not known yet. */
static void put_measured(struct json_writer *w, const char *key, uint64_t ns)
{
	const uint64_t step = NS_PER_SEC / 100;

	if (ns)
		json_seconds(w, key, (ns + step / 2) / step * step);
	else
		json_null(w, key);
}

void json_target_run(struct json_writer *w, const struct target *t)
{
	json_open_object(w, "in_a_row");
	json_string(w, "outcome", outcome_name(t->run_outcome));
	json_uint(w, "count", t->run);
	json_close_object(w);
}

void json_target_counts(struct json_writer *w, const struct target *t)
{
	json_open_object(w, "counts");
	for (int i = 0; i < VERDICT_COUNT; i++)
		if (t->by_verdict[i])
			json_uint(w, verdict_info((enum verdict_id)i)->id, t->by_verdict[i]);
	json_close_object(w);
}

void json_target_latency(struct json_writer *w, const struct target *t)
{
	if (!t->latency_count) {
		json_null(w, "latency_us");
		return;
	}
	json_open_object(w, "latency_us");
	json_uint(w, "p50", t->latency_p50_us);
	json_uint(w, "p95", t->latency_p95_us);
	json_uint(w, "max", t->latency_max_us);
	json_close_object(w);
}

void json_target_learned(struct json_writer *w, const struct target *t)
{
	json_open_object(w, "learned");
	put_measured(w, "interval_s", t->interval_ns);
	put_measured(w, "timeout_s", t->timeout_ns);
	json_close_object(w);
}
