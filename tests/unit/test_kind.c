// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Probe or traffic: rhythms, habits, and what is decided by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "diagnose/kind.h"
#include "diagnose/rhythm.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static struct rhythm rhythm_of(const unsigned *at_ms, unsigned n)
{
	struct rhythm r = { .n = 0 };

	for (unsigned i = 0; i < n; i++)
		rhythm_add(&r, SECOND + at_ms[i] * MS);
	return r;
}

static void steady_periods(void **state)
{
	static const struct {
		unsigned at_ms[8], n, period_ms;
	} rows[] = {
		{ { 0, 5000 }, 2, 0 }, /* too few */
		{ { 0, 5000, 10000 }, 3, 5000 },
		{ { 0, 5100, 10050, 15000 }, 4, 4950 },
		{ { 10000, 0, 5000 }, 3, 5000 }, /* in any order */
		{ { 0, 5000, 15000, 20000 }, 4, 5000 }, /* one fell out */
		{ { 0, 10, 20, 30, 40 }, 5, 0 }, /* a burst */
		{ { 0, 700, 5000, 6100, 6900 }, 5, 0 },
		{ { 0, 1000, 2010, 3050, 4040, 5000 }, 6, 1000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rhythm r = rhythm_of(rows[i].at_ms, rows[i].n);
		uint64_t period = rhythm_period_ns(&r), wanted = rows[i].period_ms * MS;

		assert_in_range(period, wanted - wanted / 20, wanted + wanted / 20);
	}
}

static void what_a_period_expects(void **state)
{
	static const unsigned at_ms[] = { 0, 5000, 10000 };
	struct rhythm r = rhythm_of(at_ms, 3);

	assert_true(rhythm_expects(&r, 16 * SECOND));
	assert_true(rhythm_expects(&r, 21 * SECOND)); /* one later */
	assert_false(rhythm_expects(&r, 13 * SECOND + 500 * MS));
	assert_false(rhythm_expects(&r, 11 * SECOND + 100 * MS));
	assert_false(rhythm_is_over(&r, 16 * SECOND));
	assert_true(rhythm_is_over(&r, 19 * SECOND));
	assert_int_equal(rhythm_recent(&r, 12 * SECOND, 6 * SECOND), 2);
}

static struct probe request(uint8_t node, uint64_t at_ns, const char *path)
{
	struct probe p = { .start_ns = at_ns, .turns = 1 };

	p.tuple.protocol = IPPROTO_TCP;
	p.tuple.lb[15] = node;
	p.tuple.target_port = htons(80);
	p.synack_ns = p.ack_ns = p.established_ns = at_ns + MS;
	p.request_ns = at_ns + 2 * MS;
	p.http_request.valid = true;
	strcpy(p.http_request.method, "GET");
	strcpy(p.http_request.path, path);
	strcpy(p.http_request.host, "192.168.0.10");
	p.http_response.valid = true;
	p.lb_fin_ns = at_ns + 4 * MS;
	return p;
}

static struct probe handshake(uint8_t node, uint64_t at_ns)
{
	struct probe p = { .start_ns = at_ns };

	p.tuple.protocol = IPPROTO_TCP;
	p.tuple.lb[15] = node;
	p.tuple.target_port = htons(80);
	p.synack_ns = p.ack_ns = p.established_ns = at_ns + MS;
	p.lb_rst_ns = at_ns + 2 * MS;
	return p;
}

static struct probe unanswered(uint8_t node, uint64_t at_ns)
{
	struct probe p = handshake(node, at_ns);

	p.synack_ns = p.ack_ns = p.established_ns = p.lb_rst_ns = 0;
	return p;
}

static const struct settings any_path = { .interval_ns = 5 * SECOND };

static struct kind judge(struct habits *h, const struct settings *s, struct probe p)
{
	struct habit_view view;
	struct kind kind;

	habits_look(h, &p, &view);
	kind = kind_of(s, &p, &view);
	habits_note(h, &p, kind.never_check ? NULL : &view, kind.traffic);
	return kind;
}

static void assert_kind(struct kind kind, bool traffic, enum told_by by)
{
	assert_string_equal(told_by_name(kind.told_by), told_by_name(by));
	assert_int_equal(kind.traffic, traffic);
}

/* Three checks of each of two nodes, every 5 s: what they ask for is known then. */
static struct habits *after_checks(void)
{
	struct habits *h = habits_new(any_path.interval_ns);

	for (unsigned i = 0; i < 4; i++)
		for (uint8_t node = 1; node <= 2; node++)
			assert_false(judge(h, &any_path,
					   request(node, (10 + 5 * i + node) * SECOND, "/health"))
					     .traffic);
	return h; /* the last came at 26 s and 27 s */
}

static void shapes(void **state)
{
	struct habits *h = habits_new(any_path.interval_ns);
	struct probe p;

	assert_kind(judge(h, &any_path, handshake(1, 10 * SECOND)), false, TOLD_BY_SHAPE);
	assert_kind(judge(h, &any_path, request(1, 11 * SECOND, "/a")), false, TOLD_BY_SHAPE);
	assert_kind(judge(h, &any_path, unanswered(1, 12 * SECOND)), false, TOLD_BY_SHAPE);
	p = request(1, 13 * SECOND, "/a");
	p.burst = true; /* the next one of its connection came at once */
	assert_kind(judge(h, &any_path, p), true, TOLD_BY_REQUESTS);
	p = request(1, 13 * SECOND, "/a");
	p.turns = 2; /* as recordings of 0.1 have it */
	assert_kind(judge(h, &any_path, p), true, TOLD_BY_REQUESTS);
	p = request(1, 13 * SECOND, "/a");
	p.http_request.forwarded = true;
	assert_kind(judge(h, &any_path, p), true, TOLD_BY_HEADERS);
	p = request(1, 13 * SECOND, "/a");
	strcpy(p.http_request.method, "POST");
	assert_kind(judge(h, &any_path, p), true, TOLD_BY_HEADERS);
	p = handshake(2, 14 * SECOND); /* TLS takes more exchanges for one request */
	p.request_ns = p.start_ns;
	p.request_bytes_len = 1;
	p.request_bytes[0] = 0x16;
	p.turns = 4;
	assert_kind(judge(h, &any_path, p), false, TOLD_BY_SHAPE);
	p.turns = 40;
	assert_kind(judge(h, &any_path, p), true, TOLD_BY_REQUESTS);
	memset(&p, 0, sizeof(p));
	p.tuple.protocol = IPPROTO_UDP;
	p.request_count = 1;
	assert_kind(judge(h, &any_path, p), false, TOLD_BY_SHAPE);
	p.request_count = 50;
	assert_kind(judge(h, &any_path, p), true, TOLD_BY_REQUESTS);
	habits_free(h);
}

static void the_path_that_was_given(void **state)
{
	static const struct settings s = { .interval_ns = 5 * SECOND, .path = "/health" };
	struct habits *h = habits_new(s.interval_ns);
	struct probe p = request(1, 12 * SECOND, "/health");

	assert_kind(judge(h, &s, request(1, 10 * SECOND, "/shop")), true, TOLD_BY_PATH);
	assert_kind(judge(h, &s, request(1, 11 * SECOND, "/health")), false, TOLD_BY_PATH);
	p.turns = 3;
	assert_kind(judge(h, &s, p), true, TOLD_BY_REQUESTS);
	habits_free(h);
}

static void what_the_check_asks_for(void **state)
{
	struct habits *h = after_checks();
	struct probe p;

	assert_kind(judge(h, &any_path, request(1, 28 * SECOND, "/shop")), true,
		    TOLD_BY_OTHER_REQUEST);
	p = request(1, 28 * SECOND, "/health");
	strcpy(p.http_request.host, "shop.example.org");
	assert_kind(judge(h, &any_path, p), true, TOLD_BY_OTHER_REQUEST);
	/* a node that was not seen before */
	assert_kind(judge(h, &any_path, request(3, 29 * SECOND, "/health")), false, TOLD_BY_CHECK);
	assert_kind(judge(h, &any_path, request(3, 29 * SECOND, "/shop")), true,
		    TOLD_BY_OTHER_REQUEST);
	assert_kind(judge(h, &any_path, request(1, 31 * SECOND, "/health")), false, TOLD_BY_PERIOD);
	/* another port is another target */
	p = request(1, 32 * SECOND, "/shop");
	p.tuple.target_port = htons(81);
	assert_kind(judge(h, &any_path, p), false, TOLD_BY_SHAPE);
	habits_free(h);
}

static void users_ask_for_the_same(void **state)
{
	struct habits *h = after_checks();
	struct kind last = { false, false, TOLD_BY_NOTHING };

	for (unsigned i = 0; i < 4; i++)
		last = judge(h, &any_path,
			     request(1, 27 * SECOND + (500 + i * 300) * MS, "/health"));
	assert_kind(last, true, TOLD_BY_OFF_PERIOD);
	assert_kind(judge(h, &any_path, request(1, 31 * SECOND, "/health")), false, TOLD_BY_PERIOD);
	habits_free(h);
}

/* A request that fails to connect shows nothing but its time. */
static void connects_that_fail(void **state)
{
	struct habits *h = after_checks();

	assert_kind(judge(h, &any_path, unanswered(1, 28 * SECOND)), false, TOLD_BY_SHAPE);
	judge(h, &any_path, request(1, 28 * SECOND + 100 * MS, "/shop")); /* so there are users */
	assert_kind(judge(h, &any_path, unanswered(1, 28 * SECOND + 500 * MS)), true,
		    TOLD_BY_OFF_PERIOD);
	assert_kind(judge(h, &any_path, unanswered(1, 31 * SECOND)), false, TOLD_BY_PERIOD);
	assert_kind(judge(h, &any_path, unanswered(1, 36 * SECOND)), false, TOLD_BY_PERIOD);
	/* the schedule is lost: nothing is left out by its time */
	assert_kind(judge(h, &any_path, unanswered(1, 63 * SECOND)), false, TOLD_BY_SHAPE);
	habits_free(h);
}

/* The interval is changed at the load balancer: after some probes that is the check. */
static void another_interval(void **state)
{
	struct habits *h = after_checks();
	unsigned reported = 0;

	for (unsigned i = 1; i <= 20; i++)
		reported += !judge(h, &any_path, request(1, (26 + 2 * i) * SECOND, "/health"))
				     .traffic;
	assert_in_range(reported, 17, 20);
	assert_kind(judge(h, &any_path, request(1, 68 * SECOND, "/health")), false, TOLD_BY_PERIOD);
	habits_free(h);
}

static void two_checks_of_one_target(void **state)
{
	struct habits *h = after_checks();
	struct kind kind = { false, false, TOLD_BY_NOTHING };

	for (unsigned i = 0; i < 4; i++) /* a second pool */
		kind = judge(h, &any_path, request(7, (28 + 3 * i) * SECOND, "/ping"));
	assert_kind(kind, false, TOLD_BY_PERIOD);
	assert_kind(judge(h, &any_path, request(8, 38 * SECOND, "/ping")), false, TOLD_BY_CHECK);
	habits_free(h);
}

/* A TCP check in front of a web server: users' requests are no probes. */
static void a_check_without_request(void **state)
{
	struct habits *h = habits_new(any_path.interval_ns);

	for (unsigned i = 0; i < 4; i++)
		judge(h, &any_path, handshake(1, (10 + 5 * i) * SECOND));
	assert_kind(judge(h, &any_path, request(1, 27 * SECOND, "/")), true, TOLD_BY_OTHER_REQUEST);
	assert_kind(judge(h, &any_path, handshake(1, 30 * SECOND)), false, TOLD_BY_PERIOD);
	assert_kind(judge(h, &any_path, unanswered(1, 35 * SECOND)), false, TOLD_BY_PERIOD);
	habits_free(h);
}

/* Before the check is known: a node that asks for many things is no checker. */
static void a_mixture(void **state)
{
	struct habits *h = habits_new(any_path.interval_ns);

	judge(h, &any_path, request(1, 10 * SECOND, "/a"));
	judge(h, &any_path, request(1, 11 * SECOND, "/b"));
	assert_kind(judge(h, &any_path, request(1, 12 * SECOND, "/c")), true, TOLD_BY_MIXTURE);
	/* the one that comes again after an interval is worth a look */
	assert_kind(judge(h, &any_path, request(1, 15 * SECOND, "/a")), false, TOLD_BY_PERIOD);
	assert_kind(judge(h, &any_path, request(1, 20 * SECOND, "/a")), false, TOLD_BY_PERIOD);
	assert_kind(judge(h, &any_path, request(1, 25 * SECOND, "/a")), false, TOLD_BY_PERIOD);
	habits_free(h);
}

/* A request on a connection that is kept. */
static struct probe kept(uint8_t node, uint64_t at_ns, uint32_t exchange, const char *path)
{
	struct probe p = request(node, at_ns, path);

	p.exchange = exchange;
	p.midway = true;
	p.lb_fin_ns = 0;
	return p;
}

/* One connection for all checks: each request is one, by its period. */
static void connections_that_are_kept(void **state)
{
	struct habits *h = habits_new(any_path.interval_ns);
	struct kind kind = { false, false, TOLD_BY_NOTHING };

	for (unsigned i = 0; i < 6; i++) {
		kind = judge(h, &any_path, kept(1, (10 + 5 * i) * SECOND, 1 + i, "/health"));
		assert_false(kind.traffic);
	}
	assert_kind(kind, false, TOLD_BY_PERIOD);
	/* users beside it: another path, the same at another time, in a burst at its time */
	assert_kind(judge(h, &any_path, kept(1, 36 * SECOND, 2, "/shop")), true,
		    TOLD_BY_OTHER_REQUEST);
	/* after a timeout it comes later than its period has it */
	assert_kind(judge(h, &any_path, kept(1, 42 * SECOND, 2, "/health")), false, TOLD_BY_CHECK);
	habits_free(h);
}

/* Where checks close, what leaves its connection open in between is none. */
static void kept_where_checks_close(void **state)
{
	struct habits *h = after_checks();
	struct probe p = kept(1, 29 * SECOND, 1, "/health");

	assert_kind(judge(h, &any_path, p), true, TOLD_BY_OFF_PERIOD);
	p = kept(1, 31 * SECOND, 1, "/health");
	p.burst = true;
	assert_kind(judge(h, &any_path, p), true, TOLD_BY_REQUESTS);
	habits_free(h);
}

/* Whoever asks for this and that on one connection is a user, before any check is known. */
static void a_mixture_on_one_connection(void **state)
{
	struct habits *h = habits_new(any_path.interval_ns);

	assert_kind(judge(h, &any_path, kept(1, 10 * SECOND, 1, "/a")), false, TOLD_BY_SHAPE);
	assert_kind(judge(h, &any_path, kept(1, 12 * SECOND, 2, "/b")), true, TOLD_BY_MIXTURE);
	habits_free(h);
}

/* POST is a check's when it has a period. */
static void other_methods(void **state)
{
	struct habits *h = habits_new(any_path.interval_ns);
	struct probe p;

	for (unsigned i = 0; i < 5; i++) {
		p = request(1, (10 + 3 * i) * SECOND, "/check");
		strcpy(p.http_request.method, "POST");
		if (i < 3)
			assert_kind(judge(h, &any_path, p), true, TOLD_BY_HEADERS);
		else
			assert_kind(judge(h, &any_path, p), false, TOLD_BY_PERIOD);
	}
	p = request(2, 26 * SECOND, "/shop");
	strcpy(p.http_request.method, "POST");
	assert_kind(judge(h, &any_path, p), true, TOLD_BY_OTHER_REQUEST);
	p = request(2, 27 * SECOND, "/check");
	strcpy(p.http_request.method, "POST");
	assert_kind(judge(h, &any_path, p), false, TOLD_BY_CHECK);
	habits_free(h);
}

/* A check in a protocol that we do not read: several messages at once are one check of a steady period. */
static void another_protocol(void **state)
{
	struct habits *h = habits_new(any_path.interval_ns);
	struct kind kind = { false, false, TOLD_BY_NOTHING };
	struct probe p;

	for (unsigned i = 0; i < 5; i++) {
		p = kept(1, (10 + i) * SECOND, 1 + 2 * i, "");
		p.http_request.valid = p.http_response.valid = false;
		p.burst = true;
		kind = judge(h, &any_path, p);
		assert_int_equal(kind.traffic, i < 3);
	}
	assert_kind(kind, false, TOLD_BY_PERIOD);
	habits_free(h);
}

static void names(void **state)
{
	for (int by = TOLD_BY_NOTHING + 1; by < TOLD_BY_COUNT; by++) {
		assert_non_null(told_by_name((enum told_by)by));
		assert_non_null(told_by_text((enum told_by)by));
	}
	assert_null(told_by_name(TOLD_BY_NOTHING));
	assert_true(told_by_is_users(TOLD_BY_MIXTURE));
	assert_false(told_by_is_users(TOLD_BY_SHAPE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steady_periods),
		cmocka_unit_test(what_a_period_expects),
		cmocka_unit_test(shapes),
		cmocka_unit_test(the_path_that_was_given),
		cmocka_unit_test(what_the_check_asks_for),
		cmocka_unit_test(users_ask_for_the_same),
		cmocka_unit_test(connects_that_fail),
		cmocka_unit_test(another_interval),
		cmocka_unit_test(two_checks_of_one_target),
		cmocka_unit_test(a_check_without_request),
		cmocka_unit_test(a_mixture),
		cmocka_unit_test(connections_that_are_kept),
		cmocka_unit_test(kept_where_checks_close),
		cmocka_unit_test(a_mixture_on_one_connection),
		cmocka_unit_test(other_methods),
		cmocka_unit_test(another_protocol),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
