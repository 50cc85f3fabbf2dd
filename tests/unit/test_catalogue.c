// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The catalogue: every verdict complete, its id and code of the right form, found by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "diagnose/verdict.h"

static void rows_are_complete(void **state)
{
	for (int i = 0; i < VERDICT_COUNT; i++) {
		const struct verdict *v = verdict_info((enum verdict_id)i);

		assert_non_null(v->id);
		assert_int_equal(strspn(v->id, "abcdefghijklmnopqrstuvwxyz-"), strlen(v->id));
		assert_int_equal(verdict_by_name(v->id), i);
		if (v->code)
			assert_int_equal(strspn(v->code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
					 strlen(v->code));
		assert_non_null(v->step);
		assert_int_equal(strspn(v->step, "123456789, "), strlen(v->step));
		assert_in_range(strlen(v->summary), 5, 34);
		/* A sentence or more each. */
		assert_int_equal(v->meaning[strlen(v->meaning) - 1], '.');
		assert_int_equal(v->evidence[strlen(v->evidence) - 1], '.');
		assert_int_equal(v->remedy[strlen(v->remedy) - 1], '.');
	}
}

/* What is shipped keeps its meaning: some of each kind. */
static void contract(void **state)
{
	static const struct {
		enum verdict_id id;
		const char *name, *code, *step;
	} table[] = {
		{ VERDICT_HEALTHY, "healthy", NULL, "" },
		{ VERDICT_NO_PROBE, "no-probe", NULL, "1, 2" },
		{ VERDICT_FIREWALL_DROP, "firewall-drop", "CONNECT_TIMEOUT", "4" },
		{ VERDICT_FIREWALL_REJECT, "firewall-reject", "CONNECT_REFUSED", "4" },
		{ VERDICT_KERNEL_DROP, "kernel-drop", "CONNECT_TIMEOUT", "" },
		{ VERDICT_NO_LISTENER, "no-listener", "CONNECT_REFUSED", "3" },
		{ VERDICT_UNREACHABLE_SUPPRESSED, "unreachable-suppressed", NULL, "8" },
		{ VERDICT_APP_SLOW, "app-slow", "RECV_RESPONSE_TIMEOUT", "6" },
		{ VERDICT_APP_CLOSED, "app-closed", "CONNECT_INTERRUPT", "3" },
		{ VERDICT_TCP_WRAPPERS, "tcp-wrappers", "CONNECT_INTERRUPT", "7" },
		{ VERDICT_HTTP_STATUS, "http-status", "RESPONSE_MISMATCH", "3" },
		{ VERDICT_NOT_HTTP, "not-http", "RESPONSE_FORMAT_ERROR", "3" },
		{ VERDICT_TLS_ALERT, "tls-alert", "SSL_HANDSHAKE_ERROR", "3" },
		{ VERDICT_PROBE_ABORTED, "probe-aborted", NULL, "" },
		{ VERDICT_UNKNOWN, "unknown", NULL, "9" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct verdict *v = verdict_info(table[i].id);

		assert_string_equal(v->id, table[i].name);
		assert_string_equal(v->step, table[i].step);
		if (table[i].code)
			assert_string_equal(v->code, table[i].code);
		else
			assert_null(v->code);
	}
}

static void unknown_names(void **state)
{
	assert_int_equal(verdict_by_name(""), -1);
	assert_int_equal(verdict_by_name("firewall"), -1);
	assert_string_equal(verdict_info(VERDICT_COUNT)->id, "unknown");
}

static void names(void **state)
{
	assert_string_equal(outcome_name(OUTCOME_PASS), "pass");
	assert_string_equal(outcome_name(OUTCOME_FAIL), "fail");
	assert_string_equal(outcome_name(OUTCOME_UNKNOWN), "unknown");
	assert_string_equal(confidence_name(CONFIDENCE_CERTAIN), "certain");
	assert_string_equal(confidence_name(CONFIDENCE_LIKELY), "likely");
	assert_string_equal(confidence_name(CONFIDENCE_GUESS), "guess");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(contract),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
