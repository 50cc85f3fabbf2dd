// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Probes at rest: what was put away comes back, and takes no more memory than it has to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/flows.h"

#define START UINT64_C(100000000000)

static struct obs observation(enum hct_point point, unsigned n)
{
	struct obs o = { .time_ns = START + n * 1000, .flow_id = START, .flow_seq = n, .netns = 1,
			 .point = point };

	o.tuple.protocol = IPPROTO_TCP;
	o.tuple.target[15] = 7;
	strcpy(o.device, "eth0");
	return o;
}

/* Observation N of a life in which nearly everything happens. */
static struct obs eventful(unsigned n)
{
	static const uint8_t get[] = "GET /health HTTP/1.1\r\nHost: www\r\n\r\n";
	static const enum hct_point points[] = {
		HCT_POINT_TC_INGRESS, HCT_POINT_ROUTE, HCT_POINT_DROP, HCT_POINT_TC_INGRESS,
		HCT_POINT_DROP, HCT_POINT_TRANSLATION, HCT_POINT_RESET_SENT, HCT_POINT_ICMP_SENT,
		HCT_POINT_TC_INGRESS, HCT_POINT_LIBWRAP, HCT_POINT_TC_EGRESS, HCT_POINT_ROUTE,
	};
	struct obs o = observation(points[n % (sizeof(points) / sizeof(points[0]))], n);

	o.reply = o.point == HCT_POINT_TC_EGRESS || o.point == HCT_POINT_ROUTE;
	switch (o.point) {
	case HCT_POINT_TC_INGRESS:
		o.packet.tcp_flags = n < 8 ? HCT_TCP_SYN : HCT_TCP_ACK;
		if (n < 8)
			break;
		o.payload = get;
		o.payload_len = o.packet.payload_len = sizeof(get) - 1;
		break;
	case HCT_POINT_DROP:
		o.packet.tcp_flags = HCT_TCP_SYN;
		o.reason = n < 4 ? "NETFILTER_DROP" : "NO_SOCKET";
		o.function = o.stack[0] = "nf_hook_slow";
		o.stack_len = 1;
		break;
	case HCT_POINT_ROUTE:
		o.route.err = n < 5 ? -11 : 0;
		strcpy(o.route_device, "eth1");
		break;
	case HCT_POINT_TRANSLATION:
		o.translation.port = htons(8080);
		break;
	case HCT_POINT_LIBWRAP:
		strcpy(o.libwrap.daemon, "web");
		o.pid = 12;
		break;
	default:
		break;
	}
	return o;
}

static void assert_same(const struct probe *a, const struct probe *b)
{
	assert_memory_equal(a, b, offsetof(struct probe, timeline));
	for (size_t i = 0; i < a->timeline_len; i++) {
		const struct timeline_entry *x = &a->timeline[i], *y = &b->timeline[i];

		assert_int_equal(x->time_ns, y->time_ns);
		assert_int_equal(x->point, y->point);
		assert_int_equal(x->repeats, y->repeats);
		assert_int_equal(x->inside, y->inside);
		assert_string_equal(x->device, y->device);
		assert_string_equal(x->text, y->text);
	}
}

/* The same life, put to rest between all observations and between none. */
static void nothing_is_lost(void **state)
{
	static struct probe awake, woken;
	struct at_rest *rest = NULL;

	for (unsigned n = 0; n < 60; n++) {
		struct obs o = eventful(n);

		if (n == 0)
			probe_start(&awake, 1, &o);
		else
			probe_observe(&awake, &o);
		memset(&woken, 0xee, sizeof(woken));
		if (n)
			at_rest_wake(rest, &woken);
		if (n == 0)
			probe_start(&woken, 1, &o);
		else
			probe_observe(&woken, &o);
		assert_int_equal(at_rest_keep(&rest, &woken), 0);
		assert_int_equal(at_rest_head(rest)->last_ns, awake.last_ns);
		memset(&woken, 0xee, sizeof(woken));
		at_rest_wake(rest, &woken);
		at_rest_recall(rest, &woken);
		assert_same(&awake, &woken);
	}
	assert_true(awake.drop.seen && awake.last_drop.seen && awake.dnat.seen &&
		    awake.reset.seen && awake.icmp_sent.seen && awake.has_libwrap &&
		    awake.http_request.valid);
	assert_int_equal(awake.timeline_len, PROBE_MAX_TIMELINE);
	assert_true(awake.timeline_dropped > 0);
	at_rest_free(rest);
}

static struct flow *add(struct flows *flows, unsigned n)
{
	struct obs o = observation(HCT_POINT_TC_INGRESS, 0);
	struct flow_key key;
	struct flow *flow;

	o.packet.tcp_flags = HCT_TCP_SYN;
	o.tuple.lb_port = (uint16_t)n;
	key = flow_key(o.flow_id, &o.tuple);
	flow = flows_add(flows, &key);
	assert_non_null(flow);
	probe_start(flows_wake(flows, flow), n, &o);
	return flow;
}

/* What the load balancer's many nodes can make us hold, while they wait for their timeout. */
static void memory_of_an_open_probe(void **state)
{
	static struct flows flows;
	const unsigned awake = 1024, n = 10000;
	size_t before, bytes;

	for (unsigned i = 0; i < awake; i++)
		add(&flows, i);
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < n; i++)
		add(&flows, awake + i);
	bytes = (mallinfo2().uordblks - before) / n;
	if (bytes) /* a sanitizer's allocator tells nothing */
		assert_in_range(bytes, 1, 1024);
	flows_clear(&flows);
	assert_int_equal(flows.unkept, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(memory_of_an_open_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
