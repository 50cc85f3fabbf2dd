// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Writes a run as a recording. */
#include "record_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "obs_code.h"
#include "piece.h"
#include "point_updates.h"
#include "segment.h"
#include "state_records.h"
#include "store.h"
#include "stream/case_text.h"
#include "stream/case_write.h"

#define PIECE_RAW 65536 /* a piece is written when it has become so large … */
#define PIECE_AGE_NS UINT64_C(1000000000) /* … or so old */
#define CHUNK_BYTES 65536 /* damage costs so much at most; what a chunk starts with is 1 % */

struct record_writer {
	char *path;
	uint64_t segment_max; /* bytes; 0: no limit */
	struct record_header header;
	struct segment segment;
	bool rotate; /* before the next piece */
	uint64_t older[RECORD_SEGMENTS - 1]; /* sizes of the segments before it, the last one first */
	struct case_writer *text; /* writes lines, which come back to take_text() */
	FILE *text_out;
	struct store line; /* not complete yet */
	struct store head; /* records that each chunk starts with */
	struct point_updates updates; /* of points, since; each chunk has them, too */
	struct store states; /* records that each segment starts with */
	size_t states_max;
	bool states_written; /* to this segment */
	unsigned states_times; /* that they were */
	struct obs_encoder *encoder;
	struct piece_packer *packer;
	bool in_chunk, starts_chunk; /* the piece being filled is a chunk's first */
	uint64_t chunk_bytes;
	struct bytes raw; /* the piece being filled */
	uint64_t raw_ns; /* when its first record came */
	uint64_t raw_records;
	uint64_t records; /* of the run, those that are missing included */
	uint64_t last_ns;
	int err; /* of the last piece */
	uint64_t lost;
	uint64_t untold; /* lost records that the recording does not tell of yet */
	int untold_err; /* why */
};

/* ---- pieces ---- */

static int next_segment(struct record_writer *w)
{
	int err = 0;

	if (w->rotate) {
		segment_close(&w->segment);
		err = segments_rotate(w->path);
		if (err)
			return err;
		w->rotate = false;
		w->header.segment++;
		memmove(w->older + 1, w->older, sizeof(w->older) - sizeof(w->older[0]));
		w->older[0] = w->segment.size;
	}
	return w->segment.fd < 0 ? segment_create(&w->segment, w->path, &w->header) : 0;
}

static int write_piece(struct record_writer *w)
{
	const uint8_t *data;
	int len, err = next_segment(w);

	if (err)
		return err;
	len = piece_pack(w->packer, w->starts_chunk, w->segment.pieces, w->raw.data, w->raw.len,
			 &data);
	if (len < 0)
		return len;
	w->chunk_bytes += (uint64_t)len;
	return segment_append(&w->segment, data, (size_t)len);
}

static void count_lost(struct record_writer *w, uint64_t n, int err)
{
	w->lost += n;
	w->untold += n;
	w->untold_err = -err;
}

/* Writes the piece that is being filled. */
static void flush(struct record_writer *w)
{
	if (!w->raw.len)
		return;
	w->err = write_piece(w);
	if (w->err) {
		count_lost(w, w->raw_records, w->err);
		w->in_chunk = false;
	} else if (w->starts_chunk) {
		w->untold = 0;
	}
	w->raw.len = 0;
	w->raw_records = 0;
	w->starts_chunk = false;
	if (w->err && !w->segment.pieces)
		w->states_written = false;
}

/* The sections of the host's state, which may fill several pieces. */
static void put_states(struct record_writer *w)
{
	struct cursor in = { w->states.data, w->states.data + w->states.len, false };

	w->states_written = true;
	w->states_times++;
	while (in.at < in.end && w->in_chunk) {
		uint64_t len = take_varint(&in);

		put_data(&w->raw, take_data(&in, (size_t)len), (size_t)len);
		if (w->raw.len > PIECE_RAW)
			flush(w);
	}
	w->states_written = w->err == 0;
}

/* What makes a chunk readable by itself.  TIME_NS: of its first record. */
static void start_chunk(struct record_writer *w, uint64_t time_ns)
{
	flush(w);
	w->in_chunk = w->starts_chunk = true;
	w->chunk_bytes = 0;
	w->raw_ns = time_ns;
	put_byte(&w->raw, RECORD_CHUNK);
	put_varint(&w->raw, w->records);
	put_varint(&w->raw, time_ns);
	put_varint(&w->raw, w->untold);
	put_varint(&w->raw, w->untold ? (uint64_t)w->untold_err : 0);
	obs_encoder_start(w->encoder, &w->raw, time_ns);
	put_data(&w->raw, w->head.data, w->head.len);
	point_updates_put(&w->updates, &w->raw);
	if (!w->states_written)
		put_states(w);
}

/* Ends the chunk, and the segment, when it is time for the next. */
static void end_chunk(struct record_writer *w)
{
	if (w->raw.len && (w->raw.len > PIECE_RAW || obs_encoder_full(w->encoder)))
		flush(w);
	if (w->raw.len)
		return;
	if (w->segment_max && w->segment.pieces &&
	    w->segment.size + PIECE_HEADER_LEN + PIECE_LEN_MAX > w->segment_max) {
		w->rotate = true;
		w->states_written = false;
		w->in_chunk = false;
	}
	if (w->chunk_bytes > CHUNK_BYTES || obs_encoder_full(w->encoder))
		w->in_chunk = false;
}

/* Makes room for a record of TIME_NS.  False: it cannot be had, the record is lost. */
static bool begin(struct record_writer *w, uint64_t time_ns)
{
	if (w->raw.len && time_ns >= w->raw_ns + PIECE_AGE_NS)
		flush(w);
	end_chunk(w);
	w->last_ns = time_ns;
	if (!w->in_chunk)
		start_chunk(w, time_ns);
	if (!w->raw.len)
		w->raw_ns = time_ns;
	w->records++;
	if (w->in_chunk) {
		w->raw_records++;
		return true;
	}
	count_lost(w, 1, w->err);
	return false;
}

/* ---- lines ---- */

/* The time of "start t=…", as the words come when a case file is taken over. */
static uint64_t start_time(const char *line)
{
	char value[32];
	int64_t ns;

	if (sscanf(line, "start t=%31[0-9.]", value) != 1 || text_get_time(value, &ns))
		return 0;
	return (uint64_t)ns;
}

/*
 * News of points.  It is a head's record, which the reader does not count and 0.1
 * skips; the chunk that it may begin must not have it among its own already.
 */
static void take_points(struct record_writer *w, const char *line, size_t len)
{
	if (begin(w, w->last_ns)) {
		put_byte(&w->raw, RECORD_HEAD);
		put_varint(&w->raw, len);
		put_data(&w->raw, line, len);
		w->raw_records--;
	}
	w->records--;
	if (point_updates_take(&w->updates, line, len))
		w->err = -ENOMEM;
}

static void take_line(struct record_writer *w, const char *line, size_t len)
{
	bool is_start = strncmp(line, "start ", 6) == 0;
	bool is_head = is_start || strncmp(line, "options", 7) == 0 ||
		       strncmp(line, "point ", 6) == 0 || strncmp(line, "run ", 4) == 0;
	uint8_t prefix[1 + VARINT_MAX];
	struct bytes b = { .data = prefix, .room = sizeof(prefix) };

	if (!len || *line == '#' || strncmp(line, "hctrace-case ", 13) == 0)
		return;
	if (len >= RECORD_LINE_MAX) {
		w->records++;
		count_lost(w, 1, -EMSGSIZE);
		return;
	}
	if (strncmp(line, "points ", 7) == 0) {
		take_points(w, line, len);
		return;
	}
	put_byte(&b, is_head ? RECORD_HEAD : RECORD_LINE);
	put_varint(&b, len);
	if (is_head) {
		if (store_add(&w->head, prefix, b.len) || store_add(&w->head, line, len))
			w->err = -ENOMEM;
		if (is_start)
			w->last_ns = start_time(line);
		return;
	}
	if (!begin(w, w->last_ns))
		return;
	put_data(&w->raw, prefix, b.len);
	put_data(&w->raw, line, len);
}

/* What the case writer wrote. */
static ssize_t take_text(void *cookie, const char *data, size_t size)
{
	struct record_writer *w = cookie;
	const char *end;

	for (size_t left = size; left; left -= (size_t)(end - data) + 1, data = end + 1) {
		end = memchr(data, '\n', left);
		if (store_add(&w->line, data, end ? (size_t)(end - data) : left))
			w->err = -ENOMEM;
		if (!end)
			break;
		take_line(w, w->line.data ? (char *)w->line.data : "", w->line.len);
		w->line.len = 0;
	}
	return (ssize_t)size;
}

static void drain(struct record_writer *w)
{
	fflush(w->text_out);
}

void record_writer_line(struct record_writer *w, const char *line)
{
	fprintf(w->text_out, "%s\n", line);
	drain(w);
}

void record_writer_answer(struct record_writer *w, const struct answer *a)
{
	case_put_answer(w->text_out, a);
	drain(w);
}

void record_writer_missing(struct record_writer *w, uint64_t n)
{
	drain(w);
	if (!w->records && !w->segment.pieces) {
		/* they were in segments before this one */
		segment_close(&w->segment);
		w->header.segment = 1;
		w->records = n;
		return;
	}
	flush(w);
	w->records += n;
	start_chunk(w, w->last_ns);
	flush(w);
}

/* ---- the host's state ---- */

/* Puts the records of RECORDS behind FROM, which are the host's state at the run's start or end. */
static void put_state(struct record_writer *w, const struct store *records, size_t from,
		      bool at_end)
{
	struct cursor in = { records->data + from, records->data + records->len, false };
	unsigned times = w->states_times;

	while (in.at < in.end) {
		uint64_t len = take_varint(&in);
		const uint8_t *data = take_data(&in, (size_t)len);

		drain(w);
		if (!begin(w, w->last_ns))
			return;
		/* it is no part of the stream, so the reader does not count it */
		w->records--;
		w->raw_records--;
		if (!at_end && w->states_times != times)
			return; /* the segment is a new one, and begins with them */
		put_data(&w->raw, data, (size_t)len);
	}
}

void record_writer_state(struct record_writer *w, bool at_end, uint64_t time_ns, const char *name,
			 const char *text)
{
	struct store end = { NULL };
	struct store *records = at_end ? &end : &w->states;
	size_t from = records->len, most = RECORD_STATE_MAX;

	if (!at_end && w->states_max - from < most)
		most = w->states_max > from ? w->states_max - from : 0;
	if (state_records_add(records, at_end, time_ns, name, text, most))
		w->err = -ENOMEM;
	else if (at_end || w->states_written)
		put_state(w, records, from, at_end);
	free(end.data);
}

/* ---- the stream ---- */

static void on_start(void *ctx, const struct stream_start *start)
{
	struct record_writer *w = ctx;

	w->last_ns = start->time_ns;
	case_writer_sink.start(w->text, start);
	drain(w);
	/* whether the disk takes it should be known at once */
	start_chunk(w, start->time_ns);
	flush(w);
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct record_writer *w = ctx;

	drain(w);
	if (begin(w, o->time_ns))
		obs_encode(w->encoder, &w->raw, o);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct record_writer *w = ctx;

	case_writer_sink.lost(w->text, point, count, time_ns);
	drain(w);
}

static void on_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct record_writer *w = ctx;

	w->last_ns = time_ns;
	case_writer_sink.points(w->text, changed, n, time_ns);
	drain(w);
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	struct record_writer *w = ctx;

	drain(w);
	if (begin(w, now_ns))
		obs_encode_tick(w->encoder, &w->raw, now_ns);
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct record_writer *w = ctx;

	case_writer_sink.end(w->text, now_ns);
	drain(w);
}

const struct stream_sink record_writer_sink = {
	.start = on_start,
	.obs = on_obs,
	.lost = on_lost,
	.tick = on_tick,
	.end = on_end,
	.points = on_points,
};

struct host *record_writer_host(struct record_writer *w, const struct host *real)
{
	return case_writer_host(w->text, real);
}

void record_writer_flush(struct record_writer *w, uint64_t now_ns)
{
	drain(w);
	if (w->raw.len && now_ns >= w->raw_ns + PIECE_AGE_NS)
		flush(w);
}

int record_writer_error(const struct record_writer *w)
{
	return w->err;
}

uint64_t record_writer_lost(const struct record_writer *w)
{
	return w->lost;
}

uint64_t record_writer_size(const struct record_writer *w)
{
	uint64_t size = w->segment.size;

	for (size_t i = 0; i < RECORD_SEGMENTS - 1; i++)
		size += w->older[i];
	return size;
}

/* ---- opening and closing ---- */

static void free_writer(struct record_writer *w)
{
	if (w->text)
		case_writer_close(w->text); /* closes text_out */
	else if (w->text_out)
		fclose(w->text_out);
	segment_close(&w->segment);
	obs_encoder_free(w->encoder);
	piece_packer_free(w->packer);
	free(w->raw.data);
	free(w->line.data);
	free(w->head.data);
	free(w->states.data);
	point_updates_free(&w->updates);
	free(w->path);
	free(w);
}

static int open_text(struct record_writer *w, const struct settings *settings)
{
	w->text_out = fopencookie(w, "w", (cookie_io_functions_t){ .write = take_text });
	if (!w->text_out)
		return -ENOMEM;
	if (!settings)
		return 0;
	w->text = case_writer_on(w->text_out, settings);
	if (!w->text) {
		fclose(w->text_out);
		w->text_out = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int open_all(struct record_writer *w, const char *path, const struct settings *settings)
{
	struct record_header there;
	int err;

	w->path = strdup(path);
	w->encoder = obs_encoder_new();
	w->packer = piece_packer_new();
	w->raw.room = PIECE_RAW_MAX;
	w->raw.data = malloc(w->raw.room);
	if (!w->path || !w->encoder || !w->packer || !w->raw.data)
		return -ENOMEM;
	if (getrandom(w->header.run, sizeof(w->header.run), 0) != sizeof(w->header.run))
		return -errno;
	/* with a limit it is a flight recorder, which keeps what an earlier run wrote */
	if (w->segment_max && segment_header(path, &there) == 0) {
		err = segments_rotate(path);
		if (err)
			return err;
	}
	err = segment_create(&w->segment, path, &w->header);
	return err ? err : open_text(w, settings);
}

struct record_writer *record_writer_open(const char *path, const struct settings *settings,
					 uint64_t max_size, int *err)
{
	struct record_writer *w = calloc(1, sizeof(*w));

	if (!w) {
		*err = -ENOMEM;
		return NULL;
	}
	w->segment.fd = -1;
	w->header.version = RECORD_VERSION;
	w->segment_max = max_size / RECORD_SEGMENTS;
	w->states_max = RECORD_SIZE_MIN;
	if (w->segment_max && w->segment_max / 4 < w->states_max)
		w->states_max = (size_t)w->segment_max / 4;
	*err = open_all(w, path, settings);
	if (!*err)
		return w;
	free_writer(w);
	return NULL;
}

uint64_t record_writer_close(struct record_writer *w)
{
	uint64_t lost;

	if (!w)
		return 0;
	drain(w);
	flush(w);
	if (w->untold) {
		start_chunk(w, w->last_ns);
		flush(w);
	}
	lost = w->lost;
	free_writer(w);
	return lost;
}
