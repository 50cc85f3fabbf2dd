// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* HTTP/1 answers as they come: however they are cut into segments, they say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/http.h"

#define OK "HTTP/1.1 200 OK\r\n"

struct reading {
	struct http_answer answer;
	struct http_response response;
};

static void feed(struct reading *r, const char *data, size_t len)
{
	http_answer_feed(&r->answer, (const uint8_t *)data, len, &r->response);
}

static struct reading begin(bool to_head)
{
	struct reading r;

	memset(&r, 0, sizeof(r));
	r.answer.to_head = to_head;
	return r;
}

static struct reading read_at_once(const char *text, bool to_head)
{
	struct reading r = begin(to_head);

	feed(&r, text, strlen(text));
	return r;
}

static void assert_same(const struct reading *a, const struct reading *b)
{
	assert_int_equal(a->answer.framing, b->answer.framing);
	assert_int_equal(a->answer.final, b->answer.final);
	assert_int_equal(a->answer.broken, b->answer.broken);
	assert_int_equal(a->answer.fed, b->answer.fed);
	assert_int_equal(a->answer.head_len, b->answer.head_len);
	assert_int_equal(a->answer.length, b->answer.length);
	assert_int_equal(a->response.valid, b->response.valid);
	assert_int_equal(a->response.status, b->response.status);
	assert_string_equal(a->response.location, b->response.location);
}

static const struct row {
	const char *text;
	bool to_head;
	enum http_framing framing;
	int status; /* of the last response; 0: none that counts */
	uint64_t length;
} rows[] = {
	{ OK "Content-Length: 500\r\n\r\nabcdef", false, HTTP_FRAMING_LENGTH, 200, 500 },
	{ OK "Content-Length: 0\r\n\r\n", false, HTTP_FRAMING_LENGTH, 200, 0 },
	{ OK "Content-Length: 500\r\n\r\n", true, HTTP_FRAMING_NONE, 200, 0 },
	{ OK "Transfer-Encoding: chunked\r\n\r\n", true, HTTP_FRAMING_NONE, 200, 0 },
	{ OK "\r\nbody", false, HTTP_FRAMING_CLOSE, 200, 0 },
	{ "HTTP/1.0 200\r\n\r\n", false, HTTP_FRAMING_CLOSE, 200, 0 },
	{ "HTTP/1.1 204 No Content\r\n\r\n", false, HTTP_FRAMING_NONE, 204, 0 },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", false, HTTP_FRAMING_NONE,
	  304, 0 },
	{ "HTTP/1.1 503 Down\r\nContent-Length: 4\r\n\r\ndown", false, HTTP_FRAMING_LENGTH, 503,
	  4 },
	/* chunked, alone and beside what it overrides, whichever comes first */
	{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n", false,
	  HTTP_FRAMING_CHUNKED, 200, 0 },
	{ OK "Transfer-Encoding: gzip, Chunked \r\n\r\n", false, HTTP_FRAMING_CHUNKED, 200, 0 },
	{ OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", false,
	  HTTP_FRAMING_CHUNKED, 200, 0 },
	/* no chunked encoding is the last: it ends with the connection (RFC 9112, 6.3) */
	{ OK "Transfer-Encoding: chunked, gzip\r\n\r\n", false, HTTP_FRAMING_CLOSE, 200, 0 },
	{ OK "Transfer-Encoding: unchunked\r\n\r\n", false, HTTP_FRAMING_CLOSE, 200, 0 },
	/* names of headers, in any case and with any space behind them */
	{ OK "cOnTeNt-LeNgTh:7\r\n\r\n", false, HTTP_FRAMING_LENGTH, 200, 7 },
	{ OK "CONTENT-LENGTH: \t 7\r\n\r\n", false, HTTP_FRAMING_LENGTH, 200, 7 },
	{ OK "tRANSFER-eNCODING:\tchunked\t\r\n\r\n", false, HTTP_FRAMING_CHUNKED, 200, 0 },
	{ OK "X-Content-Length: 7\r\nContent-Length-X: 8\r\n\r\n", false, HTTP_FRAMING_CLOSE, 200,
	  0 },
	/* lines that end with a line feed alone */
	{ "HTTP/1.1 200 OK\nContent-Length: 7\n\n", false, HTTP_FRAMING_LENGTH, 200, 7 },
	/* lengths: the greatest, and those that are none */
	{ OK "Content-Length: 9223372036854775807\r\n\r\n", false, HTTP_FRAMING_LENGTH, 200,
	  UINT64_C(9223372036854775807) },
	{ OK "Content-Length: 18446744073709551616\r\n\r\n", false, HTTP_FRAMING_CLOSE, 200, 0 },
	{ OK "Content-Length: 184467440737095516150\r\n\r\n", false, HTTP_FRAMING_CLOSE, 200, 0 },
	{ OK "Content-Length: -1\r\n\r\n", false, HTTP_FRAMING_CLOSE, 200, 0 },
	{ OK "Content-Length:\r\n\r\n", false, HTTP_FRAMING_CLOSE, 200, 0 },
	/* responses ahead of the one that counts */
	{ "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 3\r\n\r\nok\n", false,
	  HTTP_FRAMING_LENGTH, 200, 3 },
	{ "HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\nLocation: /x\r\n\r\n"
	  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Down\r\n\r\n",
	  false, HTTP_FRAMING_CLOSE, 503, 0 },
	{ "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n" OK
	  "Content-Length: 3\r\n\r\n",
	  false, HTTP_FRAMING_LENGTH, 200, 3 },
};

/* Of what comes behind the empty line nothing is read. */
static uint32_t end_of_last_head(const struct row *row)
{
	const char *at = strstr(row->text, "HTTP/1."), *next, *end;

	while ((next = strstr(at + 1, "HTTP/1.")))
		at = next;
	end = strstr(at, "\r\n\r\n");
	if (end)
		return (uint32_t)(end + 4 - row->text);
	return (uint32_t)(strstr(at, "\n\n") + 2 - row->text);
}

static void whole_heads(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reading r = read_at_once(rows[i].text, rows[i].to_head);

		print_message("%zu\n", i);
		assert_true(r.response.valid && r.answer.final && !r.answer.broken);
		assert_int_equal(r.response.status, rows[i].status);
		assert_int_equal(r.answer.framing, rows[i].framing);
		assert_int_equal(r.answer.length, rows[i].length);
		assert_int_equal(r.answer.head_len, end_of_last_head(&rows[i]));
	}
}

static void any_segments(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = rows[i].text;
		struct reading once = read_at_once(text, rows[i].to_head), r;
		size_t len = strlen(text);

		r = begin(rows[i].to_head);
		for (size_t at = 0; at < len; at++)
			feed(&r, text + at, 1);
		assert_same(&once, &r);
		for (size_t one = 0; one <= len; one++) {
			for (size_t two = one; two <= len; two++) {
				r = begin(rows[i].to_head);
				feed(&r, text, one);
				feed(&r, text + one, two - one);
				feed(&r, text + two, len - two);
				assert_same(&once, &r);
			}
		}
	}
}

/* A beginning is no answer before its status line is complete, and then says its status alone. */
static void beginnings(void **state)
{
	static const char text[] = OK "Content-Length: 500\r\nX: y\r\n\r\nabcdef";
	size_t line = strlen(OK), head = strlen(text) - strlen("abcdef");

	for (size_t len = 0; len <= strlen(text); len++) {
		struct reading r = begin(false);

		feed(&r, text, len);
		assert_false(r.answer.broken);
		assert_int_equal(r.response.valid, len >= line);
		assert_int_equal(r.response.status, len >= line ? 200 : 0);
		assert_int_equal(r.answer.head_len, len >= head ? head : 0);
		assert_int_equal(r.answer.fed, len);
	}
}

/* What only came behind 1xx so far is no answer. */
static void only_informational(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 100 Continue\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 20",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n",
		"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct reading r = read_at_once(texts[i], false);

		assert_false(r.response.valid || r.answer.final || r.answer.broken);
		assert_int_equal(r.answer.head_len, 0);
	}
}

/* WebSocket's 101 is final: nothing of HTTP follows. */
static void switching_protocols(void **state)
{
	struct reading r = read_at_once("HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05", false);

	assert_true(r.response.valid && r.answer.final);
	assert_int_equal(r.response.status, 101);
}

static void locations(void **state)
{
	struct reading r = read_at_once("HTTP/1.1 301 Moved\r\nlocation:  /a\x1b?b=1\r\n"
					"Location: /second\r\nContent-Length: 0\r\n\r\n",
					false);

	assert_int_equal(r.response.status, 301);
	assert_string_equal(r.response.location, "/a??b=1");
	/* of a response that does not count, nothing is kept */
	r = read_at_once("HTTP/1.1 103 Hints\r\nLocation: /x\r\n\r\n" OK "\r\n", false);
	assert_string_equal(r.response.location, "");
}

/* What clients differ in is marked, and read as far as it can be. */
static void malformed(void **state)
{
	static const struct {
		const char *text;
		bool malformed;
	} answers[] = {
		{ OK "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", false },
		{ OK "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", true },
		{ OK "Content-Length: 3 \r\n\r\n", false },
		{ OK "Content-Length: 3, 3\r\n\r\n", true },
		{ OK "Content-Length: +3\r\n\r\n", true },
		{ OK "Transfer-Encoding: chunked, gzip\r\n\r\n", true },
		{ OK "no header\r\n\r\n", true },
		{ OK "Name : value\r\n\r\n", true },
		{ "\r\n" OK "\r\n", true },
		{ OK "Transfer-Encoding: chunked\r\n\r\nx\r\n", true },
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct reading r = read_at_once(answers[i].text, false);

		print_message("%zu\n", i);
		assert_true(r.response.valid);
		assert_int_equal(r.answer.malformed, answers[i].malformed);
	}
}

static void chunks(void **state)
{
	static const struct {
		const char *body;
		bool ended;
	} bodies[] = {
		{ "0\r\n\r\n", true },
		{ "3\r\nok\n\r\n0\r\n\r\n", true },
		{ "3;name=value\r\nok\n\r\n000;last\r\nTrailer: x\r\n\r\n", true },
		{ "5\r\n0\r\n\r\n\r\n0\r\n\r\n", true },
		{ "5\r\n0\r\n\r\n", false },
		{ "3\r\nok\n\r\n0\r\n", false },
		{ "3\r\nok\n\r\n0\r\nTrailer: x\r\n", false },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct reading r = begin(false);

		snprintf(text, sizeof(text), OK "Transfer-Encoding: chunked\r\n\r\n%s",
			 bodies[i].body);
		for (size_t at = 0; at < strlen(text); at++)
			feed(&r, text + at, 1);
		print_message("%zu\n", i);
		assert_int_equal(r.answer.chunks_ended, bodies[i].ended);
		assert_false(r.answer.malformed);
	}
}

static void garbage(void **state)
{
	static const char *const texts[] = {
		"SSH-2.0-OpenSSH_9.2\r\n",
		"HTTQ/1.1 200 OK\r\n",
		"H\n",
		"http/1.1 200 OK\r\n",
		"HTTP/2 200\r\n",
		"HTTP/1.1 2x0 OK\r\n\r\n",
		"HTTP/1.1 20\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nSSH-2.0\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct reading once = read_at_once(texts[i], false), r = begin(false);

		print_message("%zu\n", i);
		assert_true(once.answer.broken);
		assert_false(once.response.valid);
		assert_int_equal(once.answer.head_len, 0);
		for (size_t at = 0; at < strlen(texts[i]); at++)
			feed(&r, texts[i] + at, 1);
		assert_same(&once, &r);
	}
}

/* Lines longer than what is kept of them, and bytes of any value. */
static void long_lines(void **state)
{
	struct reading r = begin(false);
	char filler[5000];

	memset(filler, 'y', sizeof(filler));
	feed(&r, "HTTP/1.1 200 ", 13);
	feed(&r, filler, sizeof(filler));
	feed(&r, "\r\nX: ", 5);
	feed(&r, filler, sizeof(filler));
	feed(&r, "\r\nContent-Length: 3\r\nCookie: ", 29);
	feed(&r, filler, sizeof(filler));
	assert_true(r.response.valid);
	assert_int_equal(r.answer.head_len, 0);
	feed(&r, "\r\n\r\n", 4);
	assert_int_equal(r.response.status, 200);
	assert_int_equal(r.answer.framing, HTTP_FRAMING_LENGTH);
	assert_int_equal(r.answer.length, 3);
	assert_int_equal(r.answer.head_len, 13 + 5 + 29 + 4 + 3 * sizeof(filler));
}

static void any_bytes(void **state)
{
	uint8_t data[4096];

	srand(14);
	for (int round = 0; round < 200; round++) {
		struct reading r = begin(round & 1);
		size_t at = 0;

		feed(&r, OK, strlen(OK));
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)(rand() >> 7);
		while (at < sizeof(data)) {
			size_t len = (size_t)rand() % 64;

			if (len > sizeof(data) - at)
				len = sizeof(data) - at;
			feed(&r, (const char *)data + at, len);
			at += len;
		}
		assert_int_equal(r.response.status, 200);
		for (const char *c = r.response.location; *c; c++)
			assert_in_range(*c, 0x21, 0x7e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_heads),	       cmocka_unit_test(any_segments),
		cmocka_unit_test(beginnings),	       cmocka_unit_test(only_informational),
		cmocka_unit_test(switching_protocols), cmocka_unit_test(locations),
		cmocka_unit_test(malformed),
		cmocka_unit_test(chunks),
		cmocka_unit_test(garbage),	       cmocka_unit_test(long_lines),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
