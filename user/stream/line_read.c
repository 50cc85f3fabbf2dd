// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Takes the records of a run, one after the other, and sends the stream that they are. */
#include "line_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_obs.h"
#include "case_points.h"
#include "case_text.h"
#include "host_replay.h"
#include "names.h"
#include "points.h"

#define MAX_ARGS 64
#define MAX_POINTS 256

enum record_kind {
	RECORD_NONE,
	RECORD_START,
	RECORD_OBS,
	RECORD_LOST,
	RECORD_TICK,
	RECORD_END,
	RECORD_POINTS,
};

/* What one record said; it is delivered when the answers behind it are known. */
struct record {
	enum record_kind kind;
	uint64_t time_ns;
	uint64_t count; /* lost */
	enum hct_point point; /* lost */
	struct obs obs;
	uint8_t payload[HCT_PAYLOAD_MAX];
	struct point_status points[HCT_POINT_COUNT]; /* changed ones */
	size_t n_points;
};

struct line_reader {
	const struct stream_sink *sink;
	void *ctx;
	char problem[160];
	struct settings settings;
	char *args[MAX_ARGS + 2];
	char arg_text[65536]; /* as long as a line */
	struct host_replay *host;
	struct answer answer; /* the last one, while its items come */
	bool has_answer;
	struct stream_start start;
	uint64_t late_ns; /* the start is sent as one at this time; 0: as it is */
	bool started, ended;
	struct point_status points[MAX_POINTS];
	uint64_t points_ns[HCT_POINT_COUNT]; /* when news of it came last */
	struct record record; /* not delivered yet */
};

static int fail(struct line_reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(struct line_reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->problem, sizeof(r->problem), format, args);
	va_end(args);
	return -EINVAL;
}

/* A word of the file in a message: not longer than a line, and nothing a terminal obeys. */
static const char *shown(char out[48], const char *word)
{
	size_t i;

	for (i = 0; word[i] && i < 47; i++)
		out[i] = word[i] > 0x20 && word[i] < 0x7f ? word[i] : '?';
	out[i] = '\0';
	return out;
}

struct line_reader *line_reader_new(void)
{
	struct line_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->host = host_replay_new();
	if (!r->host) {
		free(r);
		return NULL;
	}
	return r;
}

void line_reader_free(struct line_reader *r)
{
	if (!r)
		return;
	host_replay_free(r->host);
	free(r);
}

void line_reader_to(struct line_reader *r, const struct stream_sink *sink, void *ctx)
{
	r->sink = sink;
	r->ctx = ctx;
}

const char *line_reader_problem(const struct line_reader *r)
{
	return r->problem;
}

const struct settings *line_reader_settings(const struct line_reader *r)
{
	return &r->settings;
}

const struct host *line_reader_host(const struct line_reader *r)
{
	return host_replay_host(r->host);
}

const struct answer *line_reader_answers(const struct line_reader *r, size_t *n)
{
	return host_replay_answers(r->host, n);
}

const struct stream_start *line_reader_start(const struct line_reader *r)
{
	return r->started ? &r->start : NULL;
}

bool line_reader_start_waits(const struct line_reader *r)
{
	return r->record.kind == RECORD_START;
}

void line_reader_start_late(struct line_reader *r, uint64_t now_ns)
{
	r->late_ns = now_ns;
}

bool line_reader_ended(const struct line_reader *r)
{
	return r->ended;
}

/* An option can be printed with the message that refuses it. */
static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((uint8_t)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

int line_reader_options(struct line_reader *r, char *words)
{
	size_t used = 0;
	int n = 0;
	char *word;

	r->args[n++] = "hctrace";
	while ((word = text_word(&words))) {
		size_t room = sizeof(r->arg_text) - used;
		int len = room ? text_get(word, r->arg_text + used, room - 1) : -EINVAL;

		if (len < 0 || n > MAX_ARGS)
			return fail(r, "has options that are too long");
		r->arg_text[used + (size_t)len] = '\0';
		if (strlen(r->arg_text + used) != (size_t)len)
			return fail(r, "has a NUL byte in an option");
		if (!is_printable(r->arg_text + used))
			return fail(r, "has options that cannot be used");
		r->args[n++] = r->arg_text + used;
		used += (size_t)len + 1;
	}
	r->args[n] = NULL;
	if (options_parse(&r->settings, n, r->args) >= 0 ||
	    strcmp(r->settings.command, "live") != 0)
		return fail(r, "has options that cannot be used");
	return 0;
}

/* Sends the record at hand, with its answers ready, and makes room for the next. */
static void deliver(struct line_reader *r)
{
	struct record *record = &r->record;
	const struct stream_sink *sink = r->sink;
	void *ctx = r->ctx;
	struct stream_start start;

	switch (record->kind) {
	case RECORD_NONE:
		break;
	case RECORD_START:
		host_replay_netns(r->host, r->start.netns, r->start.netns_name);
		start = r->start;
		if (r->late_ns)
			start.time_ns = r->late_ns;
		sink->start(ctx, &start);
		break;
	case RECORD_OBS:
		sink->obs(ctx, &record->obs);
		break;
	case RECORD_LOST:
		sink->lost(ctx, record->point, record->count, record->time_ns);
		break;
	case RECORD_POINTS:
		if (sink->points)
			sink->points(ctx, record->points, record->n_points, record->time_ns);
		break;
	case RECORD_TICK:
		sink->tick(ctx, record->time_ns);
		break;
	case RECORD_END:
		sink->end(ctx, record->time_ns);
		break;
	}
	record->kind = RECORD_NONE;
	host_replay_clear(r->host);
}

static int read_point(struct line_reader *r, char *words)
{
	struct point_status *status = &r->points[r->start.n_points];
	const char *name = text_word(&words), *state = text_word(&words);
	char *detail = text_word(&words), *value = detail ? text_value(detail) : NULL;
	char text[512];
	int point = name ? point_by_name(name) : -1;

	if (r->started || r->start.n_points == MAX_POINTS)
		return fail(r, "comes too late, or is one point too many");
	if (point < 0 || !state || (strcmp(state, "attached") && strcmp(state, "missing")))
		return fail(r, "should be 'point NAME attached' or 'point NAME missing'");
	if (detail &&
	    (!value || strcmp(detail, "detail") || text_get_string(value, text, sizeof(text))))
		return fail(r, "has something after the point that is no detail=");
	status->point = point;
	status->attached = strcmp(state, "attached") == 0;
	status->detail = value ? names_intern(text) : NULL;
	r->start.n_points++;
	return 0;
}

static int get_start_word(struct stream_start *start, const char *key, const char *value)
{
	char text[256];
	uint64_t number;
	int64_t ns;

	if (strcmp(key, "t") == 0) {
		if (text_get_time(value, &ns) || ns < 0)
			return -EINVAL;
		start->time_ns = (uint64_t)ns;
		return 0;
	}
	if (strcmp(key, "wall-offset") == 0)
		return text_get_time(value, &start->wall_offset_ns);
	if (strcmp(key, "netns") == 0) {
		if (text_get_u64(value, UINT32_MAX, &number))
			return -EINVAL;
		start->netns = (uint32_t)number;
		return 0;
	}
	if (text_get_string(value, text, sizeof(text)))
		return -EINVAL;
	if (strcmp(key, "netns-name") == 0)
		start->netns_name = names_intern(text);
	else if (strcmp(key, "kernel") == 0)
		start->kernel = names_intern(text);
	else
		return -EINVAL;
	return 0;
}

static int read_start(struct line_reader *r, char *words)
{
	char *word, seen[48];

	if (r->started)
		return fail(r, "is a second start");
	r->start.kernel = "";
	r->start.netns_name = "";
	r->start.points = r->points;
	while ((word = text_word(&words))) {
		char *value = text_value(word);

		if (!value || get_start_word(&r->start, word, value))
			return fail(r, "cannot use '%s' in start", shown(seen, word));
	}
	r->started = true;
	r->record.kind = RECORD_START;
	return 0;
}

static int keep_answer(struct line_reader *r)
{
	int err = r->has_answer ? host_replay_add(r->host, &r->answer) : 0;

	r->has_answer = false;
	if (err)
		return fail(r, err == -E2BIG ? "is one answer too many"
					     : "needs more memory than there is");
	return 0;
}

/* Makes room for the next record: what was there before is sent. */
static int next_record(struct line_reader *r)
{
	int err;

	if (r->ended)
		return fail(r, "comes after end");
	err = keep_answer(r);
	if (!err)
		deliver(r);
	return err;
}

/* Which run it was, and where; it comes before the start is sent. */
static int read_run(struct line_reader *r, char *words)
{
	char *word, seen[48], text[256];

	if (r->record.kind != RECORD_START)
		return fail(r, "does not follow start");
	while ((word = text_word(&words))) {
		char *value = text_value(word);
		bool host = value && strcmp(word, "host") == 0;

		if (!value || (!host && strcmp(word, "id")) ||
		    text_get_string(value, text, sizeof(text)) || !is_printable(text))
			return fail(r, "cannot use '%s' in run", shown(seen, word));
		*(host ? &r->start.host : &r->start.run) = *text ? names_intern(text) : NULL;
	}
	return 0;
}

/* The start is not sent yet: what was news of a point before that is how it starts. */
static void set_start_point(struct line_reader *r, const struct point_status *status)
{
	size_t i = 0;

	while (i < r->start.n_points && r->points[i].point != status->point)
		i++;
	if (i == MAX_POINTS)
		return;
	r->points[i] = *status;
	if (i == r->start.n_points)
		r->start.n_points++;
}

/* Leaves out of the N points those of which news as late came before: each chunk repeats them. */
static size_t only_news(struct line_reader *r, struct point_status *points, size_t n,
			uint64_t time_ns)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (time_ns <= r->points_ns[points[i].point])
			continue;
		r->points_ns[points[i].point] = time_ns;
		points[left++] = points[i];
	}
	return left;
}

static int read_points(struct line_reader *r, char *words)
{
	struct point_status points[HCT_POINT_COUNT];
	const char *bad = "";
	char seen[48];
	int64_t ns = 0;
	uint64_t time_ns;
	size_t n;
	int err;

	if (case_get_points(words, &ns, points, &n, &bad) || ns < 0 ||
	    (uint64_t)ns > INT64_MAX - r->start.time_ns)
		return fail(r, "cannot use '%s' in points", shown(seen, bad));
	time_ns = r->start.time_ns + (uint64_t)ns;
	n = only_news(r, points, n, time_ns);
	if (r->record.kind == RECORD_START && time_ns <= r->late_ns) {
		for (size_t i = 0; i < n; i++)
			set_start_point(r, &points[i]);
		return 0;
	}
	err = n ? next_record(r) : 0;
	if (err || !n)
		return err;
	r->record.kind = RECORD_POINTS;
	r->record.time_ns = time_ns;
	r->record.n_points = n;
	memcpy(r->record.points, points, n * sizeof(points[0]));
	return 0;
}

/* The words of lost, tick and end. */
static int read_simple(struct line_reader *r, enum record_kind kind, char *words)
{
	struct record *record = &r->record;
	bool has_time = false, has_point = false;
	char *word, seen[48];
	int64_t ns = 0;

	record->count = 0;
	while ((word = text_word(&words))) {
		char *value = text_value(word);
		int point = -1, err = -EINVAL;

		if (value && strcmp(word, "t") == 0) {
			err = text_get_time(value, &ns);
			has_time = true;
		} else if (value && kind == RECORD_LOST && strcmp(word, "count") == 0) {
			err = text_get_u64(value, UINT64_MAX, &record->count);
		} else if (value && kind == RECORD_LOST && strcmp(word, "point") == 0) {
			point = point_by_name(value);
			err = point < 0 ? -EINVAL : 0;
			record->point = err ? HCT_POINT_COUNT : point;
			has_point = true;
		}
		if (err)
			return fail(r, "cannot use '%s'", shown(seen, word));
	}
	if (!has_time || (kind == RECORD_LOST && !has_point))
		return fail(r, "lacks t= or point=");
	if (ns < 0 || (uint64_t)ns > INT64_MAX - r->start.time_ns)
		return fail(r, "has a time that cannot be");
	record->time_ns = r->start.time_ns + (uint64_t)ns;
	record->kind = kind;
	r->ended = kind == RECORD_END;
	return 0;
}

static int read_answer(struct line_reader *r, char *words, bool item)
{
	const char *bad = "";
	char seen[48];
	int err;

	if (item && !r->has_answer)
		return fail(r, "is an item without an answer before it");
	if (item) {
		err = case_get_item(words, &r->answer, &bad);
	} else {
		err = keep_answer(r);
		if (err)
			return err;
		err = case_get_answer(words, &r->answer, &bad);
		r->has_answer = !err;
	}
	return err ? fail(r, "cannot use '%s'", shown(seen, bad)) : 0;
}

static int read_obs(struct line_reader *r, char *words)
{
	const char *bad = "";
	char seen[48];

	if (case_get_obs(words, r->start.time_ns, &r->record.obs, r->record.payload, &bad))
		return fail(r, "cannot use '%s'", shown(seen, bad));
	r->record.kind = RECORD_OBS;
	return 0;
}

/* What it says is kept in r->record; what was there before is sent. */
int line_reader_take(struct line_reader *r, char *line)
{
	const char *word = text_word(&line);
	char seen[48];
	int status;

	if (!word)
		return 0;
	if (strcmp(word, "point") == 0)
		return read_point(r, line);
	if (!r->started && strcmp(word, "start") != 0)
		return fail(r, "comes before start");
	if (strcmp(word, "run") == 0)
		return read_run(r, line);
	if (strcmp(word, "points") == 0)
		return read_points(r, line);
	if (strcmp(word, "answer") == 0 || strcmp(word, "item") == 0)
		return read_answer(r, line, strcmp(word, "item") == 0);
	status = next_record(r);
	if (status)
		return status;
	if (strcmp(word, "start") == 0)
		return read_start(r, line);
	if (strcmp(word, "obs") == 0)
		return read_obs(r, line);
	if (strcmp(word, "lost") == 0)
		return read_simple(r, RECORD_LOST, line);
	if (strcmp(word, "tick") == 0)
		return read_simple(r, RECORD_TICK, line);
	if (strcmp(word, "end") == 0)
		return read_simple(r, RECORD_END, line);
	return fail(r, "starts with '%s', which is no record", shown(seen, word));
}

struct obs *line_reader_obs(struct line_reader *r, uint8_t **payload)
{
	if (!r->started) {
		fail(r, "comes before start");
		return NULL;
	}
	if (next_record(r))
		return NULL;
	r->record.kind = RECORD_OBS;
	*payload = r->record.payload;
	return &r->record.obs;
}

void line_reader_drop(struct line_reader *r)
{
	r->record.kind = RECORD_NONE;
}

int line_reader_tick(struct line_reader *r, uint64_t now_ns)
{
	int err;

	if (!r->started)
		return fail(r, "comes before start");
	err = next_record(r);
	if (err)
		return err;
	r->record.kind = RECORD_TICK;
	r->record.time_ns = now_ns;
	return 0;
}

int line_reader_flush(struct line_reader *r)
{
	int err = keep_answer(r);

	if (!err)
		deliver(r);
	return err;
}

void line_reader_break(struct line_reader *r)
{
	r->has_answer = false;
	deliver(r);
}
