// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recordings and the files that they are in: full disks, rotation, other people's files. */
#include "record_fixture.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* The disk is full for a while: the rest is there, and how much is not. */
static void disk_full(void **state)
{
	const struct recording_info *info;
	struct record_writer *w;
	struct record_reader *r;
	uint64_t lost;
	struct seen seen;

	signal(SIGXFSZ, SIG_IGN);
	w = start_run(0);
	record(w, 0, 10000);
	assert_int_equal(record_writer_error(w), 0);
	limit_files(100000);
	record(w, 10000, 20000);
	assert_int_equal(record_writer_error(w), -EFBIG);
	limit_files(RLIM_INFINITY);
	record(w, 20000, 30000);
	record_writer_sink.end(w, START + 60 * SEC);
	lost = record_writer_close(w);
	assert_true(lost > 5000 && lost < 15000);
	assert_int_equal(read_one(path, &seen, &r), 0);
	info = record_reader_info(r);
	assert_true(info->has_start && info->has_end);
	assert_int_equal(info->n_gaps, 1);
	assert_true(info->gaps[0].records == lost);
	assert_int_equal(info->gaps[0].bytes, 0);
	assert_non_null(strstr(info->gaps[0].why, "File too large"));
	assert_int_equal(seen.obs + seen.ticks + lost, 30000 + 3750);
	record_reader_close(r);
}

/* The last hours stay, in files that are each readable by themselves. */
static void rotates(void **state)
{
	struct record_writer *w;
	const struct recording_info *info;
	struct record_reader *r;
	struct seen seen;
	uint64_t total = 0;
	char *name;

	remove_segments();
	w = start_run(RECORD_SIZE_MIN);
	record(w, 0, 150000);
	record_writer_sink.end(w, START + 5000 * SEC);
	assert_int_equal(record_writer_close(w), 0);
	for (unsigned i = 0; i < RECORD_SEGMENTS; i++) {
		struct stat st;

		name = segment_path(path, i);
		assert_int_equal(stat(name, &st), 0);
		assert_true((uint64_t)st.st_size <= RECORD_SIZE_MIN / RECORD_SEGMENTS);
		total += (uint64_t)st.st_size;
		assert_int_equal(read_one(name, &seen, &r), 0);
		assert_int_equal(record_reader_info(r)->n_states, 1);
		record_reader_close(r);
		free(name);
	}
	assert_true(total <= RECORD_SIZE_MIN);
	name = segment_path(path, RECORD_SEGMENTS);
	assert_int_equal(access(name, F_OK), -1);
	free(name);
	assert_int_equal(read_one(path, &seen, &r), 0);
	info = record_reader_info(r);
	assert_int_equal(info->n_files, RECORD_SEGMENTS);
	assert_int_equal(info->n_gaps, 0);
	assert_true(info->has_end && !info->has_start);
	assert_true(seen.start_ns > START); /* of what is there */
	assert_true(seen.obs > 50000 && seen.obs < 150000);
	record_reader_close(r);
}

/* A segment that is gone, the same one twice, and one of another run. */
static void odd_segments(void **state)
{
	char *third = segment_path(path, 3), *first = segment_path(path, 1);
	const char *twice[] = { path, first, path, first };
	const struct recording_info *info;
	struct record_reader *r;
	struct seen seen, all;
	int saved;

	rotates(state);
	assert_int_equal(read_one(path, &all, NULL), 0);
	assert_int_equal(read_paths(twice, 4, &seen, NULL), 0);
	assert_true(seen.obs == all.obs && seen.hash == all.hash);
	unlink(third);
	assert_int_equal(read_one(path, &seen, &r), 0);
	info = record_reader_info(r);
	assert_int_equal(info->n_files, RECORD_SEGMENTS - 1);
	assert_int_equal(info->n_gaps, 1);
	assert_int_equal(info->gaps[0].records, all.obs + all.ticks - seen.obs - seen.ticks);
	record_reader_close(r);
	make_recording(100); /* of another run; the old segments stay beside it */
	assert_int_equal(read_one(path, &seen, &r), 0);
	assert_int_equal(record_reader_info(r)->n_files, 1);
	assert_int_equal(seen.obs, 100);
	record_reader_close(r);
	saved = hush();
	assert_int_equal(read_paths(twice, 2, &seen, NULL), EXIT_USAGE);
	unhush(saved);
	remove_segments();
	free(third);
	free(first);
}

static void no_recordings(void **state)
{
	struct record_header header = { .version = RECORD_VERSION + 1 };
	uint8_t bytes[RECORD_HEADER_LEN];
	int saved = hush();
	struct seen seen;

	record_header_put(bytes, &header);
	spill(path, bytes, sizeof(bytes));
	assert_int_equal(read_one(path, &seen, NULL), EXIT_USAGE);
	header.version = RECORD_VERSION;
	record_header_put(bytes, &header);
	spill(path, bytes, sizeof(bytes));
	assert_int_equal(read_one(path, &seen, NULL), EXIT_USAGE);
	spill(path, "", 0);
	assert_int_equal(read_one(path, &seen, NULL), EXIT_USAGE);
	spill(path, "\177ELF and something that is much longer than a header", 50);
	assert_int_equal(read_one(path, &seen, NULL), EXIT_USAGE);
	assert_int_equal(read_one(folder, &seen, NULL), EXIT_USAGE);
	assert_int_equal(read_one("/dev/zero", &seen, NULL), EXIT_USAGE);
	assert_int_equal(read_one("/nowhere", &seen, NULL), EXIT_USAGE);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_one(path, &seen, NULL), EXIT_USAGE);
	unlink(path);
	unhush(saved);
}

static void cannot_write(void **state)
{
	struct record_writer *w;
	int err = 0;

	assert_null(record_writer_open(folder, options(), 0, &err));
	assert_int_equal(err, -EISDIR);
	assert_null(record_writer_open("/nowhere/x", options(), 0, &err));
	assert_int_equal(err, -ENOENT);
	assert_null(record_writer_open("/dev/full", options(), 0, &err));
	assert_int_equal(err, -EINVAL);
	w = start_run(0);
	assert_null(record_writer_open(path, options(), 0, &err));
	assert_int_equal(err, -EBUSY);
	assert_null(record_writer_open(path, options(), RECORD_SIZE_MIN, &err));
	assert_int_equal(err, -EBUSY);
	record_writer_close(w);
}

/* A flight recorder that starts again keeps what it had. */
static void restarts(void **state)
{
	char *older = segment_path(path, 1);
	struct seen seen;

	make_recording(100);
	record_writer_close(start_run(RECORD_SIZE_MIN));
	assert_int_equal(read_one(older, &seen, NULL), 0);
	assert_int_equal(seen.obs, 100);
	assert_int_equal(read_one(path, &seen, NULL), 0);
	assert_int_equal(seen.obs, 0);
	remove_segments();
	free(older);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(disk_full, clear),
		cmocka_unit_test_teardown(rotates, clear),
		cmocka_unit_test_teardown(odd_segments, clear),
		cmocka_unit_test_teardown(no_recordings, clear),
		cmocka_unit_test_teardown(cannot_write, clear),
		cmocka_unit_test_teardown(restarts, clear),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
