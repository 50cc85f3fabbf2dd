// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The words of case files: each observation as a line, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "stream/case_obs.h"
#include "stream/case_text.h"
#include "stream/names.h"

#define START UINT64_C(1000000000000)

static void numbers(void **state)
{
	uint64_t u;
	int64_t s;

	assert_int_equal(text_get_u64("18446744073709551615", UINT64_MAX, &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(text_get_u64("18446744073709551616", UINT64_MAX, &u), -EINVAL);
	assert_int_equal(text_get_u64("256", 255, &u), -EINVAL);
	assert_int_equal(text_get_u64("", 255, &u), -EINVAL);
	assert_int_equal(text_get_u64("+1", 255, &u), -EINVAL);
	assert_int_equal(text_get_s64("-9223372036854775807", &s), 0);
	assert_int_equal(text_get_s64("9223372036854775808", &s), -EINVAL);
	assert_int_equal(text_get_s64("--1", &s), -EINVAL);
}

static void times(void **state)
{
	static const char *const bad[] = { "",	  ".",	  ".5",		 "-",  "1.1234567891",
					   "1.x", "1..2", "99999999999", "1e3" };
	int64_t ns;

	assert_int_equal(text_get_time("1.5", &ns), 0);
	assert_int_equal(ns, 1500000000);
	assert_int_equal(text_get_time("-0.000000001", &ns), 0);
	assert_int_equal(ns, -1);
	assert_int_equal(text_get_time("3.", &ns), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_get_time(bad[i], &ns), -EINVAL);
}

static void endpoints(void **state)
{
	static const char *const bad[] = {
		"",	  ":",	  "1.2.3",  "1.2.3.4:65536", "1.2.3.4:",  "[::1",
		"[::1]x", "[]:1", "::1:x:", "[1.2.3.4.5]:1", "1.2.3.4:-1"
	};
	uint8_t addr[16];
	uint16_t port;

	assert_int_equal(text_get_endpoint("192.168.0.10:80", addr, &port), 0);
	assert_int_equal(port, 80);
	assert_int_equal(addr[12], 192);
	assert_int_equal(text_get_endpoint("[2001:db8::1]:443", addr, &port), 0);
	assert_int_equal(port, 443);
	assert_int_equal(text_get_endpoint("2001:db8::1", addr, &port), 0);
	assert_int_equal(port, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_get_endpoint(bad[i], addr, &port), -EINVAL);
}

static void odd_bytes(void **state)
{
	uint8_t all[256], back[256];
	char text[1024] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	assert_non_null(out);
	text_put(out, all, sizeof(all));
	fclose(out);
	assert_null(strpbrk(text, " \n\t"));
	assert_int_equal(text_get(text, back, sizeof(back)), 256);
	assert_memory_equal(all, back, sizeof(all));
	assert_int_equal(text_get(text, back, 255), -EINVAL);
	assert_int_equal(text_get("%4", back, 255), -EINVAL);
	assert_int_equal(text_get("%", back, 255), -EINVAL);
	assert_int_equal(text_get("%zz", back, 255), -EINVAL);
	assert_int_equal(text_get_string("a%00b", text, sizeof(text)), -EINVAL);
}

static struct obs observation(enum hct_point point)
{
	struct obs o = {
		.time_ns = START + 1234567, .flow_id = START + 1000, .flow_seq = 3, .point = point
	};

	o.tuple.protocol = IPPROTO_TCP;
	memset(o.tuple.lb + 10, 0xff, 6);
	memset(o.tuple.target + 10, 0xff, 2);
	o.tuple.target[15] = 10;
	o.tuple.lb_port = htons(40122);
	o.tuple.target_port = htons(80);
	strcpy(o.device, "eth0");
	o.packet.tcp_flags = HCT_TCP_SYN | HCT_TCP_ACK;
	o.packet.seq = UINT32_MAX;
	return o;
}

/* Writes O, reads it again and compares what matters. */
static struct obs round_trip(const struct obs *o, uint8_t payload[HCT_PAYLOAD_MAX])
{
	char text[8192] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	const char *bad = "";
	struct obs back;

	assert_non_null(out);
	case_put_obs(out, o, START);
	fclose(out);
	assert_int_equal(case_get_obs(text, START, &back, payload, &bad), 0);
	assert_int_equal(back.time_ns, o->time_ns);
	assert_int_equal(back.flow_id, o->flow_id);
	assert_int_equal(back.flow_seq, o->flow_seq);
	assert_int_equal(back.point, o->point);
	assert_memory_equal(&back.tuple, &o->tuple, sizeof(o->tuple));
	assert_memory_equal(&back.packet, &o->packet, sizeof(o->packet));
	assert_string_equal(back.device, o->device);
	return back;
}

static void observations(void **state)
{
	uint8_t payload[HCT_PAYLOAD_MAX];
	struct obs o = observation(HCT_POINT_DROP), back;

	o.reason = names_intern("NETFILTER_DROP");
	o.function = names_intern("nf_hook_slow");
	o.stack[0] = names_intern("nf_hook_slow");
	o.stack[1] = names_intern("ip_local_deliver");
	o.stack_len = 2;
	o.rung = (struct hct_rung){ .priority = -99, .hook = 1, .valid = 1 };
	back = round_trip(&o, payload);
	assert_ptr_equal(back.reason, o.reason); /* interned */
	assert_int_equal(back.stack_len, 2);
	assert_true(obs_called_from(&back, "ip_local_deliver"));
	assert_memory_equal(&back.rung, &o.rung, sizeof(o.rung));

	o = observation(HCT_POINT_ROUTE);
	o.reply = true;
	o.route.err = -11;
	o.route.table = 254;
	back = round_trip(&o, payload);
	assert_true(back.reply);
	assert_memory_equal(&back.route, &o.route, sizeof(o.route));

	o = observation(HCT_POINT_SOCKET_STATE);
	o.sock = (struct hct_sock){ 1, 4, 1, 1, 77 };
	o.has_process = true;
	o.pid = 812;
	strcpy(o.comm, "a b%c\x01");
	back = round_trip(&o, payload);
	assert_memory_equal(&back.sock, &o.sock, sizeof(o.sock));
	assert_true(back.has_process);
	assert_string_equal(back.comm, o.comm);

	o = observation(HCT_POINT_TRANSLATION);
	memcpy(o.translation.addr, o.tuple.lb, sizeof(o.translation.addr));
	o.translation.port = htons(8080);
	back = round_trip(&o, payload);
	assert_memory_equal(&back.translation, &o.translation, sizeof(o.translation));

	o = observation(HCT_POINT_LIBWRAP);
	o.libwrap.fd = -1;
	strcpy(o.libwrap.daemon, "sshd");
	strcpy(o.libwrap.client, "100.125.10.5");
	back = round_trip(&o, payload);
	assert_memory_equal(&back.libwrap, &o.libwrap, sizeof(o.libwrap));
}

static void largest_payload(void **state)
{
	uint8_t bytes[HCT_PAYLOAD_MAX], payload[HCT_PAYLOAD_MAX];
	struct obs o = observation(HCT_POINT_TC_INGRESS), back;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	o.payload = bytes;
	o.payload_len = sizeof(bytes);
	o.listener = (struct hct_listener){ 1, 6, 5, 2 };
	back = round_trip(&o, payload);
	assert_int_equal(back.payload_len, sizeof(bytes));
	assert_memory_equal(back.payload, bytes, sizeof(bytes));
	assert_memory_equal(&back.listener, &o.listener, sizeof(o.listener));
}

static void bad_observations(void **state)
{
	static const char *const lines[] = {
		"",
		"t=1",
		"point=drop",
		"t=1 point=nowhere",
		"t=x point=drop",
		"t=1 point=drop point=drop",
		"t=1 point=drop stack=a,b,c,d,e,f,g,h,i,j,k,l,m",
		"t=1 point=drop backlog=1",
		"t=1 point=drop =",
		"t=1 point=drop x",
		"t=1 point=drop flags=Q",
		"t=1 point=drop pid=-1",
		"t=-1001 point=drop",
		"t=9223372036 point=drop",
		"t=1 point=drop reply=2",
		"t=1 point=drop dev=averyverylongname",
		"t=1 point=drop rung=256",
		"t=1 point=drop proto=sctp",
		"t=1 point=tc-ingress payload=%0",
	};
	uint8_t payload[HCT_PAYLOAD_MAX];
	const char *bad;
	struct obs o;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[256];

		strcpy(line, lines[i]);
		assert_int_equal(case_get_obs(line, START, &o, payload, &bad), -EINVAL);
	}
}

static int forget_names(void **state)
{
	names_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),	    cmocka_unit_test(times),
		cmocka_unit_test(endpoints),	    cmocka_unit_test(odd_bytes),
		cmocka_unit_test(observations),	    cmocka_unit_test(largest_payload),
		cmocka_unit_test(bad_observations),
	};

	return cmocka_run_group_tests(tests, NULL, forget_names);
}
