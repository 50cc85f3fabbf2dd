// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The client of hctrace probe: what it asks, and what it makes of the answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "probe/client.h"

static void manners(void **state)
{
	assert_true(client_manner("azure")->ends_by_fin);
	assert_false(client_manner("elb")->ends_by_fin);
	assert_string_equal(client_manner("elb")->method, "GET");
	assert_string_equal(client_manner("haproxy")->method, "OPTIONS");
	assert_string_equal(client_manner("alibaba")->method, "HEAD");
	assert_string_equal(client_manner("keepalived")->version, "1.0");
}

static void request(void **state)
{
	const struct client_check check = { .kind = CLIENT_HTTP, .manner = client_manner("keepalived"),
					    .path = "/up?x=1", .host = "www.example.org" };
	char out[512];
	int n = client_request(&check, out, sizeof(out));

	assert_int_equal(n, strlen(out));
	assert_int_equal(strncmp(out, "GET /up?x=1 HTTP/1.0\r\nHost: www.example.org\r\n", 45), 0);
	assert_string_equal(out + n - 4, "\r\n\r\n");
	assert_int_equal(client_request(&check, out, 40), -ENAMETOOLONG);
}

static void answers(void **state)
{
	static const struct {
		const char *bytes;
		bool known;
		enum client_result result;
		int status;
	} rows[] = {
		{ "HTTP/1.1 200", true, CLIENT_OK, 200 },
		{ "HTTP/1.0 503", true, CLIENT_OK, 503 },
		{ "HTTP/1.1 20", false, CLIENT_OK, 0 },
		{ "HT", false, CLIENT_OK, 0 },
		{ "", false, CLIENT_OK, 0 },
		{ "SSH-2.0-Open", true, CLIENT_NOT_HTTP, 0 },
		{ "HTTP/1.1 abc", true, CLIENT_NOT_HTTP, 0 },
		{ "\x15\x03\x01", true, CLIENT_NOT_HTTP, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client_seen seen = { .result = CLIENT_OK };

		assert_int_equal(client_answer(rows[i].bytes, strlen(rows[i].bytes), &seen),
				 rows[i].known);
		assert_int_equal(seen.result, rows[i].result);
		assert_int_equal(seen.status, rows[i].status);
	}
}

static void results(void **state)
{
	assert_int_equal(client_result_of(ETIMEDOUT), CLIENT_TIMEOUT);
	assert_int_equal(client_result_of(ECONNREFUSED), CLIENT_REFUSED);
	assert_int_equal(client_result_of(ECONNRESET), CLIENT_RESET);
	assert_int_equal(client_result_of(ECANCELED), CLIENT_STOPPED);
	assert_int_equal(client_result_of(EHOSTUNREACH), CLIENT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manners),
		cmocka_unit_test(request),
		cmocka_unit_test(answers),
		cmocka_unit_test(results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
