// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The recorder: what a live run gives it, answers and the host's state included, is in the recording. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diagnose/ask.h"
#include "record/host_state.h"
#include "record/record_read.h"
#include "record/recorder.h"
#include "stream/names.h"

#define SEC UINT64_C(1000000000)
#define START (100 * SEC)

static int sysctl(void *ctx, const char *name, int64_t *out)
{
	*out = 42;
	return strcmp(name, "net.ipv4.ip_forward") == 0 ? 0 : -ENOENT;
}

static const struct host_ops ops = { .sysctl = sysctl };

/* A consumer that asks at the observation, as the engine does. */
struct asker {
	const struct host *host;
	unsigned obs, ends;
	int err, other_err;
	int64_t value;
};

static void on_obs(void *ctx, const struct obs *o)
{
	struct asker *a = ctx;

	a->obs++;
	a->err = ask_sysctl(a->host, "net.ipv4.ip_forward", &a->value);
	a->other_err = ask_sysctl(a->host, "net.ipv4.nothing", &(int64_t){ 0 });
}

static void on_start(void *ctx, const struct stream_start *start)
{
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
}

static void on_tick(void *ctx, uint64_t now_ns)
{
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct asker *a = ctx;

	a->ends++;
}

static const struct stream_sink asker_sink = { on_start, on_obs, on_lost, on_tick, on_end };

static const char *state_of(const struct recording_info *info, const char *name, bool at_end)
{
	for (size_t i = 0; i < info->n_states; i++)
		if (info->states[i].at_end == at_end && strcmp(info->states[i].name, name) == 0)
			return info->states[i].text;
	return NULL;
}

static void a_run(void **state)
{
	char path[] = "/tmp/hctrace-recorder-XXXXXX";
	const char *paths[] = { path };
	struct host real = { .ops = &ops };
	struct asker live = { NULL }, replay = { NULL };
	struct stream_start start = { .kernel = "6.1.0", .time_ns = START, .netns_name = "web" };
	struct obs o = { .time_ns = START + 1, .flow_id = START + 1, .netns = 1 };
	const struct recording_info *info;
	struct record_reader *reader;
	struct recorder *recorder;
	struct settings settings;
	char *argv[] = { "hctrace", NULL };

	assert_int_equal(options_parse(&settings, 1, argv), -1);
	close(mkstemp(path));
	recorder = recorder_open(path, &settings, 0, &(int){ 0 });
	assert_non_null(recorder);
	live.host = recorder_host(recorder, &real);
	o.tuple.protocol = 6;
	recorder_sink.start(recorder, &start);
	recorder_sink.obs(recorder, &o);
	on_obs(&live, &o);
	assert_int_equal(live.value, 42);
	recorder_wake(recorder, START + 2 * SEC);
	recorder_sink.tick(recorder, START + 3 * SEC);
	recorder_sink.end(recorder, START + 4 * SEC);
	assert_int_equal(recorder_close(recorder), 0);

	assert_int_equal(record_reader_open(&reader, paths, 1), 0);
	replay.host = record_reader_host(reader);
	assert_int_equal(record_reader_run(reader, &asker_sink, &replay, NULL), 0);
	assert_int_equal(replay.obs, 1);
	assert_int_equal(replay.ends, 1);
	assert_int_equal(replay.err, 0);
	assert_int_equal(replay.value, 42);
	assert_int_equal(replay.other_err, -ENOENT);
	info = record_reader_info(reader);
	assert_true(recording_complete(info));
	assert_non_null(state_of(info, "addresses", false));
	assert_non_null(state_of(info, "addresses", true));
	assert_non_null(strstr(state_of(info, "sysctls", false), "ipv4/ip_forward: "));
	assert_null(strstr(state_of(info, "sysctls", false), "fastopen_key"));
	record_reader_close(reader);
	names_free();
	unlink(path);
}

static void refused(void **state)
{
	int saved = dup(STDERR_FILENO);
	struct settings settings;
	char *argv[] = { "hctrace", NULL };
	FILE *said = tmpfile();
	char text[512];

	assert_int_equal(options_parse(&settings, 1, argv), -1);
	fflush(stderr);
	dup2(fileno(said), STDERR_FILENO);
	assert_null(recorder_open("/dev/full", &settings, 0, &(int){ 0 }));
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(said);
	assert_non_null(fgets(text, sizeof(text), said));
	assert_string_equal(text, "hctrace: cannot record to /dev/full: it is no regular file\n");
	fclose(said);
	assert_int_equal(recorder_close(NULL), 0);
}

static void count_section(void *ctx, const char *name, const char *text)
{
	unsigned *n = ctx;

	assert_true(*name && *text);
	++*n;
}

/* Where there are no tools, the sections say so. */
static void no_tools(void **state)
{
	unsigned n = 0;

	host_state_collect(count_section, &n);
	assert_true(n >= 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run),
		cmocka_unit_test(refused),
		cmocka_unit_test(no_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
