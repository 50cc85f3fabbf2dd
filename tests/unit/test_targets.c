// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The load balancer's state machine and the percentiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "diagnose/targets.h"

static const struct settings settings = { .retries = 3 };

static struct probe probe_of(uint8_t node, uint16_t port, uint64_t start_ns, uint64_t took_us)
{
	struct probe p = { .start_ns = start_ns, .end_ns = start_ns + took_us * 1000 };

	p.tuple.protocol = IPPROTO_TCP;
	p.tuple.lb[15] = node;
	p.tuple.target_port = htons(port);
	p.synack_ns = start_ns + took_us * 1000;
	return p;
}

static struct target *count(struct targets *t, uint8_t node, uint64_t start_ns,
			    enum outcome outcome, bool *changed)
{
	struct probe p = probe_of(node, 80, start_ns, 100);
	struct diagnosis d = { .outcome = outcome,
			       .verdict = outcome == OUTCOME_PASS   ? VERDICT_HEALTHY
					  : outcome == OUTCOME_FAIL ? VERDICT_NO_LISTENER
								    : VERDICT_UNKNOWN };

	return targets_count(t, &p, &d, changed);
}

static void thresholds(void **state)
{
	/* results in order, and the state after each */
	static const struct {
		enum outcome outcome;
		enum target_state expected;
	} steps[] = {
		{ OUTCOME_FAIL, TARGET_UNDECIDED },  { OUTCOME_FAIL, TARGET_UNDECIDED },
		{ OUTCOME_PASS, TARGET_HEALTHY }, /* one success suffices on first association */
		{ OUTCOME_FAIL, TARGET_HEALTHY },    { OUTCOME_FAIL, TARGET_HEALTHY },
		{ OUTCOME_UNKNOWN, TARGET_HEALTHY }, /* neither breaks the run nor prolongs it */
		{ OUTCOME_FAIL, TARGET_UNHEALTHY },  { OUTCOME_PASS, TARGET_UNHEALTHY },
		{ OUTCOME_PASS, TARGET_UNHEALTHY },  { OUTCOME_FAIL, TARGET_UNHEALTHY },
		{ OUTCOME_PASS, TARGET_UNHEALTHY },  { OUTCOME_PASS, TARGET_UNHEALTHY },
		{ OUTCOME_PASS, TARGET_HEALTHY },
	};
	struct targets *t = targets_new(&settings);
	enum target_state before = TARGET_UNDECIDED;
	const struct target *target = NULL;
	bool changed;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		target = count(t, 5, i * 1000000000, steps[i].outcome, &changed);
		assert_non_null(target);
		assert_int_equal(target->state, steps[i].expected);
		assert_int_equal(changed, before != steps[i].expected);
		before = steps[i].expected;
	}
	assert_int_equal(target->probes, 13);
	assert_int_equal(target->passed, 6);
	assert_int_equal(target->failed, 6);
	assert_int_equal(target->unknown, 1);
	assert_int_equal(target->by_verdict[VERDICT_NO_LISTENER], 6);
	assert_int_equal(target->run, 3);
	assert_int_equal(target->run_since_ns, 10000000000);
	assert_int_equal(target->state_since_ns, 12000100000);
	targets_free(t);
}

static void unhealthy_from_the_start(void **state)
{
	struct targets *t = targets_new(&settings);
	bool changed;

	count(t, 5, 1, OUTCOME_FAIL, &changed);
	count(t, 5, 2, OUTCOME_FAIL, &changed);
	assert_int_equal(count(t, 5, 3, OUTCOME_FAIL, &changed)->state, TARGET_UNHEALTHY);
	assert_true(changed);
	targets_free(t);
}

static void collect(void *ctx, struct target *target)
{
	char *nodes = ctx;
	size_t len = strlen(nodes);

	nodes[len] = (char)('0' + target->lb[15]);
	nodes[len + 1] = '\0';
}

static void nodes_are_apart(void **state)
{
	struct targets *t = targets_new(&settings);
	char nodes[8] = "";
	bool changed;

	count(t, 3, 1, OUTCOME_PASS, &changed);
	count(t, 1, 1, OUTCOME_FAIL, &changed);
	count(t, 2, 1, OUTCOME_FAIL, &changed);
	assert_int_equal(count(t, 2, 1, OUTCOME_FAIL, &changed)->failed, 2);
	targets_each(t, collect, nodes);
	assert_string_equal(nodes, "123");
	targets_free(t);
}

/* The histogram is off by less than a sixteenth. */
static void percentiles(void **state)
{
	struct diagnosis d = { .outcome = OUTCOME_PASS };
	struct targets *t = targets_new(&settings);
	struct target *target = NULL;
	bool changed;

	for (uint64_t us = 1; us <= 10000; us++) {
		struct probe p = probe_of(1, 80, us * 1000000, us);

		target = targets_count(t, &p, &d, &changed);
	}
	target_latency(target);
	assert_int_equal(target->latency_count, 10000);
	assert_int_equal(target->latency_max_us, 10000);
	assert_in_range(target->latency_p50_us, 5000 - 5000 / 16, 5000 + 5000 / 16);
	assert_in_range(target->latency_p95_us, 9500 - 9500 / 16, 9500 + 9500 / 16);
	targets_free(t);
}

static void one_value(void **state)
{
	static const uint64_t values[] = { 0, 1, 15, 16, 17, 1000, 3000000, UINT64_C(50000000) };
	struct diagnosis d = { .outcome = OUTCOME_PASS };
	bool changed;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct targets *t = targets_new(&settings);
		struct probe p = probe_of(1, 80, 1, values[i]);
		struct target *target = targets_count(t, &p, &d, &changed);

		target_latency(target);
		assert_int_equal(target->latency_max_us, values[i]);
		assert_in_range(target->latency_p50_us, values[i] - values[i] / 16, values[i]);
		targets_free(t);
	}
}

/* A scan from the range: what finds no place is not counted with another. */
static void bounded(void **state)
{
	struct targets *t = targets_new(&settings);
	struct diagnosis d = { .outcome = OUTCOME_FAIL, .verdict = VERDICT_NO_LISTENER };
	bool changed;

	for (unsigned i = 0; i <= TARGETS_MAX; i++) {
		struct probe p = probe_of((uint8_t)i, (uint16_t)(i >> 8), 1000, 10);

		p.tuple.lb[14] = (uint8_t)(i >> 24);
		p.tuple.lb[13] = (uint8_t)(i >> 16);
		if (i < TARGETS_MAX)
			assert_non_null(targets_count(t, &p, &d, &changed));
		else
			assert_null(targets_count(t, &p, &d, &changed));
	}
	targets_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thresholds),	   cmocka_unit_test(unhealthy_from_the_start),
		cmocka_unit_test(nodes_are_apart), cmocka_unit_test(percentiles),
		cmocka_unit_test(one_value),	   cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
