// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is learned of interval and timeout, and when a state will flip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "diagnose/targets.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START (100 * SECOND)

/* The console's example: 3 × 3 s + 5 s × 2 = 19 s. */
static const struct settings settings = { .interval_ns = 5 * SECOND,
					  .timeout_ns = 3 * SECOND,
					  .retries = 3 };

static struct probe probe_at(uint64_t start_ns, uint64_t took_ns)
{
	struct probe p = { .start_ns = start_ns, .end_ns = start_ns + took_ns };

	p.tuple.protocol = IPPROTO_TCP;
	p.tuple.target_port = htons(80);
	return p;
}

static const struct target *count(struct targets *t, const struct probe *p, enum verdict_id verdict,
				  const char *code)
{
	struct diagnosis d = { .verdict = verdict,
			       .code = code,
			       .outcome = verdict == VERDICT_HEALTHY ? OUTCOME_PASS
								     : OUTCOME_FAIL };
	bool changed;

	return targets_count(t, p, &d, &changed);
}

static void down_after_timeouts(void **state)
{
	struct targets *t = targets_new(&settings);
	struct probe p = probe_at(START, 3 * SECOND);
	const struct target *target;

	target = count(t, &p, VERDICT_FIREWALL_DROP, "CONNECT_TIMEOUT");
	assert_int_equal(target->flips_at_ns, START + 19 * SECOND);
	p = probe_at(START + 8 * SECOND, 3 * SECOND);
	target = count(t, &p, VERDICT_FIREWALL_DROP, "CONNECT_TIMEOUT");
	assert_int_equal(target->flips_at_ns, START + 19 * SECOND);
	p = probe_at(START + 16 * SECOND, 3 * SECOND);
	target = count(t, &p, VERDICT_FIREWALL_DROP, "CONNECT_TIMEOUT");
	assert_int_equal(target->state, TARGET_UNHEALTHY);
	assert_int_equal(target->state_since_ns, START + 19 * SECOND);
	assert_int_equal(target->flips_at_ns, 0);
	assert_int_equal(target->interval_ns, 8 * SECOND); /* from start to start */
	/* up again after three */
	p = probe_at(START + 24 * SECOND, MS);
	target = count(t, &p, VERDICT_HEALTHY, NULL);
	assert_int_equal(target->flips_at_ns, START + 40 * SECOND + MS);
	targets_free(t);
}

static void down_after_refusals(void **state)
{
	struct targets *t = targets_new(&settings);
	struct probe p = probe_at(START, MS);

	assert_int_equal(count(t, &p, VERDICT_NO_LISTENER, "CONNECT_REFUSED")->flips_at_ns,
			 START + 10 * SECOND + 3 * MS);
	p = probe_at(START + 5 * SECOND, MS);
	assert_int_equal(count(t, &p, VERDICT_HEALTHY, NULL)->flips_at_ns, 0);
	targets_free(t);
}

static void learns_the_interval(void **state)
{
	struct targets *t = targets_new(&settings);
	const struct target *target = NULL;
	struct probe p;

	for (unsigned i = 0; i < 4; i++) {
		p = probe_at(START + i * 2 * SECOND, MS);
		target = count(t, &p, i == 3 ? VERDICT_NO_LISTENER : VERDICT_HEALTHY, NULL);
	}
	assert_int_equal(target->interval_ns, 2 * SECOND);
	assert_int_equal(target->flips_at_ns, START + 10 * SECOND + MS);
	targets_free(t);
}

static void learns_the_timeout(void **state)
{
	/* when the load balancer ended it, and whether an answer had left before */
	static const struct {
		unsigned ended_ms, answered_ms;
		const char *code;
		unsigned learned_ms;
	} rows[] = {
		{ 2000, 0, "RECV_RESPONSE_TIMEOUT", 2000 },
		{ 10, 0, "CONNECT_INTERRUPT", 2000 }, /* not given up */
		{ 2500, 2400, "RECV_RESPONSE_TIMEOUT", 2000 }, /* it was answered */
		{ 2010, 0, "RECV_RESPONSE_TIMEOUT", 2000 },
		{ 0, 0, "CONNECT_TIMEOUT", 2000 }, /* nothing seen of its end */
		{ 2010, 0, "CONNECT_TIMEOUT", 2010 },
	};
	struct targets *t = targets_new(&settings);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe p = probe_at(START + i * 5 * SECOND, 3 * SECOND);

		p.lb_fin_ns = rows[i].ended_ms ? p.start_ns + rows[i].ended_ms * MS : 0;
		p.first_byte_ns = rows[i].answered_ms ? p.start_ns + rows[i].answered_ms * MS : 0;
		assert_int_equal(count(t, &p, VERDICT_APP_SLOW, rows[i].code)->timeout_ns,
				 rows[i].learned_ms * MS);
	}
	targets_free(t);
}

static void silence_flips_nothing(void **state)
{
	struct targets *t = targets_new(&settings);
	struct probe p = probe_at(START, MS);
	struct diagnosis silence = { .verdict = VERDICT_NO_PROBE, .outcome = OUTCOME_FAIL };
	const struct target *target = count(t, &p, VERDICT_NO_LISTENER, "CONNECT_REFUSED");

	strcpy(silence.why, "It is quiet.");
	targets_silence(t, &p, &silence);
	assert_true(target->silent);
	assert_int_equal(target->flips_at_ns, 0);
	assert_int_equal(target->last_verdict, VERDICT_NO_LISTENER); /* a cause is not forgotten */
	assert_string_equal(target->silent_why, "It is quiet.");
	p = probe_at(START + 60 * SECOND, MS);
	assert_false(count(t, &p, VERDICT_NO_LISTENER, "CONNECT_REFUSED")->silent);
	targets_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(down_after_timeouts), cmocka_unit_test(down_after_refusals),
		cmocka_unit_test(learns_the_interval), cmocka_unit_test(learns_the_timeout),
		cmocka_unit_test(silence_flips_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
