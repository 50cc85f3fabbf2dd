// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The engine with connections that are kept: each request is a probe, and users' are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/engine.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START (1000 * SECOND)

struct run {
	struct settings settings;
	struct engine *engine;
	unsigned probes, failed, silences, follows, unfollows;
	uint64_t slowest_ns; /* from a probe's end to its being told */
	uint64_t now_ns;
	struct probe last;
	struct diagnosis diagnosis;
	struct totals totals;
	char why[2048];
};

static void told_probe(void *ctx, const struct probe *p, const struct diagnosis *d)
{
	struct run *run = ctx;

	if (d->verdict == VERDICT_NO_PROBE) {
		run->silences++;
		run->diagnosis = *d;
		return;
	}
	run->probes++;
	run->failed += d->outcome == OUTCOME_FAIL;
	run->last = *p;
	run->diagnosis = *d;
	if (run->now_ns - p->end_ns > run->slowest_ns)
		run->slowest_ns = run->now_ns - p->end_ns;
}

static void told_end(void *ctx, const struct totals *totals)
{
	struct run *run = ctx;

	run->totals = *totals;
	if (totals->no_probe)
		snprintf(run->why, sizeof(run->why), "%s", totals->no_probe->why);
}

static void told_follow(void *ctx, const struct probe *p, bool wanted)
{
	struct run *run = ctx;

	if (wanted)
		run->follows++;
	else
		run->unfollows++;
}

static const struct engine_listener listener = {
	.probe = told_probe,
	.end = told_end,
	.follow = told_follow,
};

static int setup(void **state)
{
	static const struct stream_start start = { .time_ns = START,
						   .kernel = "6.1.0",
						   .netns_name = "" };
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		return -1;
	run->settings = (struct settings){ .timeout_ns = 3 * SECOND,
					   .interval_ns = 5 * SECOND,
					   .retries = 3, .from_text = "100.125.0.0/16" };
	run->engine = engine_new(&run->settings, NULL, &listener, run);
	engine_sink.start(run->engine, &start);
	*state = run;
	return 0;
}

static int teardown(void **state)
{
	struct run *run = *state;

	engine_free(run->engine);
	free(run);
	return 0;
}

/* A connection as the kernel side tells of it. */
struct connection {
	uint64_t flow;
	uint32_t seq, request, answer, exchange, skipped;
	uint8_t node;
};

static void deliver(struct run *run, struct connection *c, uint64_t at, uint8_t flags, bool reply,
		    const char *payload)
{
	struct obs o = { .time_ns = at, .flow_id = c->flow, .flow_seq = c->seq++, .reply = reply };

	o.point = reply ? HCT_POINT_TC_EGRESS : HCT_POINT_TC_INGRESS;
	o.tuple.protocol = IPPROTO_TCP;
	memset(o.tuple.lb + 10, 0xff, 2);
	memset(o.tuple.target + 10, 0xff, 2);
	o.tuple.lb[15] = c->node;
	o.tuple.lb_port = htons((uint16_t)(c->flow / MS));
	o.tuple.target_port = htons(80);
	o.packet.tcp_flags = flags;
	o.packet.seq = reply ? c->answer : c->request;
	o.packet.ack = reply ? c->request : c->answer;
	o.exchange = c->exchange;
	o.turns = c->exchange > 0;
	o.skipped = c->skipped;
	c->skipped = 0;
	strcpy(o.device, "eth0");
	if (payload) {
		o.payload = (const uint8_t *)payload;
		o.payload_len = o.packet.payload_len = (uint32_t)strlen(payload);
	}
	if (o.skipped && flags & HCT_TCP_PSH) /* told without its content */
		o.packet.payload_len = 40;
	*(reply ? &c->answer : &c->request) += o.packet.payload_len + !!(flags & HCT_TCP_SYN);
	run->now_ns = at;
	engine_sink.obs(run->engine, &o);
}

static struct connection begin(struct run *run, uint64_t at, uint8_t node)
{
	struct connection c = { .flow = at, .request = 1000, .answer = 9000, .node = node };

	deliver(run, &c, at, HCT_TCP_SYN, false, NULL);
	c.answer = 9000;
	deliver(run, &c, at + 1000, HCT_TCP_SYN | HCT_TCP_ACK, true, NULL);
	deliver(run, &c, at + 2000, HCT_TCP_ACK, false, NULL);
	return c;
}

static void ask(struct run *run, struct connection *c, uint64_t at, const char *request)
{
	c->exchange++;
	deliver(run, c, at, HCT_TCP_ACK | HCT_TCP_PSH, false, request);
}

static void reply(struct run *run, struct connection *c, uint64_t at, const char *text)
{
	deliver(run, c, at, HCT_TCP_ACK | HCT_TCP_PSH, true, text);
	deliver(run, c, at + MS, HCT_TCP_ACK, false, NULL);
}

static void tick_until(struct run *run, uint64_t until)
{
	uint64_t due;

	while ((due = engine_next_timer(run->engine)) <= until) {
		run->now_ns = due;
		engine_sink.tick(run->engine, due);
	}
	run->now_ns = until;
	engine_sink.tick(run->engine, until);
}

#define CHECK "GET /healthz HTTP/1.1\r\nHost: web\r\nUser-Agent: Envoy/HC\r\n\r\n"
#define SHOP "GET /shop HTTP/1.1\r\nHost: web\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define DOWN "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"

static void check(struct run *run, struct connection *c, uint64_t at, const char *answer)
{
	ask(run, c, at, CHECK);
	if (answer)
		reply(run, c, at + MS, answer);
}

/* Envoy's default: one connection, a request every 5 s, for a day; told to the end. */
static void a_day_on_one_connection(void **state)
{
	const unsigned n = 17280;
	struct run *run = *state;
	struct connection c = begin(run, START + SECOND, 5);
	size_t before = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t at = START + SECOND + 4000 + i * 5 * SECOND;

		check(run, &c, at, i % 1000 == 999 ? DOWN : OK);
		tick_until(run, at + 4 * SECOND);
		assert_int_equal(run->probes, i + 1);
		assert_int_equal(run->last.exchange, i + 1);
		assert_int_equal(run->last.missing, 0);
		if (i == 100)
			before = mallinfo2().uordblks;
		if (i == 100)
			run->slowest_ns = 0; /* the check is known */
	}
	assert_int_equal(run->failed, n / 1000);
	assert_in_range(mallinfo2().uordblks, 0, before + 65536);
	assert_in_range(run->slowest_ns, 0, 100 * MS);
	assert_in_range(run->follows, n - 5, n);
	engine_sink.end(run->engine, START + 86410 * SECOND);
	assert_int_equal(run->totals.probes, n);
	assert_int_equal(run->totals.traffic, 0);
	assert_int_equal(run->totals.unfinished, 0);
}

static void a_request_has_its_own_time(void **state)
{
	struct run *run = *state;
	struct connection c = begin(run, START + SECOND, 5);
	uint64_t at = START + SECOND + 4000;

	for (unsigned i = 0; i < 4; i++, at += 5 * SECOND)
		check(run, &c, at, OK);
	check(run, &c, at, NULL); /* and no answer */
	tick_until(run, at + 2900 * MS);
	assert_int_equal(run->probes, 4);
	deliver(run, &c, at + 2990 * MS, HCT_TCP_FIN | HCT_TCP_ACK, false, NULL);
	tick_until(run, at + 3200 * MS);
	assert_int_equal(run->probes, 5);
	assert_int_equal(run->diagnosis.verdict, VERDICT_APP_SLOW);
	assert_int_equal(run->diagnosis.confidence, CONFIDENCE_CERTAIN);
	assert_int_equal(run->last.exchange, 5);
	assert_int_equal(run->last.end_ns - run->last.start_ns, 2990 * MS);
	assert_int_equal(run->last.timeline_len, 2); /* the request, and the FIN */
}

/* It goes on to the next request: the answer before it was all that it wanted. */
static void the_next_request_ends_it(void **state)
{
	struct run *run = *state;
	struct connection c = begin(run, START + SECOND, 5);
	uint64_t at = START + SECOND + 4000;

	run->settings.all_traffic = true;
	for (unsigned i = 0; i < 3; i++, at += SECOND) {
		ask(run, &c, at, CHECK); /* acknowledges what came before */
		deliver(run, &c, at + MS, HCT_TCP_ACK | HCT_TCP_PSH, true, OK);
	}
	tick_until(run, at - 500 * MS);
	assert_int_equal(run->probes, 2);
	assert_int_equal(run->diagnosis.verdict, VERDICT_HEALTHY);
	assert_true(run->last.next_ns != 0);
}

/* Which process serves a connection, and where it ends, is told once of it. */
static void what_is_known_of_a_connection(void **state)
{
	struct run *run = *state;
	struct connection c = begin(run, START + SECOND, 5);
	uint64_t at = START + SECOND + 4000;
	struct obs read = { .time_ns = at + 500, .flow_id = c.flow, .point = HCT_POINT_APP_READ,
			    .has_process = true, .pid = 812, .netns = 77, .flow_seq = 4,
			    .exchange = 1 };

	ask(run, &c, at, CHECK);
	read.tuple.protocol = IPPROTO_TCP;
	memset(read.tuple.lb + 10, 0xff, 2);
	memset(read.tuple.target + 10, 0xff, 2);
	read.tuple.lb[15] = 5;
	read.tuple.lb_port = htons((uint16_t)(c.flow / MS));
	read.tuple.target_port = htons(80);
	strcpy(read.comm, "java");
	read.sock.in_process = 1;
	c.seq++;
	engine_sink.obs(run->engine, &read);
	reply(run, &c, at + MS, OK);
	tick_until(run, at + 60 * SECOND); /* forgotten, but for that */
	check(run, &c, at + 60 * SECOND, NULL);
	tick_until(run, at + 70 * SECOND);
	assert_int_equal(run->probes, 2);
	assert_int_equal(run->last.exchange, 2);
	assert_int_equal(run->diagnosis.verdict, VERDICT_APP_SLOW);
	assert_int_equal(run->last.pid, 812);
	assert_int_equal(run->last.inner_netns, 77);
}

/* Met midway: its first event is a request, its handshake is not known. */
static void began_before_we_did(void **state)
{
	struct run *run = *state;
	struct connection c = { .flow = START + SECOND, .request = 7777, .answer = 123456, .node = 5 };

	check(run, &c, START + SECOND, OK);
	tick_until(run, START + 2 * SECOND);
	assert_int_equal(run->probes, 1);
	assert_int_equal(run->diagnosis.verdict, VERDICT_HEALTHY);
	assert_int_equal(run->diagnosis.confidence, CONFIDENCE_CERTAIN);
	assert_true(run->last.midway);
	check(run, &c, START + 6 * SECOND, DOWN);
	tick_until(run, START + 7 * SECOND);
	assert_int_equal(run->diagnosis.verdict, VERDICT_HTTP_STATUS);
	/* it is closed later, when nobody waits for anything */
	deliver(run, &c, START + 8 * SECOND, HCT_TCP_FIN | HCT_TCP_ACK, true, NULL);
	deliver(run, &c, START + 80 * SECOND, HCT_TCP_RST, false, NULL);
	tick_until(run, START + 100 * SECOND);
	assert_int_equal(run->probes, 2);
}

static void closed_instead_of_an_answer(void **state)
{
	struct run *run = *state;
	struct connection c = begin(run, START + SECOND, 5);

	check(run, &c, START + SECOND + 4000, OK);
	check(run, &c, START + 6 * SECOND, NULL);
	deliver(run, &c, START + 6 * SECOND + MS, HCT_TCP_FIN | HCT_TCP_ACK, true, NULL);
	deliver(run, &c, START + 6 * SECOND + 2 * MS, HCT_TCP_FIN | HCT_TCP_ACK, false, NULL);
	tick_until(run, START + 7 * SECOND);
	assert_int_equal(run->probes, 2);
	assert_int_equal(run->diagnosis.verdict, VERDICT_APP_CLOSED);
	assert_non_null(strstr(run->diagnosis.why, "after the request came"));
}

/* The kernel side says how many it did not follow; the first of a burst is a user's by that. */
static void users_are_counted(void **state)
{
	struct run *run = *state;

	for (unsigned i = 0; i < 10; i++) {
		struct connection c = begin(run, START + (1 + i) * SECOND, 5);
		uint64_t at = START + (1 + i) * SECOND + 4000;

		ask(run, &c, at, SHOP);
		reply(run, &c, at + MS, OK);
		c.exchange++;
		c.skipped = 1;
		deliver(run, &c, at + 4 * MS, HCT_TCP_ACK | HCT_TCP_PSH, false, NULL);
		c.exchange += 98;
		c.skipped = 98;
		deliver(run, &c, at + 900 * MS, HCT_TCP_FIN | HCT_TCP_ACK, false, NULL);
	}
	tick_until(run, START + 60 * SECOND);
	assert_int_equal(run->probes, 0);
	engine_sink.end(run->engine, START + 61 * SECOND);
	assert_int_equal(run->totals.traffic, 1000);
	assert_non_null(strstr(run->why, "1000 other requests came meanwhile (GET /shop), none of which was recognised as a check."));
}

/* As long as users' requests come from there, the network is not blamed. */
static void no_silence_while_users_ask(void **state)
{
	struct run *run = *state;
	struct connection c = begin(run, START + SECOND, 5);

	ask(run, &c, START + SECOND + 4000, SHOP);
	reply(run, &c, START + SECOND + MS, OK);
	for (unsigned i = 0; i < 100; i++) {
		c.exchange++;
		c.skipped = 1;
		deliver(run, &c, START + SECOND + (5 + i * 1000) * MS, HCT_TCP_ACK | HCT_TCP_PSH,
			false, NULL);
		tick_until(run, START + SECOND + (500 + i * 1000) * MS);
	}
	assert_int_equal(run->silences, 0);
	assert_int_equal(run->probes, 0);
	tick_until(run, START + 300 * SECOND); /* now nothing comes at all */
	assert_int_equal(run->silences, 1);
}

/* The check was switched off while users go on: what is said then does not blame the network. */
static void checks_stop_while_users_ask(void **state)
{
	struct run *run = *state;
	struct connection c = begin(run, START + SECOND, 5), user;
	uint64_t at = START + SECOND + 4000;

	for (unsigned i = 0; i < 4; i++, at += 5 * SECOND) {
		check(run, &c, at, OK);
		tick_until(run, at + SECOND);
	}
	user = begin(run, at, 6);
	for (unsigned i = 0; i < 40; i++, at += SECOND) {
		user.exchange++;
		user.skipped = 1;
		deliver(run, &user, at, HCT_TCP_ACK | HCT_TCP_PSH, false, NULL);
		tick_until(run, at + 500 * MS);
	}
	assert_int_equal(run->silences, 1);
	assert_non_null(strstr(run->diagnosis.why, "stopped"));
	assert_null(strstr(run->diagnosis.fix.advice, "outside this host"));
	assert_non_null(strstr(run->diagnosis.fix.advice, "--path"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_day_on_one_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_has_its_own_time, setup, teardown),
		cmocka_unit_test_setup_teardown(the_next_request_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_known_of_a_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(began_before_we_did, setup, teardown),
		cmocka_unit_test_setup_teardown(closed_instead_of_an_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(users_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(no_silence_while_users_ask, setup, teardown),
		cmocka_unit_test_setup_teardown(checks_stop_while_users_ask, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
