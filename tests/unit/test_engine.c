// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The engine: when a probe is over, what is counted, and what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/engine.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START (1000 * SECOND)

/* What the engine told. */
struct told {
	unsigned starts, probes, targets, lost, ends;
	struct probe last;
	struct diagnosis diagnosis;
	struct totals totals;
};

static void told_start(void *ctx, const struct stream_start *start)
{
	((struct told *)ctx)->starts++;
}

static void told_probe(void *ctx, const struct probe *p, const struct diagnosis *d)
{
	struct told *told = ctx;

	told->probes++;
	told->last = *p;
	told->diagnosis = *d;
}

static void told_target(void *ctx, const struct target *t)
{
	((struct told *)ctx)->targets++;
}

static void told_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	((struct told *)ctx)->lost += (unsigned)count;
}

static void told_end(void *ctx, const struct totals *totals)
{
	struct told *told = ctx;

	told->ends++;
	told->totals = *totals;
}

static const struct engine_listener listener = {
	.start = told_start,
	.probe = told_probe,
	.target = told_target,
	.lost = told_lost,
	.end = told_end,
};

struct run {
	struct settings settings;
	struct told told;
	struct engine *engine;
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
					   .retries = 3 };
	run->engine = engine_new(&run->settings, NULL, &listener, &run->told);
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

static struct obs packet(uint64_t flow, uint32_t seq, uint64_t at, uint8_t flags, bool reply)
{
	struct obs o = { .time_ns = at, .flow_id = flow, .flow_seq = seq, .reply = reply };

	o.point = reply ? HCT_POINT_TC_EGRESS : HCT_POINT_TC_INGRESS;
	o.tuple.protocol = IPPROTO_TCP;
	memset(o.tuple.lb + 10, 0xff, 2);
	memset(o.tuple.target + 10, 0xff, 2);
	o.tuple.lb_port = htons((uint16_t)flow);
	o.tuple.target_port = htons(80);
	o.packet.tcp_flags = flags;
	strcpy(o.device, "eth0");
	return o;
}

static void deliver(struct run *run, struct obs o)
{
	engine_sink.obs(run->engine, &o);
}

/* A whole healthy TCP check. */
static void healthy(struct run *run, uint64_t flow, uint64_t at)
{
	deliver(run, packet(flow, 0, at, HCT_TCP_SYN, false));
	deliver(run, packet(flow, 1, at + 10000, HCT_TCP_SYN | HCT_TCP_ACK, true));
	deliver(run, packet(flow, 2, at + 20000, HCT_TCP_ACK, false));
	deliver(run, packet(flow, 3, at + 30000, HCT_TCP_RST, false));
}

static void decided_soon_after_its_end(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND, due;

	healthy(run, at, at);
	assert_int_equal(run->told.probes, 0); /* stragglers may come */
	due = engine_next_timer(run->engine);
	assert_in_range(due, at, at + 100 * MS);
	engine_sink.tick(run->engine, due - 1);
	assert_int_equal(run->told.probes, 0);
	engine_sink.tick(run->engine, due);
	assert_int_equal(run->told.probes, 1);
	assert_int_equal(run->told.diagnosis.verdict, VERDICT_HEALTHY);
	assert_int_equal(run->told.last.id, 1);
	assert_int_equal(run->told.last.end_ns, at + 30000);
	assert_int_equal(run->told.targets, 1); /* healthy now */
	assert_int_equal(engine_exit_status(run->engine), EXIT_ALL_HEALTHY);
}

static void silence_ends_at_the_timeout(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;

	deliver(run, packet(at, 0, at, HCT_TCP_SYN, false));
	deliver(run, packet(at, 1, at + SECOND, HCT_TCP_SYN, false));
	engine_sink.tick(run->engine, at + 3 * SECOND);
	assert_int_equal(run->told.probes, 0); /* the load balancer's own end may be on its way */
	assert_in_range(engine_next_timer(run->engine), at + 3 * SECOND,
			at + 3 * SECOND + 100 * MS);
	engine_sink.tick(run->engine, at + 3 * SECOND + 100 * MS);
	assert_int_equal(run->told.probes, 1);
	assert_int_equal(run->told.last.end_ns - run->told.last.start_ns, 3 * SECOND);
	assert_int_equal(run->told.last.syn_count, 2);
}

static void finished_flows_stay_finished(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;

	healthy(run, at, at);
	engine_sink.tick(run->engine, at + SECOND);
	deliver(run, packet(at, 4, at + 2 * SECOND, HCT_TCP_FIN, true));
	engine_sink.tick(run->engine, at + 60 * SECOND); /* forgotten by now */
	deliver(run, packet(at, 5, at + 60 * SECOND, HCT_TCP_FIN, true));
	engine_sink.tick(run->engine, at + 90 * SECOND);
	assert_int_equal(engine_totals(run->engine)->probes, 1);
}

/* Two CPUs met the first packets of two flows in the same nanosecond. */
static void flows_of_one_moment(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;
	struct obs other = packet(at, 0, at, HCT_TCP_SYN, false);

	other.tuple.lb[15] = 9;
	deliver(run, packet(at, 0, at, HCT_TCP_SYN, false));
	deliver(run, other);
	deliver(run, packet(at, 1, at + 10000, HCT_TCP_SYN | HCT_TCP_ACK, true));
	deliver(run, packet(at, 2, at + 20000, HCT_TCP_RST, false));
	engine_sink.tick(run->engine, at + SECOND);
	assert_int_equal(run->told.probes, 1);
	assert_int_equal(run->told.diagnosis.verdict, VERDICT_HEALTHY);
	assert_int_equal(run->told.last.missing, 0);
	engine_sink.tick(run->engine, at + 4 * SECOND);
	assert_int_equal(run->told.probes, 2);
	assert_int_equal(run->told.last.tuple.lb[15], 9);
	assert_int_equal(run->told.last.events, 1);
}

static void lost_events_are_counted(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;

	deliver(run, packet(at, 0, at, HCT_TCP_SYN, false));
	deliver(run, packet(at, 3, at + 10000, HCT_TCP_SYN | HCT_TCP_ACK, true));
	engine_sink.lost(run->engine, HCT_POINT_DROP, 2, at + SECOND);
	engine_sink.tick(run->engine, at + 4 * SECOND);
	assert_int_equal(run->told.last.missing, 2);
	assert_true(run->told.last.lossy);
	assert_int_equal(run->told.diagnosis.verdict, VERDICT_UNKNOWN);
	assert_int_equal(run->told.lost, 2);
	assert_int_equal(engine_totals(run->engine)->lost, 2);
	/* the next one saw no loss */
	at += 10 * SECOND;
	healthy(run, at, at);
	engine_sink.tick(run->engine, at + SECOND);
	assert_false(run->told.last.lossy);
	assert_int_equal(run->told.last.missing, 0);
}

static void the_end_of_the_run(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;

	healthy(run, at, at);
	deliver(run, packet(at + 1, 0, at + 1, HCT_TCP_SYN, false));
	engine_sink.end(run->engine, at + MS);
	assert_int_equal(run->told.ends, 1);
	assert_int_equal(run->told.totals.probes, 1);
	assert_int_equal(run->told.totals.unfinished, 1);
	assert_int_equal(run->told.totals.end_ns, at + MS);
	assert_int_equal(engine_exit_status(run->engine), EXIT_ALL_HEALTHY);
}

static void nothing_arrives(void **state)
{
	struct run *run = *state;

	assert_in_range(engine_next_timer(run->engine), START + 15 * SECOND, START + 20 * SECOND);
	engine_sink.tick(run->engine, START + 20 * SECOND);
	assert_int_equal(run->told.probes, 1);
	assert_int_equal(run->told.diagnosis.verdict, VERDICT_NO_PROBE);
	engine_sink.tick(run->engine, START + 60 * SECOND); /* once is enough */
	engine_sink.end(run->engine, START + 61 * SECOND);
	assert_int_equal(run->told.probes, 1);
	assert_int_equal(run->told.totals.probes, 0);
	assert_int_equal(run->told.totals.silences, 1);
	assert_int_equal(engine_exit_status(run->engine), EXIT_NOTHING_ARRIVED);
}

static struct obs libwrap(uint64_t at, uint32_t pid, const char *client)
{
	struct obs o = { .time_ns = at,
			 .point = HCT_POINT_LIBWRAP,
			 .no_tuple = true,
			 .has_process = true,
			 .pid = pid };

	strcpy(o.comm, "tcpd");
	strcpy(o.libwrap.daemon, "web");
	strcpy(o.libwrap.client, client);
	return o;
}

static void libwrap_finds_its_connection(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;
	struct obs other = packet(at + 1, 0, at + 1, HCT_TCP_SYN, false);

	deliver(run, packet(at, 0, at, HCT_TCP_SYN, false));
	other.tuple.lb[15] = 9;
	deliver(run, other);
	deliver(run, libwrap(at + 1000, 77, "0.0.0.9"));
	deliver(run, libwrap(at + 1000, 78, "0.0.0.8")); /* nobody's */
	engine_sink.tick(run->engine, at + 3 * SECOND + 90 * MS);
	assert_int_equal(run->told.probes, 2);
	assert_int_equal(run->told.last.tuple.lb[15], 9);
	assert_true(run->told.last.has_libwrap);
	assert_int_equal(run->told.last.libwrap_pid, 77);
}

/* One tick can finish many: no more are told than were asked for. */
static void as_many_as_asked_for(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;

	run->settings.count = 3;
	for (unsigned i = 0; i < 10; i++)
		healthy(run, at + i, at + i);
	engine_sink.tick(run->engine, at + SECOND);
	assert_int_equal(run->told.probes, 3);
	engine_sink.end(run->engine, at + 60 * SECOND);
	assert_int_equal(run->told.probes, 3);
	assert_int_equal(run->told.totals.probes, 3);
	assert_int_equal(run->told.totals.unfinished, 0);
}

/* A connection that carries a second request. */
static void many_requests(struct run *run, uint64_t flow, uint64_t at)
{
	static const uint8_t get[] = "GET /shop HTTP/1.1\r\n\r\n", ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct obs request = packet(flow, 3, at + 30000, HCT_TCP_ACK, false), answer;

	deliver(run, packet(flow, 0, at, HCT_TCP_SYN, false));
	deliver(run, packet(flow, 1, at + 10000, HCT_TCP_SYN | HCT_TCP_ACK, true));
	deliver(run, packet(flow, 2, at + 20000, HCT_TCP_ACK, false));
	request.packet.payload_len = sizeof(get) - 1;
	request.payload = get;
	request.payload_len = sizeof(get) - 1;
	request.turns = 1;
	deliver(run, request);
	answer = packet(flow, 4, at + 40000, HCT_TCP_ACK, true);
	answer.packet.payload_len = sizeof(ok) - 1;
	answer.payload = ok;
	answer.payload_len = sizeof(ok) - 1;
	answer.turns = 1;
	deliver(run, answer);
	request.flow_seq = 5;
	request.time_ns = at + 50000;
	request.turns = 2;
	request.payload_len = 0;
	deliver(run, request);
}

static void many_requests_are_no_probe(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;

	many_requests(run, at, at);
	engine_sink.tick(run->engine, at + 4 * SECOND);
	assert_int_equal(run->told.probes, 0);
	assert_int_equal(engine_totals(run->engine)->traffic, 1);
	assert_int_equal(engine_totals(run->engine)->probes, 0);
	run->settings.all_traffic = true;
	at += 5 * SECOND;
	many_requests(run, at, at);
	engine_sink.tick(run->engine, at + 4 * SECOND);
	assert_int_equal(run->told.probes, 1);
	assert_int_equal(run->told.last.told_by, TOLD_BY_REQUESTS);
	assert_int_equal(run->told.diagnosis.verdict, VERDICT_HEALTHY);
}

/* Events of several CPUs come slightly out of order; timers must not care. */
static void order_of_timers(void **state)
{
	static const uint64_t at[] = { 5, 1, 9, 3, 3, 7 };
	struct run *run = *state;

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		deliver(run,
			packet(START + at[i] * MS + i, 0, START + at[i] * MS, HCT_TCP_SYN, false));
	for (uint64_t ms = 0, before = 0; ms <= 12; ms++) {
		engine_sink.tick(run->engine, START + 3 * SECOND + 30 * MS + ms * MS);
		if (run->told.probes > before)
			assert_int_equal(run->told.last.start_ns, START + ms * MS);
		before = run->told.probes;
	}
	assert_int_equal(run->told.probes, 6);
}

/* With a route found and no answer seen, the kernel may still give up on the gateway. */
static void waits_for_the_gateway_only(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND, end = at + 3 * SECOND;
	struct obs route = packet(at + 1, 1, at + 10, 0, true);

	route.point = HCT_POINT_ROUTE;
	route.route.oif = 2;
	deliver(run, packet(at, 0, at, HCT_TCP_SYN, false));
	deliver(run, packet(at + 1, 0, at + 1, HCT_TCP_SYN, false));
	deliver(run, route);
	engine_sink.tick(run->engine, end + 29 * MS);
	assert_int_equal(run->told.probes, 0);
	engine_sink.tick(run->engine, end + 31 * MS);
	assert_int_equal(run->told.probes, 1);
	assert_int_equal(run->told.last.start_ns, at);
	engine_sink.tick(run->engine, end + 79 * MS);
	assert_int_equal(run->told.probes, 1);
	engine_sink.tick(run->engine, end + 81 * MS);
	assert_int_equal(run->told.probes, 2);
}

static void many_flows(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;
	const unsigned n = 100000;

	for (unsigned i = 0; i < n; i++)
		deliver(run, packet(at + i, 0, at + i, HCT_TCP_SYN, false));
	for (unsigned i = 0; i < n; i++) {
		deliver(run, packet(at + i, 1, at + n + i, HCT_TCP_SYN | HCT_TCP_ACK, true));
		deliver(run, packet(at + i, 2, at + 2 * n + i, HCT_TCP_RST, false));
	}
	engine_sink.tick(run->engine, at + SECOND);
	assert_int_equal(engine_totals(run->engine)->probes, n);
	assert_int_equal(engine_totals(run->engine)->passed, n);
}

/* Events were lost, so flows become known in any order: that must not cost a walk each. */
static void flows_in_any_order(void **state)
{
	struct run *run = *state;
	uint64_t at = START + 10 * SECOND;
	const unsigned n = 60000;

	for (unsigned i = 0; i < n; i++) {
		uint64_t id = at - i * UINT64_C(40000);

		deliver(run, packet(id, 1, at + i, HCT_TCP_SYN, false));
	}
	engine_sink.tick(run->engine, at + 6 * SECOND);
	assert_int_equal(engine_totals(run->engine)->probes, n);
}

/* A port scan does not keep out what is probed: that is noticed when it falls silent. */
static void silence_after_a_scan(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;

	run->settings.count = 0;
	for (unsigned i = 0; i < 5000; i++) {
		struct obs o = packet(at + i, 0, at + i, HCT_TCP_SYN, false);

		o.tuple.target_port = htons((uint16_t)(1000 + i));
		deliver(run, o);
	}
	engine_sink.tick(run->engine, at + 10 * SECOND);
	at += 10 * SECOND;
	for (unsigned i = 0; i < 3; i++)
		healthy(run, at + SECOND + i * 5 * SECOND, at + SECOND + i * 5 * SECOND);
	engine_sink.tick(run->engine, at + 60 * SECOND);
	assert_int_equal(run->told.diagnosis.verdict, VERDICT_NO_PROBE);
	assert_int_equal(ntohs(run->told.last.tuple.target_port), 80);
}

/* More than are followed at once: counted as lost, not forgotten. */
static void too_many_flows(void **state)
{
	struct run *run = *state;
	uint64_t at = START + SECOND;
	const unsigned n = 131072 + 10;

	for (unsigned i = 0; i < n; i++)
		deliver(run, packet(at + i, 0, at + i, HCT_TCP_SYN, false));
	engine_sink.tick(run->engine, at + SECOND);
	assert_int_equal(run->told.lost, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(decided_soon_after_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_ends_at_the_timeout, setup, teardown),
		cmocka_unit_test_setup_teardown(finished_flows_stay_finished, setup, teardown),
		cmocka_unit_test_setup_teardown(flows_of_one_moment, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_events_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_of_the_run, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(libwrap_finds_its_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(as_many_as_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(many_requests_are_no_probe, setup, teardown),
		cmocka_unit_test_setup_teardown(order_of_timers, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_the_gateway_only, setup, teardown),
		cmocka_unit_test_setup_teardown(many_flows, setup, teardown),
		cmocka_unit_test_setup_teardown(flows_in_any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_after_a_scan, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_flows, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
