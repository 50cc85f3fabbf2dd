// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recordings: what is written is read again, what is missing is told, and nothing does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/format.h"
#include "record/piece.h"
#include "record/record_read.h"
#include "record/record_write.h"
#include "record/segment.h"
#include "stream/names.h"

#define SEC UINT64_C(1000000000)
#define START (100 * SEC)

/* What came out of a recording. */
struct seen {
	unsigned starts, ticks, ends, gaps_told;
	uint64_t obs, lost, hash;
	uint64_t start_ns, end_ns;
	struct obs last;
};

static char folder[64], path[128];

static void mix(struct seen *s, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		s->hash = (s->hash ^ bytes[i]) * UINT64_C(1099511628211);
}

static void on_start(void *ctx, const struct stream_start *start)
{
	struct seen *s = ctx;

	s->starts++;
	s->start_ns = start->time_ns;
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct seen *s = ctx;

	s->obs++;
	s->last = *o;
	mix(s, &o->time_ns, sizeof(o->time_ns));
	mix(s, &o->flow_id, sizeof(o->flow_id));
	mix(s, &o->tuple, sizeof(o->tuple));
	mix(s, &o->packet, sizeof(o->packet));
	mix(s, o->payload, o->payload_len);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct seen *s = ctx;

	s->lost += count;
	s->gaps_told += !count;
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	struct seen *s = ctx;

	s->ticks++;
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct seen *s = ctx;

	s->ends++;
	s->end_ns = now_ns;
}

static const struct stream_sink sink = { on_start, on_obs, on_lost, on_tick, on_end };

/* Reads PATHS and returns the status; *KEEP (may be NULL) is the reader, to be closed. */
static int read_paths(const char *const *paths, size_t n, struct seen *seen,
		      struct record_reader **keep)
{
	struct record_reader *r;
	int status = record_reader_open(&r, paths, n);

	memset(seen, 0, sizeof(*seen));
	if (!status)
		status = record_reader_run(r, &sink, seen, NULL);
	if (keep && !status)
		*keep = r;
	else
		record_reader_close(r);
	return status;
}

static int read_one(const char *file, struct seen *seen, struct record_reader **keep)
{
	return read_paths(&file, 1, seen, keep);
}

/* Observation I of a run: as different from the others as real ones are. */
static struct obs make(unsigned i)
{
	static uint8_t payload[128];
	struct obs o = { .time_ns = START + i * 1000000ull, .point = HCT_POINT_TC_INGRESS };
	uint32_t flow = i / 8;

	o.flow_id = START + flow * 8000000ull;
	o.flow_seq = i % 8;
	memset(o.tuple.lb, 1, 16);
	memset(o.tuple.target, 2, 16);
	o.tuple.lb_port = htons((uint16_t)(1024 + flow * 7919));
	o.tuple.target_port = htons(80);
	o.tuple.protocol = IPPROTO_TCP;
	o.reply = i % 2;
	o.netns = 4026531840u;
	strcpy(o.device, "eth0");
	o.packet.seq = flow * 2654435761u + i;
	o.packet.ack = o.reply ? flow * 2654435761u + 1 : 0;
	o.packet.tcp_flags = HCT_TCP_ACK;
	if (i % 8 == 3) {
		o.point = HCT_POINT_DROP;
		o.reason = names_intern("NETFILTER_DROP");
		o.stack[0] = names_intern("nf_hook_slow");
		o.stack[1] = names_intern("ip_local_deliver");
		o.stack_len = 2;
	}
	if (i % 4 == 1) {
		uint64_t random = i;

		for (size_t n = 0; n < sizeof(payload); n++) {
			random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			payload[n] = (uint8_t)(random >> 56);
		}
		o.payload = payload;
		o.payload_len = sizeof(payload);
		o.has_process = true;
		o.pid = 4711;
		strcpy(o.comm, "nginx");
	}
	return o;
}

static struct settings *options(void)
{
	static struct settings s;
	char *argv[] = { "hctrace", "--port", "80", NULL };

	assert_int_equal(options_parse(&s, 3, argv), -1);
	return &s;
}

static struct record_writer *start_run(uint64_t max_size)
{
	struct stream_start start = { .kernel = "6.1.0", .time_ns = START, .netns_name = "" };
	struct record_writer *w;
	int err = 0;

	w = record_writer_open(path, options(), max_size, &err);
	assert_non_null(w);
	record_writer_state(w, false, START, "routes", "default via 192.168.0.1 dev eth0\n");
	record_writer_sink.start(w, &start);
	return w;
}

/* Records observations FROM to TO; returns the hash over them. */
static uint64_t record(struct record_writer *w, unsigned from, unsigned to)
{
	struct seen seen = { 0 };

	for (unsigned i = from; i < to; i++) {
		struct obs o = make(i);

		on_obs(&seen, &o);
		record_writer_sink.obs(w, &o);
		if (i % 8 == 7)
			record_writer_sink.tick(w, o.time_ns + 1);
	}
	return seen.hash;
}

static void make_recording(unsigned n)
{
	struct record_writer *w = start_run(0);

	record(w, 0, n);
	record_writer_sink.lost(w, HCT_POINT_DROP, 3, START + 5000 * SEC);
	record_writer_sink.end(w, START + 5000 * SEC);
	assert_int_equal(record_writer_close(w), 0);
}

/* The file at NAME as a whole; free() it. */
static uint8_t *slurp(const char *name, size_t *len)
{
	FILE *in = fopen(name, "re");
	struct stat st;
	uint8_t *data;

	assert_non_null(in);
	assert_int_equal(fstat(fileno(in), &st), 0);
	*len = (size_t)st.st_size;
	data = malloc(*len + 1);
	assert_int_equal(fread(data, 1, *len, in), *len);
	fclose(in);
	return data;
}

static void spill(const char *name, const void *data, size_t len)
{
	FILE *out = fopen(name, "we");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, len, out), len);
	fclose(out);
}

/* Sends what is said on stderr, which these tests provoke, nowhere. */
static int hush(void)
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	fflush(stderr);
	dup2(null, STDERR_FILENO);
	close(null);
	return saved;
}

static void unhush(int saved)
{
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

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

static void remove_segments(void)
{
	for (unsigned i = 0; i < RECORD_SEGMENTS + 1; i++) {
		char *name = segment_path(path, i);

		unlink(name);
		free(name);
	}
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

static int set_up(void **state)
{
	strcpy(folder, "/tmp/hctrace-record-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/run.hct", folder);
	return 0;
}

static int clear(void **state)
{
	remove_segments();
	return 0;
}

static int tear_down(void **state)
{
	remove_segments();
	names_free();
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(comes_back, clear),
		cmocka_unit_test_teardown(cut_anywhere, clear),
		cmocka_unit_test_teardown(flip_anywhere, clear),
		cmocka_unit_test_teardown(goes_on_behind_damage, clear),
		cmocka_unit_test_teardown(killed, clear),
		cmocka_unit_test_teardown(disk_full, clear),
		cmocka_unit_test_teardown(rotates, clear),
		cmocka_unit_test_teardown(odd_segments, clear),
		cmocka_unit_test_teardown(no_recordings, clear),
		cmocka_unit_test_teardown(cannot_write, clear),
		cmocka_unit_test_teardown(restarts, clear),
		cmocka_unit_test_teardown(rule_without_name, clear),
		cmocka_unit_test_teardown(bomb, clear),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
