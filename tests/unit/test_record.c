// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recordings: what is written is read again, what is missing is told, and nothing does harm. */
#include "record_fixture.h"
#include <errno.h>

#include "record/piece.h"

static void comes_back(void **state)
{
	struct record_writer *w = start_run(0);
	uint64_t hash = record(w, 0, 20000);
	const struct recording_info *info;
	struct record_reader *r;
	struct obs last = make(19999);
	struct seen seen;

	record_writer_sink.lost(w, HCT_POINT_DROP, 3, START + 30 * SEC);
	record_writer_state(w, true, START + 30 * SEC, "routes", "");
	record_writer_sink.end(w, START + 30 * SEC);
	assert_int_equal(record_writer_close(w), 0);
	assert_int_equal(read_one(path, &seen, &r), 0);
	assert_int_equal(seen.starts, 1);
	assert_int_equal(seen.obs, 20000);
	assert_int_equal(seen.ticks, 2500);
	assert_int_equal(seen.lost, 3);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(seen.gaps_told, 0);
	assert_true(seen.hash == hash);
	assert_true(seen.end_ns == START + 30 * SEC);
	assert_string_equal(seen.last.device, "eth0");
	assert_int_equal(seen.last.netns, last.netns);
	assert_int_equal(seen.last.flow_seq, 7);
	info = record_reader_info(r);
	assert_true(recording_complete(info));
	assert_int_equal(info->n_states, 2);
	assert_string_equal(info->states[0].text, "default via 192.168.0.1 dev eth0\n");
	assert_string_equal(info->states[0].name, "routes");
	assert_true(info->states[1].at_end);
	assert_int_equal(record_reader_settings(r)->ports[0], 80);
	record_reader_close(r);
}

/* Whatever is cut off or changed: no crash, and nothing that was not recorded. */
static void cut_anywhere(void **state)
{
	int saved = hush();
	struct seen seen;
	uint8_t *data;
	size_t len;

	make_recording(3000);
	data = slurp(path, &len);
	for (size_t n = 0; n < len; n += n < 3000 ? 7 : 131) {
		struct record_reader *r = NULL;

		spill(path, data, n);
		if (read_one(path, &seen, &r) == 0) {
			assert_int_equal(seen.ends, 1);
			assert_true(seen.obs <= 3000);
			assert_false(record_reader_info(r)->has_end);
		}
		record_reader_close(r);
	}
	free(data);
	unhush(saved);
}

static void flip_anywhere(void **state)
{
	int saved = hush();
	unsigned untold = 0;
	struct seen seen;
	uint8_t *data;
	size_t len;

	make_recording(3000);
	data = slurp(path, &len);
	for (size_t i = 0; i < len; i += 61) {
		struct record_reader *r = NULL;
		uint8_t mask = (uint8_t)(1 << i % 8);

		data[i] ^= mask;
		spill(path, data, len);
		if (read_one(path, &seen, &r) == 0) {
			assert_true(seen.obs <= 3000);
			untold += recording_complete(record_reader_info(r)) && seen.obs != 3000;
		}
		record_reader_close(r);
		data[i] ^= mask;
	}
	assert_int_equal(untold, 0);
	free(data);
	unhush(saved);
}

/* Damage costs its chunk; what comes behind it is read, and what is missing is counted. */
static void goes_on_behind_damage(void **state)
{
	const struct recording_info *info;
	struct record_reader *r;
	struct seen seen;
	uint8_t *data;
	size_t len;

	make_recording(40000);
	data = slurp(path, &len);
	assert_true(len > 400000);
	data[len / 2] ^= 0x10;
	spill(path, data, len);
	free(data);
	assert_int_equal(read_one(path, &seen, &r), 0);
	info = record_reader_info(r);
	assert_true(info->has_start && info->has_end);
	assert_int_equal(info->n_gaps, 1);
	assert_true(seen.obs > 25000 && seen.obs < 40000);
	assert_true(info->gaps[0].records >= 40000 - seen.obs);
	assert_true(info->gaps[0].records <= (40000 - seen.obs) * 9 / 8 + 8);
	assert_true(info->gaps[0].from_ns < info->gaps[0].to_ns);
	assert_int_equal(seen.gaps_told, HCT_POINT_COUNT);
	record_reader_close(r);
}

/* A kill leaves all that is older than a second. */
static void killed(void **state)
{
	struct record_writer *w = start_run(0);
	struct record_reader *r;
	struct seen seen;

	record(w, 0, 2500);
	/* what a kill leaves is what is in the file now */
	assert_int_equal(read_one(path, &seen, &r), 0);
	assert_true(seen.obs >= 1500 && seen.obs < 2500);
	assert_false(record_reader_info(r)->has_end);
	assert_int_equal(record_reader_info(r)->n_gaps, 0);
	record_reader_close(r);
	record_writer_flush(w, START + 10 * SEC);
	assert_int_equal(read_one(path, &seen, NULL), 0);
	assert_int_equal(seen.obs, 2500);
	record_writer_close(w);
}

/* What nothing of ours writes: a rule was met, but not which. */
static void rule_without_name(void **state)
{
	struct record_writer *w = start_run(0);
	struct obs o = make(0);
	struct seen seen;

	record(w, 0, 8);
	o.time_ns += SEC;
	o.point = HCT_POINT_NFT_TRACE;
	o.rule = (struct obs_rule){ .family = names_intern("ip"), .table = names_intern("filter"),
				    .chain = names_intern("INPUT"), .handle = 7 };
	record_writer_sink.obs(w, &o);
	record_writer_sink.end(w, START + 2 * SEC);
	assert_int_equal(record_writer_close(w), 0);
	assert_int_equal(read_one(path, &seen, NULL), 0);
	assert_int_equal(seen.obs, 8);
}

/* A piece that says it is 64 KiB and inflates to more is no piece. */
static void bomb(void **state)
{
	struct record_header header = { .version = RECORD_VERSION };
	struct piece_packer *packer = piece_packer_new();
	uint8_t *zeros = calloc(1, PIECE_RAW_MAX), *file = malloc(1 << 20);
	struct piece_header piece;
	const uint8_t *packed;
	int len = piece_pack(packer, true, 0, zeros, PIECE_RAW_MAX, &packed);
	struct piece_reader *r;
	struct piece_found found;

	assert_true(len > 0 && len < 2000);
	record_header_put(file, &header);
	memcpy(file + RECORD_HEADER_LEN, packed, (size_t)len);
	assert_int_equal(piece_header_get(packed, &piece), 0);
	piece.raw_len = 1000;
	piece_header_put(file + RECORD_HEADER_LEN, &piece);
	spill(path, file, RECORD_HEADER_LEN + (size_t)len);
	assert_int_equal(piece_reader_open(&r, path), 0);
	assert_int_equal(piece_reader_next(r, &found), 0);
	assert_true(found.damaged);
	assert_int_equal(found.bytes, len);
	piece_reader_close(r);
	piece.raw_len = PIECE_RAW_MAX + 1;
	piece_header_put(file, &piece);
	assert_int_equal(piece_header_get(file, &piece), -EBADMSG);
	piece_packer_free(packer);
	free(zeros);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(comes_back, clear),
		cmocka_unit_test_teardown(cut_anywhere, clear),
		cmocka_unit_test_teardown(flip_anywhere, clear),
		cmocka_unit_test_teardown(goes_on_behind_damage, clear),
		cmocka_unit_test_teardown(killed, clear),
		cmocka_unit_test_teardown(rule_without_name, clear),
		cmocka_unit_test_teardown(bomb, clear),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
