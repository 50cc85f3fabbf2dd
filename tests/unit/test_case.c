// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Case files: what is written is read again, and nothing that is read does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream/case_obs.h"
#include "stream/case_read.h"
#include "stream/case_text.h"
#include "stream/case_write.h"
#include "diagnose/engine.h"
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

/* A host with an answer to everything, which counts the questions. */
static int host_sysctl(void *ctx, const char *name, int64_t *out)
{
	++*(unsigned *)ctx;
	*out = 1;
	return 0;
}

static int host_chains(void *ctx, bool ipv6, const char *hook, struct host_chains *out)
{
	++*(unsigned *)ctx;
	memset(out, 0, sizeof(*out));
	out->n = 1;
	strcpy(out->c[0].backend, "nft");
	strcpy(out->c[0].family, "inet");
	strcpy(out->c[0].table, "my table");
	strcpy(out->c[0].chain, "input");
	out->c[0].priority = -7;
	return 0;
}

static int host_owner(void *ctx, const struct hct_tuple *tuple, struct host_process *out)
{
	++*(unsigned *)ctx;
	memset(out, 0, sizeof(*out));
	return -ENOENT;
}

static const struct host_ops host_ops = { .sysctl = host_sysctl,
					  .chains = host_chains,
					  .owner = host_owner };

/* Asks the host what the test wants to see again, at each tick. */
struct asker {
	const struct host *host;
	unsigned starts, observations, ticks, ends, lost;
	struct host_chains chains;
	int64_t sysctl;
	int owner, listeners, second;
};

static void on_start(void *ctx, const struct stream_start *start)
{
	struct asker *a = ctx;

	a->starts++;
	assert_int_equal(start->time_ns, START);
	assert_int_equal(start->n_points, 2);
	assert_false(start->points[1].attached);
	assert_string_equal(start->points[1].detail, "not here, sorry");
	assert_string_equal(start->kernel, "6.1.0 odd");
}

static void on_obs(void *ctx, const struct obs *o)
{
	((struct asker *)ctx)->observations++;
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	((struct asker *)ctx)->lost += (unsigned)count;
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	struct asker *a = ctx;
	const struct host_ops *ops = a->host->ops;
	struct host_listeners listeners;
	struct host_process owner;
	struct hct_tuple tuple = { .protocol = IPPROTO_TCP };
	int64_t value;

	a->ticks++;
	assert_int_equal(ops->sysctl(a->host->ctx, "net.x", &a->sysctl), 0);
	assert_int_equal(ops->chains(a->host->ctx, false, "INPUT", &a->chains), 0);
	a->owner = ops->owner(a->host->ctx, &tuple, &owner);
	a->listeners = ops->listeners(a->host->ctx, IPPROTO_TCP, 80, &listeners);
	a->second = ops->sysctl(a->host->ctx, "net.y", &value);
}

static void on_end(void *ctx, uint64_t now_ns)
{
	((struct asker *)ctx)->ends++;
}

static const struct stream_sink asking = { on_start, on_obs, on_lost, on_tick, on_end };

static void write_run(const char *path, const struct host *real)
{
	struct settings settings = { .interval_ns = UINT64_C(5000000000),
				     .timeout_ns = UINT64_C(1500000000),
				     .retries = 2,
				     .n_ports = 2,
				     .ports = { 80, 8080 },
				     .path = "/a b",
				     .n_expect = 1,
				     .expect = { { 200, 204 } },
				     .n_from = 1 };
	const struct point_status points[] = { { HCT_POINT_DROP, true, NULL },
					       { HCT_POINT_ROUTE, false, "not here, sorry" } };
	const struct stream_start start = { .time_ns = START,
					    .wall_offset_ns = -5,
					    .kernel = "6.1.0 odd",
					    .netns_name = "web",
					    .netns = 7,
					    .points = points,
					    .n_points = 2 };
	struct obs o = observation(HCT_POINT_TC_INGRESS);
	struct case_writer *w;
	struct asker asker = { 0 };

	assert_int_equal(prefix_parse(&settings.from[0], "100.125.0.0/16"), 0);
	w = case_writer_open(path, &settings);
	assert_non_null(w);
	asker.host = case_writer_host(w, real);
	case_writer_sink.start(w, &start);
	case_writer_sink.obs(w, &o);
	case_writer_sink.lost(w, HCT_POINT_DROP, 4, START + 1);
	case_writer_sink.tick(w, START + 2);
	asking.tick(&asker, START + 2);
	assert_int_equal(asker.listeners, -ENODATA);
	case_writer_sink.end(w, START + 3);
	assert_int_equal(case_writer_close(w), 0);
}

static void write_and_read(void **state)
{
	char path[] = "/tmp/hctrace-test-XXXXXX";
	unsigned questions = 0;
	const struct host real = { &host_ops, &questions };
	struct asker asker = { 0 };
	const struct settings *s;
	struct case_reader *r;

	assert_true(close(mkstemp(path)) == 0);
	write_run(path, &real);
	assert_int_equal(questions, 4);
	assert_int_equal(case_reader_open(&r, path), 0);
	s = case_reader_settings(r);
	assert_int_equal(s->timeout_ns, UINT64_C(1500000000));
	assert_int_equal(s->n_ports, 2);
	assert_int_equal(s->retries, 2);
	assert_string_equal(s->path, "/a b");
	assert_int_equal(s->expect[0].last, 204);
	asker.host = case_reader_host(r);
	assert_int_equal(case_reader_run(r, &asking, &asker), 0);
	assert_int_equal(asker.starts, 1);
	assert_int_equal(asker.observations, 1);
	assert_int_equal(asker.lost, 4);
	assert_int_equal(asker.ticks, 1);
	assert_int_equal(asker.ends, 1);
	assert_int_equal(asker.sysctl, 1);
	assert_int_equal(asker.owner, -ENOENT);
	assert_int_equal(asker.listeners, -ENODATA);
	assert_int_equal(asker.second, 0);
	assert_int_equal(asker.chains.n, 1);
	assert_string_equal(asker.chains.c[0].table, "my table");
	assert_int_equal(asker.chains.c[0].priority, -7);
	case_reader_close(r);
	unlink(path);
}

static char *read_file(const char *path, size_t *len)
{
	FILE *in = fopen(path, "r");
	char *text = calloc(1, 65536);

	assert_non_null(in);
	assert_non_null(text);
	*len = fread(text, 1, 65535, in);
	fclose(in);
	return text;
}

static int replay_bytes(const char *path, const char *text, size_t len)
{
	static const struct engine_listener deaf;
	FILE *out = fopen(path, "w");
	struct case_reader *r;
	struct engine *e;
	int status;

	assert_non_null(out);
	fwrite(text, 1, len, out);
	fclose(out);
	status = case_reader_open(&r, path);
	if (status)
		return status;
	e = engine_new(case_reader_settings(r), case_reader_host(r), &deaf, NULL);
	assert_non_null(e);
	status = case_reader_run(r, &engine_sink, e);
	engine_free(e);
	case_reader_close(r);
	return status;
}

/* Thousands of messages are no help; cmocka's own go the same way. */
static int hide_stderr(void)
{
	int screen = dup(STDERR_FILENO);

	assert_true(screen >= 0);
	assert_non_null(freopen("/dev/null", "w", stderr));
	return screen;
}

static void show_stderr(int screen)
{
	fflush(stderr);
	dup2(screen, fileno(stderr));
	close(screen);
}

/* Truncated anywhere and with bytes changed anywhere: an error, or nonsense that is harmless. */
static void damaged(void **state)
{
	char path[] = "/tmp/hctrace-test-XXXXXX";
	unsigned questions = 0, random = 1;
	const struct host real = { &host_ops, &questions };
	size_t len;
	int screen;
	char *text;

	assert_true(close(mkstemp(path)) == 0);
	write_run(path, &real);
	text = read_file(path, &len);
	screen = hide_stderr();
	assert_int_equal(replay_bytes(path, text, len), 0);
	for (size_t cut = 0; cut + 1 < len; cut += 3)
		if (cut < len - 20)
			assert_int_equal(replay_bytes(path, text, cut), EXIT_USAGE);
	for (int i = 0; i < 2000; i++) {
		size_t at = (random = random * 1103515245 + 12345) % len;
		char before = text[at];
		int status;

		text[at] = (char)(random >> 16);
		status = replay_bytes(path, text, len);
		assert_true(status == 0 || status == EXIT_USAGE);
		text[at] = before;
	}
	show_stderr(screen);
	free(text);
	unlink(path);
}

static int forget_names(void **state)
{
	names_free();
	return 0;
}

/* What a diagnosis goes by is in the file as it was given, to the nanosecond. */
static void settings_are_kept(void **state)
{
	static const char wanted[] =
		"hctrace-case 1\n"
		"options --lb azure --from 10.0.0.0/8 --port 80,443 --protocol http --interval 5000ms"
		" --timeout 0.000500ms --retries 4 --expect-codes 200,300-399 --path /a%20b --count 7"
		" --all-traffic --passive --xdp\n";
	char *argv[] = { "hctrace", "--lb", "azure", "--from", "10.0.0.0/8", "--port", "80,443",
			 "--protocol", "http", "--interval", "5", "--timeout", "0.0005ms",
			 "--retries", "4", "--expect-codes", "200,300-399", "--path", "/a b",
			 "-c", "7", "--all-traffic", "--passive", "--xdp", NULL };
	char path[] = "/tmp/hctrace-case-XXXXXX";
	struct settings settings;
	const struct settings *read;
	struct case_reader *reader;
	char text[1024] = "";
	FILE *in;

	close(mkstemp(path));
	assert_int_equal(options_parse(&settings, (int)(sizeof(argv) / sizeof(argv[0])) - 1, argv), -1);
	assert_int_equal(case_writer_close(case_writer_open(path, &settings)), 0);
	in = fopen(path, "re");
	assert_non_null(in);
	fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	assert_string_equal(text, wanted);
	assert_int_equal(case_reader_open(&reader, path), 0);
	read = case_reader_settings(reader);
	assert_int_equal(read->timeout_ns, 500);
	assert_int_equal(read->count, 7);
	assert_true(read->passive && read->xdp && read->all_traffic && read->expect_http);
	assert_string_equal(read->path, "/a b");
	case_reader_close(reader);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_kept),
		cmocka_unit_test(numbers),	    cmocka_unit_test(times),
		cmocka_unit_test(endpoints),	    cmocka_unit_test(odd_bytes),
		cmocka_unit_test(observations),	    cmocka_unit_test(largest_payload),
		cmocka_unit_test(bad_observations), cmocka_unit_test(write_and_read),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, forget_names);
}
