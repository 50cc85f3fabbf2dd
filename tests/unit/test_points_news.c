// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Points that are lost or come back while a run goes on: recorded, read again, and minded. */
#include "record_fixture.h"

#include "diagnose/coverage.h"

#define AT (START + 5 * SEC)

/* What a recording told of its run and of points. */
struct news {
	struct seen seen;
	unsigned times;
	char host[64], run[32];
	struct point_status start[HCT_POINT_COUNT], last[HCT_POINT_COUNT];
	size_t n_start, n_last;
	uint64_t last_ns, obs_before;
};

static void hear_start(void *ctx, const struct stream_start *start)
{
	struct news *news = ctx;

	on_start(&news->seen, start);
	snprintf(news->host, sizeof(news->host), "%s", start->host ? start->host : "");
	snprintf(news->run, sizeof(news->run), "%s", start->run ? start->run : "");
	news->n_start = start->n_points;
	memcpy(news->start, start->points, start->n_points * sizeof(news->start[0]));
}

static void hear_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct news *news = ctx;

	news->times++;
	news->n_last = n;
	memcpy(news->last, changed, n * sizeof(news->last[0]));
	news->last_ns = time_ns;
	news->obs_before = news->seen.obs;
}

static const struct stream_sink hearing = { hear_start, on_obs, on_lost, on_tick, on_end,
					    hear_points };

static const struct point_status at_start[] = { { HCT_POINT_TC_INGRESS, true, "tcx on eth0" },
						{ HCT_POINT_TC_EGRESS, true, "tcx on eth0" },
						{ HCT_POINT_DROP, true, NULL } };

static struct record_writer *begin_run(uint64_t max_size)
{
	struct stream_start start = { .kernel = "6.1.0", .time_ns = START, .netns_name = "",
				      .points = at_start, .n_points = 3, .host = "backend-1",
				      .run = "0123456789abcdef" };
	struct record_writer *w;
	int err = 0;

	w = record_writer_open(path, options(), max_size, &err);
	assert_non_null(w);
	record_writer_sink.start(w, &start);
	return w;
}

static void lose_both(struct record_writer *w)
{
	const struct point_status gone[] = { { HCT_POINT_TC_INGRESS, false, "no interface is left" },
					     { HCT_POINT_TC_EGRESS, false, "no interface is left" } };

	record_writer_sink.points(w, gone, 2, AT);
}

static void hear(const char *file, struct news *news, bool complete)
{
	struct record_reader *r;

	memset(news, 0, sizeof(*news));
	assert_int_equal(record_reader_open(&r, &file, 1), 0);
	assert_int_equal(record_reader_run(r, &hearing, news, NULL), 0);
	assert_int_equal(recording_complete(record_reader_info(r)), complete);
	record_reader_close(r);
}

static void come_back_as_they_were(void **state)
{
	struct record_writer *w = begin_run(0);
	struct news news;

	record(w, 0, 5000);
	lose_both(w);
	record(w, 5000, 40000);
	record_writer_sink.end(w, START + 100 * SEC);
	assert_int_equal(record_writer_close(w), 0);
	hear(path, &news, true);
	assert_string_equal(news.host, "backend-1");
	assert_string_equal(news.run, "0123456789abcdef");
	assert_int_equal(news.n_start, 3);
	assert_true(news.start[0].attached);
	/* once, though every chunk says so, and both together */
	assert_int_equal(news.times, 1);
	assert_int_equal(news.n_last, 2);
	assert_true(news.last_ns == AT);
	assert_int_equal(news.obs_before, 5000);
	assert_int_equal(news.last[1].point, HCT_POINT_TC_EGRESS);
	assert_false(news.last[1].attached);
	assert_string_equal(news.last[1].detail, "no interface is left");
	assert_int_equal(news.seen.obs, 40000);
}

/* Where rotation dropped the news, the run that is left starts without the points. */
static void rotation_keeps_the_last_word(void **state)
{
	struct record_writer *w = begin_run(RECORD_SIZE_MIN);
	struct news news;

	lose_both(w);
	record(w, 0, 400000);
	record_writer_sink.end(w, START + 1000 * SEC);
	assert_int_equal(record_writer_close(w), 0);
	hear(path, &news, false);
	assert_true(news.seen.start_ns > AT);
	assert_string_equal(news.run, "0123456789abcdef");
	assert_int_equal(news.times, 0);
	assert_int_equal(news.n_start, 3);
	assert_false(news.start[0].attached);
	assert_false(news.start[1].attached);
	assert_true(news.start[2].attached);
}

/* Where the chunk with the news is damaged, the next one has it. */
static void damage_costs_no_news(void **state)
{
	struct record_writer *w = begin_run(0);
	struct news news;
	uint8_t *data;
	size_t len, at;

	record(w, 0, 5000);
	record_writer_flush(w, UINT64_MAX);
	at = (size_t)record_writer_size(w);
	lose_both(w);
	record(w, 5000, 40000);
	record_writer_sink.end(w, START + 100 * SEC);
	assert_int_equal(record_writer_close(w), 0);
	data = slurp(path, &len);
	data[at + 100] ^= 0x10;
	spill(path, data, len);
	free(data);
	hear(path, &news, false);
	assert_true(news.times >= 1);
	assert_true(news.last_ns == AT);
	assert_false(news.last[news.n_last - 1].attached);
}

static void coverage_follows(void **state)
{
	const struct point_status gone = { HCT_POINT_DROP, false, NULL };
	const struct point_status back = { HCT_POINT_DROP, true, NULL };
	const uint32_t bit = UINT32_C(1) << HCT_POINT_DROP;
	struct coverage c = { 0 };

	coverage_take(&c, at_start, 3);
	assert_false(coverage_missing(&c) & bit);
	coverage_change(&c, &gone, 1, AT);
	assert_true(coverage_missing(&c) & bit);
	assert_false(c.attached & bit);
	coverage_change(&c, &back, 1, AT + SEC);
	assert_false(coverage_missing(&c) & bit);
	/* a probe of that time was seen in part only */
	assert_true(coverage_changed(&c, AT) & bit);
	assert_false(coverage_changed(&c, AT + 2 * SEC) & bit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(come_back_as_they_were, clear),
		cmocka_unit_test_teardown(rotation_keeps_the_last_word, clear),
		cmocka_unit_test_teardown(damage_costs_no_news, clear),
		cmocka_unit_test(coverage_follows),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
