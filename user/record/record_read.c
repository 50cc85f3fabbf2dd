// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a recording: all segments of a run, in order. */
#include "record_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gaps.h"
#include "obs_code.h"
#include "obs_wire.h"
#include "piece.h"
#include "record_files.h"
#include "segment.h"
#include "stream/line_read.h"

/* Why what comes next does not follow on what came before. */
struct break_found {
	bool damaged;
	uint64_t bytes;
	char why[128];
	uint64_t missing; /* records that the chunk counts and that did not come */
	uint64_t disk_missing; /* of those, that could not be written … */
	int disk_err; /* … and why */
};

struct record_reader {
	struct record_files files;
	const char *paths[MAX_RECORD_FILES];
	size_t next_file;
	uint64_t bytes_before; /* of the files that are done */
	uint64_t bytes;
	struct piece_reader *pieces; /* of the file at hand */
	struct cursor in; /* of the piece at hand */
	struct break_found found; /* not told yet */
	bool has_options, running;
	struct line_reader *lines;
	struct obs_decoder *decoder;
	uint64_t records; /* of the run so far, those that are missing included */
	uint64_t last_ns;
	uint64_t unknown; /* observations of points that have no name here */
	bool first_chunk; /* none was read yet */
	struct gaps *gaps;
	struct host_states *states;
	struct recording_info info;
	const struct stream_sink *sink;
	void *ctx;
	bool (*progress)(void *ctx, uint64_t done, uint64_t bytes);
	char line[RECORD_LINE_MAX];
};

bool record_is(const char *path)
{
	struct record_header header;
	int err = segment_header(path, &header);

	return !err || err == -EPROTONOSUPPORT || err == -EIO;
}

static const char *current(const struct record_reader *r)
{
	return r->files.f[r->next_file ? r->next_file - 1 : 0].path;
}

/* ---- what is missing ---- */

static void damaged(struct record_reader *r, uint64_t bytes, const char *format, uint64_t at)
{
	if (!r->found.damaged)
		snprintf(r->found.why, sizeof(r->found.why), format, at);
	r->found.damaged = true;
	r->found.bytes += bytes;
}

static void add_gap(struct record_reader *r, uint64_t to_ns, uint64_t records, uint64_t bytes,
		    const char *why)
{
	struct recording_gap gap = {
		.file = current(r),
		.from_ns = r->last_ns,
		.to_ns = to_ns,
		.records = records,
		.bytes = bytes,
		.why = why,
	};

	gaps_add(r->gaps, &gap);
}

/* Time goes on at NOW_NS: what was found on the way there. */
static void tell_break(struct record_reader *r, uint64_t now_ns)
{
	struct break_found *f = &r->found;
	uint64_t on_disk = f->disk_missing < f->missing ? f->disk_missing : f->missing;
	char why[160];

	if (!f->damaged && !f->missing)
		return;
	if (on_disk) {
		snprintf(why, sizeof(why), "could not be written: %s", strerror(f->disk_err));
		add_gap(r, now_ns, on_disk, 0, why);
	}
	if (f->damaged || f->missing > on_disk)
		add_gap(r, now_ns, f->missing - on_disk, f->bytes,
			f->damaged ? f->why : "a part of the recording is missing");
	memset(f, 0, sizeof(*f));
	if (!r->running || !line_reader_start(r->lines))
		return;
	line_reader_break(r->lines);
	for (int point = 0; point < HCT_POINT_COUNT; point++)
		r->sink->lost(r->ctx, point, 0, now_ns);
}

/* ---- records ---- */

static int take_chunk(struct record_reader *r)
{
	uint64_t records = take_varint(&r->in), time_ns = take_varint(&r->in);
	uint64_t unwritten = take_varint(&r->in), err = take_varint(&r->in);

	if (r->in.bad || time_ns > INT64_MAX || err > 4095)
		return -EBADMSG;
	/* a copy of what was read before */
	if (!r->first_chunk && records < r->records)
		return -EBADMSG;
	obs_decoder_start(r->decoder, time_ns);
	if (r->first_chunk) {
		r->first_chunk = false;
		if (records)
			line_reader_start_late(r->lines, time_ns);
		r->info.has_start = !records;
		/* what rotation dropped is no gap */
		if (r->files.f[0].header.segment)
			r->records = records;
		r->last_ns = time_ns;
		r->info.start_ns = time_ns;
	}
	r->found.missing = records - r->records;
	r->found.disk_missing = unwritten;
	r->found.disk_err = (int)err;
	r->records = records;
	tell_break(r, time_ns);
	return 0;
}

static char *take_line_text(struct record_reader *r)
{
	size_t len;
	const uint8_t *data = take_string(&r->in, &len);

	if (r->in.bad || len >= sizeof(r->line) || memchr(data, '\0', len))
		return NULL;
	memcpy(r->line, data, len);
	r->line[len] = '\0';
	return r->line;
}

/* What is known before the first event; each chunk has it. */
static int take_head(struct record_reader *r)
{
	char *line = take_line_text(r);
	bool options = line && strncmp(line, "options", 7) == 0;

	if (!line)
		return -EBADMSG;
	if (options && r->has_options)
		return 0;
	if (options) {
		r->has_options = true;
		return line_reader_options(r->lines, line + 7);
	}
	/* what a chunk repeats is no news, but for news of points: line_read.c knows which */
	if (line_reader_start(r->lines) && strncmp(line, "points ", 7) != 0 &&
	    (strncmp(line, "run ", 4) != 0 || !line_reader_start_waits(r->lines)))
		return 0;
	return line_reader_take(r->lines, line);
}

static int take_line(struct record_reader *r)
{
	char *line = take_line_text(r);

	r->records++;
	/* these have records of their own; as lines they would bring names without limit */
	if (!line || strncmp(line, "obs", 3) == 0 || strncmp(line, "point", 5) == 0 ||
	    strncmp(line, "start", 5) == 0 || strncmp(line, "run ", 4) == 0)
		return -EBADMSG;
	return line_reader_take(r->lines, line);
}

static int take_tick(struct record_reader *r)
{
	uint64_t now_ns;

	r->records++;
	if (obs_decode_tick(r->decoder, &r->in, &now_ns))
		return -EBADMSG;
	r->last_ns = now_ns;
	return line_reader_tick(r->lines, now_ns);
}

static int take_obs(struct record_reader *r, uint8_t tag)
{
	uint8_t *payload;
	struct obs *o = line_reader_obs(r->lines, &payload);
	bool known;

	r->records++;
	if (!o)
		return -EBADMSG;
	if (obs_decode(r->decoder, &r->in, tag, o, payload, &known)) {
		line_reader_drop(r->lines);
		return -EBADMSG;
	}
	r->last_ns = o->time_ns;
	if (!known) {
		r->unknown++;
		line_reader_drop(r->lines);
	}
	return 0;
}

static int take_record(struct record_reader *r)
{
	uint8_t tag = take_byte(&r->in);

	if (tag & OBS_TAG)
		return take_obs(r, tag);
	switch (tag) {
	case RECORD_CHUNK:
		return take_chunk(r);
	case RECORD_FIELDS:
		return obs_decode_fields(r->decoder, &r->in);
	case RECORD_HEAD:
		return take_head(r);
	case RECORD_LINE:
		return take_line(r);
	case RECORD_TICK:
		return take_tick(r);
	case RECORD_STRING:
		return obs_decode_string(r->decoder, &r->in);
	case RECORD_STATE:
	case RECORD_STATE_MORE:
		return host_states_take(r->states, &r->in, tag == RECORD_STATE_MORE);
	default:
		return -EBADMSG;
	}
}

/* ---- pieces and files ---- */

/* 1, or 0 when there is none. */
static int next_file(struct record_reader *r)
{
	const struct record_file *file;
	int err;

	while (!r->pieces) {
		if (r->next_file == r->files.n)
			return 0;
		file = &r->files.f[r->next_file++];
		err = piece_reader_open(&r->pieces, file->path);
		if (err) {
			fprintf(stderr, "hctrace: cannot read %s: %s\n", file->path, strerror(-err));
			damaged(r, file->size, "a file cannot be read", 0);
		} else if (file->damaged_header) {
			damaged(r, RECORD_HEADER_LEN, "damaged at its beginning", 0);
		}
	}
	return 1;
}

static void end_file(struct record_reader *r)
{
	r->bytes_before += piece_reader_size(r->pieces);
	piece_reader_close(r->pieces);
	r->pieces = NULL;
}

/* The next piece of any file: 1, or 0 when there is none. */
static int next_piece(struct record_reader *r)
{
	struct piece_found found;
	int got;

	while (next_file(r)) {
		got = piece_reader_next(r->pieces, &found);
		if (found.damaged)
			damaged(r, found.bytes, found.cut_off ? "cut off at byte %" PRIu64
							      : "damaged at byte %" PRIu64, found.at);
		if (r->progress &&
		    !r->progress(r->ctx, r->bytes_before + piece_reader_position(r->pieces), r->bytes))
			return 0;
		if (got == 1) {
			r->in = (struct cursor){ found.raw, found.raw + found.len, false };
			/* a chunk begins with its own record, and only there */
			if (found.starts_chunk == (*found.raw == RECORD_CHUNK))
				return 1;
			damaged(r, found.len, "makes no sense at byte %" PRIu64, found.at);
			piece_reader_skip_chunk(r->pieces);
			continue;
		}
		if (got < 0) {
			fprintf(stderr, "hctrace: cannot read %s on: %s\n", current(r), strerror(-got));
			damaged(r, 0, "cannot be read from byte %" PRIu64, found.at);
		}
		end_file(r);
	}
	return 0;
}

/* One record.  0 at the end of the recording. */
static int step(struct record_reader *r)
{
	uint64_t at;

	while (r->in.at == r->in.end)
		if (!next_piece(r))
			return 0;
	if (take_record(r) == 0 && !r->in.bad)
		return 1;
	at = piece_reader_position(r->pieces);
	damaged(r, (uint64_t)(r->in.end - r->in.at), "makes no sense before byte %" PRIu64, at);
	r->in.at = r->in.end;
	piece_reader_skip_chunk(r->pieces);
	return 1;
}

/* ---- the reader ---- */

static int alloc_all(struct record_reader *r)
{
	r->lines = line_reader_new();
	r->decoder = obs_decoder_new();
	r->gaps = gaps_new();
	r->states = host_states_new();
	return r->lines && r->decoder && r->gaps && r->states ? 0 : -ENOMEM;
}

int record_reader_open(struct record_reader **out, const char *const *paths, size_t n)
{
	struct record_reader *r = calloc(1, sizeof(*r));
	int status;

	*out = NULL;
	if (!r || alloc_all(r)) {
		fprintf(stderr, "hctrace: %s: out of memory\n", paths[0]);
		record_reader_close(r);
		return EXIT_USAGE;
	}
	r->first_chunk = true;
	status = record_files_find(&r->files, paths, n);
	if (status) {
		record_reader_close(r);
		return status;
	}
	for (size_t i = 0; i < r->files.n; i++) {
		r->paths[i] = r->files.f[i].path;
		r->bytes += r->files.f[i].size;
	}
	r->info.files = r->paths;
	r->info.n_files = r->files.n;
	while (!r->has_options && step(r))
		continue;
	if (!r->has_options || r->found.damaged) {
		fprintf(stderr, "hctrace: %s: nothing of the recording can be read\n", paths[0]);
		record_reader_close(r);
		return EXIT_USAGE;
	}
	*out = r;
	return 0;
}

void record_reader_close(struct record_reader *r)
{
	if (!r)
		return;
	piece_reader_close(r->pieces);
	host_states_free(r->states);
	gaps_free(r->gaps);
	obs_decoder_free(r->decoder);
	line_reader_free(r->lines);
	record_files_free(&r->files);
	free(r);
}

const struct settings *record_reader_settings(const struct record_reader *r)
{
	return line_reader_settings(r->lines);
}

const struct host *record_reader_host(const struct record_reader *r)
{
	return line_reader_host(r->lines);
}

const struct answer *record_reader_answers(const struct record_reader *r, size_t *n)
{
	return line_reader_answers(r->lines, n);
}

const struct recording_info *record_reader_info(const struct record_reader *r)
{
	return &r->info;
}

static void complete_info(struct record_reader *r)
{
	const struct stream_start *start = line_reader_start(r->lines);
	char why[96];

	if (r->found.damaged)
		add_gap(r, 0, 0, r->found.bytes, r->found.why);
	if (r->unknown) {
		snprintf(why, sizeof(why), "of points that a later version of hctrace has");
		add_gap(r, r->last_ns, r->unknown, 0, why);
	}
	if (r->info.has_start)
		r->info.start_ns = start->time_ns;
	r->info.end_ns = r->last_ns;
	r->info.wall_offset_ns = start->wall_offset_ns;
	r->info.has_end = line_reader_ended(r->lines);
	gaps_info(r->gaps, &r->info);
	host_states_info(r->states, &r->info);
}

int record_reader_run(struct record_reader *r, const struct stream_sink *sink, void *ctx,
		      bool (*progress)(void *ctx, uint64_t done, uint64_t bytes))
{
	r->sink = sink;
	r->ctx = ctx;
	r->progress = progress;
	r->running = true;
	line_reader_to(r->lines, sink, ctx);
	while (step(r))
		continue;
	if (!line_reader_start(r->lines)) {
		fprintf(stderr, "hctrace: %s: nothing of the recording can be read\n",
			r->files.f[0].path);
		return EXIT_USAGE;
	}
	complete_info(r);
	if (line_reader_flush(r->lines))
		line_reader_break(r->lines);
	if (!r->info.has_end)
		sink->end(ctx, r->last_ns);
	return 0;
}
