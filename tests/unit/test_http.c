// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The few bytes of HTTP that a health check is about, cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/http.h"

static bool request(const char *text, struct http_request *out)
{
	return http_parse_request((const uint8_t *)text, strlen(text), out);
}

static bool response(const char *text, struct http_response *out)
{
	return http_parse_response((const uint8_t *)text, strlen(text), out);
}

static void requests(void **state)
{
	struct http_request r;

	assert_true(request(
		"GET /health?x=1 HTTP/1.1\r\nUser-Agent: x\r\nhOsT: \t a.example:80 \r\n\r\n", &r));
	assert_string_equal(r.method, "GET");
	assert_string_equal(r.path, "/health?x=1");
	assert_string_equal(r.host, "a.example:80");
	assert_true(request("OPTIONS / HTTP/1.0\n\n", &r));
	assert_string_equal(r.host, "");
	assert_true(request("HEAD * HTTP/1.1", &r));
	assert_true(request("GET /caf\xc3\xa9\x1b HTTP/1.1\r\n", &r));
	assert_string_equal(r.path, "/caf???");
}

static void no_requests(void **state)
{
	static const char *const texts[] = {
		"",
		"GET",
		"GET ",
		"GET /",
		"get / HTTP/1.1\r\n",
		"GET / HTTP/2.0\r\n",
		"GET  HTTP/1.1\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01",
		"SSH-2.0-OpenSSH\r\n",
		"GET / FTP/1.1\r\n",
		"AVERYLONGMETHODNAME / HTTP/1.1\r\n",
		"\r\nGET / HTTP/1.1\r\n",
	};
	struct http_request r;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		/* a request line may be cut, but then there is a path */
		if (strcmp(texts[i], "GET /") == 0)
			assert_true(request(texts[i], &r));
		else
			assert_false(request(texts[i], &r));
	}
	assert_false(http_parse_request(NULL, 0, &r));
}

/* What only a proxy or a browser sends. */
static void on_a_users_behalf(void **state)
{
	static const struct {
		const char *headers;
		bool forwarded;
	} rows[] = {
		{ "Host: web\r\nUser-Agent: clb-healthcheck\r\n", false },
		{ "Host: web\r\nX-Forwarded-For: 203.0.113.7\r\n", true },
		{ "x-forwarded-proto: https\r\nHost: web\r\n", true },
		{ "Host: web\r\nCookie: a=b\r\n", true },
		{ "Host: web\r\nVia: 1.1 cache", true }, /* cut */
		{ "Host: web\r\nViaduct: 7\r\n", false },
		{ "Host: web\r\n\r\nCookie: in the body\r\n", false },
	};
	struct http_request r;
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s", rows[i].headers);

		assert_true(http_parse_request((const uint8_t *)text, (size_t)len, &r));
		assert_int_equal(r.forwarded, rows[i].forwarded);
	}
}

static void long_path(void **state)
{
	char text[400] = "GET /";
	struct http_request r;

	memset(text + 5, 'a', 300);
	assert_true(request(text, &r));
	assert_int_equal(strlen(r.path), sizeof(r.path) - 1);
}

static void responses(void **state)
{
	struct http_response r;

	assert_true(
		response("HTTP/1.1 301 Moved\r\nX: y\r\nlocation:  https://x/\r\n\r\nbody", &r));
	assert_int_equal(r.status, 301);
	assert_string_equal(r.location, "https://x/");
	assert_true(response("HTTP/1.0 200", &r));
	assert_int_equal(r.status, 200);
	assert_true(response("HTTP/1.1 200 OK\r\n\r\nLocation: not/a/header\r\n", &r));
	assert_string_equal(r.location, "");
}

static void tls_wanted(void **state)
{
	static const char nginx[] = "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>\r\n"
				    "<head><title>400 The plain HTTP request was sent to HTTPS port"
				    "</title></head>";
	static const char go[] = "HTTP/1.0 400 Bad Request\r\n\r\n"
				 "Client sent an HTTP request to an HTTPS server.\n";
	struct http_response r;

	assert_true(response(nginx, &r) && r.wants_tls);
	assert_true(response(go, &r) && r.wants_tls);
	assert_true(response("HTTP/1.1 400 Bad Request\r\n\r\nno Host", &r) && !r.wants_tls);
	assert_true(response("HTTP/1.1 200 OK\r\n\r\nsent an HTTP request to an HTTPS server", &r));
	assert_false(r.wants_tls);
}

static void no_responses(void **state)
{
	static const char *const texts[] = {
		"",
		"HTTP",
		"HTTP/1.1",
		"HTTP/1.1 ",
		"HTTP/1.1 20",
		"HTTP/1.1 2000 OK",
		"HTTP/1.1 OK",
		"HTTP/1.1 099 x",
		"HTTP/2 200",
		"SSH-2.0-x\r\n",
		"\x15\x03\x01",
		"421 Service not available\r\n",
		"http/1.1 200 OK",
	};
	struct http_response r;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(response(texts[i], &r));
		assert_false(r.valid);
	}
}

/* Every prefix of a message is handled within its bytes: a sanitizer watches the copy's end. */
static void cut_anywhere(void **state)
{
	static const char text[] = "HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\n";
	static const char text2[] = "GET /a HTTP/1.1\r\nHost: b\r\n\r\n";
	struct http_response r;
	struct http_request q;

	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, text, len);
		assert_int_equal(http_parse_response(copy, len, &r), len >= 12);
		free(copy);
	}
	for (size_t len = 0; len < sizeof(text2) - 1; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, text2, len);
		http_parse_request(copy, len, &q);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),	cmocka_unit_test(no_requests),
		cmocka_unit_test(on_a_users_behalf),
		cmocka_unit_test(long_path),	cmocka_unit_test(responses),
		cmocka_unit_test(tls_wanted), cmocka_unit_test(no_responses), cmocka_unit_test(cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
