// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How much of an answer was sent and acknowledged, and whether it was whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "diagnose/extent.h"

#define START 0xfffffff0u /* sequence numbers wrap in the middle of the answer */

/* A probe whose answer is TEXT, and MORE bytes that were not captured; all of it acknowledged. */
static struct probe answered(const char *text, uint32_t more)
{
	struct probe p = { .numbered = true,
			   .turns = 1,
			   .first_byte_ns = 5,
			   .answer_start = START };

	http_answer_feed(&p.answer, (const uint8_t *)text, strlen(text), &p.http_response);
	p.answer_end = START + (uint32_t)strlen(text) + more;
	p.acked = p.answer_end;
	return p;
}

static struct extent extent_of(const struct probe *p)
{
	struct extent e;

	probe_extent(p, &e);
	return e;
}

#define LENGTH_500 "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CLOSE "HTTP/1.1 200 OK\r\n\r\n"

static void lengths(void **state)
{
	static const struct {
		uint32_t body;
		enum wholeness wholeness;
	} rows[] = {
		{ 0, WHOLENESS_CUT },	  { 6, WHOLENESS_CUT },	  { 499, WHOLENESS_CUT },
		{ 500, WHOLENESS_WHOLE }, { 501, WHOLENESS_WHOLE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe p = answered(LENGTH_500, rows[i].body);
		struct extent e = extent_of(&p);

		assert_true(e.numbered && e.arrived);
		assert_int_equal(e.body_sent, rows[i].body);
		assert_int_equal(e.body_length, 500);
		assert_int_equal(e.sent, strlen(LENGTH_500) + rows[i].body);
		assert_int_equal(e.acked, e.sent);
		assert_int_equal(e.wholeness, rows[i].wholeness);
	}
}

static void acknowledged(void **state)
{
	struct probe p = answered(LENGTH_500, 500);

	p.acked = p.answer_end + 1; /* its FIN, too */
	assert_true(extent_of(&p).arrived);
	assert_int_equal(extent_of(&p).acked, extent_of(&p).sent);
	p.acked = p.answer_end - 1;
	assert_false(extent_of(&p).arrived);
	p.acked = p.answer_start;
	assert_false(extent_of(&p).arrived);
	assert_int_equal(extent_of(&p).acked, 0);
	/* what arrived is another question than what was sent */
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_WHOLE);
}

/* Without sequence numbers it is the retransmissions that tell. */
static void not_numbered(void **state)
{
	struct probe p = answered(LENGTH_500, 500);

	p.numbered = false;
	assert_false(extent_of(&p).numbered);
	assert_true(extent_of(&p).arrived);
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_UNKNOWN);
	p.retransmits = 1;
	assert_false(extent_of(&p).arrived);
}

/* Of the second exchange of a connection no acknowledgement is told. */
static void second_exchange(void **state)
{
	struct probe p = answered(LENGTH_500, 6);

	p.turns = 2;
	assert_false(extent_of(&p).numbered);
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_UNKNOWN);
}

static void chunks(void **state)
{
	struct probe p = answered(CHUNKED, 8);

	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_UNKNOWN); /* its end was not looked at */
	p.watched_tail = true;
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_CUT);
	p.tail = HCT_TAIL_LAST_CHUNK;
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_WHOLE);
}

/* With the connection it ends: when the service closes that, and ahead of the load balancer's end. */
static void until_close(void **state)
{
	struct probe p = answered(CLOSE, 8);

	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_CUT);
	p.host_fin_ns = 10;
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_WHOLE);
	p.lb_fin_ns = 20; /* behind it: it got all */
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_WHOLE);
	/* the service closes because the load balancer has given up */
	p.host_fin_ns = 30;
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_CUT);
	p.lb_fin_ns = 0;
	p.lb_rst_ns = 20;
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_CUT);
	/* a reset is no end of an answer (RFC 9112, 8) */
	p = answered(CLOSE, 8);
	p.host_rst_ns = 10;
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_CUT);
}

static void no_body(void **state)
{
	struct probe p = answered("HTTP/1.1 204 No Content\r\n\r\n", 0);

	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_WHOLE);
}

/* A head without its empty line, or not even a status line: all was read, so more is missing. */
static void unfinished_heads(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nServer: x\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
		"HTTP/1.1 20",
		"H",
		"HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 20",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct probe p = answered(texts[i], 0);

		print_message("%s\n", texts[i]);
		assert_int_equal(extent_of(&p).wholeness, WHOLENESS_CUT);
		assert_int_equal(extent_of(&p).body_sent, 0);
	}
}

/* Where bytes of it were not captured, nothing is concluded from what was. */
static void not_captured(void **state)
{
	struct probe p = answered("HTTP/1.1 200 OK\r\nServer: x\r\n", 3000);

	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_UNKNOWN);
	p = answered("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n", 3000);
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_UNKNOWN);
	p = answered("SSH-2.0-OpenSSH\r\n", 0);
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_UNKNOWN);
}

static void nothing_sent(void **state)
{
	struct probe p = { .numbered = true, .turns = 1, .answer_start = START,
			   .answer_end = START, .acked = START };

	assert_false(extent_of(&p).numbered);
	assert_int_equal(extent_of(&p).sent, 0);
	assert_int_equal(extent_of(&p).wholeness, WHOLENESS_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),	   cmocka_unit_test(acknowledged),
		cmocka_unit_test(not_numbered),	   cmocka_unit_test(second_exchange),
		cmocka_unit_test(chunks),	   cmocka_unit_test(until_close),
		cmocka_unit_test(no_body),	   cmocka_unit_test(unfinished_heads),
		cmocka_unit_test(not_captured),	   cmocka_unit_test(nothing_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
