// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Case files: what is written is read again, and nothing that is read does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream/case_read.h"
#include "stream/case_write.h"
#include "diagnose/engine.h"
#include "stream/names.h"

#define START UINT64_C(1000000000000)

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
	struct obs o = { .time_ns = START + 1234567,
			 .flow_id = START + 1000,
			 .point = HCT_POINT_TC_INGRESS,
			 .tuple.protocol = IPPROTO_TCP };
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
		cmocka_unit_test(write_and_read),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, forget_names);
}
