// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a case file: a run's stream and the host's answers, as text. */
#include "case_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_obs.h"
#include "case_text.h"
#include "host_replay.h"
#include "names.h"
#include "points.h"

#define MAX_LINE 65536
#define MAX_ARGS 64
#define MAX_POINTS 256

enum record_kind { RECORD_NONE, RECORD_START, RECORD_OBS, RECORD_LOST, RECORD_TICK, RECORD_END };

/* What one line said; it is delivered when the answers behind it are known. */
struct record {
	enum record_kind kind;
	uint64_t time_ns;
	uint64_t count; /* lost */
	enum hct_point point; /* lost */
	struct obs obs;
	uint8_t payload[HCT_PAYLOAD_MAX];
};

struct case_reader {
	const char *path;
	FILE *in;
	char *line; /* getline()'s */
	size_t room;
	unsigned long number; /* of the line at hand */
	bool again; /* the line at hand has not been taken yet */
	struct settings settings;
	char *args[MAX_ARGS + 2];
	char arg_text[4096];
	struct host_replay *host;
	struct answer answer; /* the last one, while its items come */
	bool has_answer;
	struct stream_start start;
	bool started, ended;
	struct point_status points[MAX_POINTS];
	struct record record; /* not delivered yet */
};

static int fail(const struct case_reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(const struct case_reader *r, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "hctrace: %s: line %lu: ", r->path, r->number ? r->number : 1);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
	return EXIT_USAGE;
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

/* The next line that says something, without its end.  NULL: end of file, or *STATUS is set. */
static char *next_line(struct case_reader *r, int *status)
{
	ssize_t len;

	if (r->again) {
		r->again = false;
		return r->line;
	}
	for (;;) {
		len = getline(&r->line, &r->room, r->in);
		if (len < 0) {
			if (ferror(r->in))
				*status = fail(r, "cannot be read: %s", strerror(errno));
			return NULL;
		}
		r->number++;
		if (len > MAX_LINE) {
			*status =
				fail(r, "is longer than %d bytes: this is no case file", MAX_LINE);
			return NULL;
		}
		if (memchr(r->line, '\0', (size_t)len)) {
			*status = fail(r, "has a NUL byte: this is no case file");
			return NULL;
		}
		r->line[strcspn(r->line, "\r\n")] = '\0';
		if (r->line[0] && r->line[0] != '#')
			return r->line;
	}
}

static int read_options(struct case_reader *r, char *words)
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
		r->args[n++] = r->arg_text + used;
		used += (size_t)len + 1;
	}
	r->args[n] = NULL;
	if (options_parse(&r->settings, n, r->args) >= 0 ||
	    strcmp(r->settings.command, "live") != 0)
		return fail(r, "has options that cannot be used");
	return 0;
}

int case_reader_open(struct case_reader **out, const char *path)
{
	struct case_reader *r = calloc(1, sizeof(*r));
	int status = EXIT_USAGE;
	char *line;

	*out = NULL;
	if (!r) {
		fprintf(stderr, "hctrace: %s: out of memory\n", path);
		return EXIT_USAGE;
	}
	r->path = path;
	r->host = host_replay_new();
	r->in = fopen(path, "re");
	if (!r->in || !r->host) {
		fprintf(stderr, "hctrace: cannot read %s: %s\n", path, strerror(errno));
		goto failed;
	}
	status = 0;
	line = next_line(r, &status);
	if (!status && (!line || strcmp(line, "hctrace-case 1") != 0))
		status = fail(r, "should be 'hctrace-case 1': this is no case file, or of a later "
				 "version");
	if (status)
		goto failed;
	line = next_line(r, &status);
	if (status)
		goto failed;
	if (line && strncmp(line, "options", 7) == 0 && (line[7] == ' ' || !line[7])) {
		status = read_options(r, line + 7);
	} else {
		r->again = line != NULL;
		status = read_options(r, (char[]){ "" });
	}
	if (status)
		goto failed;
	*out = r;
	return 0;

failed:
	case_reader_close(r);
	return status;
}

void case_reader_close(struct case_reader *r)
{
	if (!r)
		return;
	if (r->in)
		fclose(r->in);
	host_replay_free(r->host);
	free(r->line);
	free(r);
}

const struct settings *case_reader_settings(const struct case_reader *r)
{
	return &r->settings;
}

const struct host *case_reader_host(const struct case_reader *r)
{
	return host_replay_host(r->host);
}

/* Sends the record at hand, with its answers ready, and makes room for the next. */
static void deliver(struct case_reader *r, const struct stream_sink *sink, void *ctx)
{
	struct record *record = &r->record;

	switch (record->kind) {
	case RECORD_NONE:
		break;
	case RECORD_START:
		host_replay_netns(r->host, r->start.netns, r->start.netns_name);
		sink->start(ctx, &r->start);
		break;
	case RECORD_OBS:
		sink->obs(ctx, &record->obs);
		break;
	case RECORD_LOST:
		sink->lost(ctx, record->point, record->count, record->time_ns);
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

static int read_point(struct case_reader *r, char *words)
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

static int read_start(struct case_reader *r, char *words)
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

/* The words of lost, tick and end. */
static int read_simple(struct case_reader *r, enum record_kind kind, char *words)
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

static int keep_answer(struct case_reader *r)
{
	int err = r->has_answer ? host_replay_add(r->host, &r->answer) : 0;

	r->has_answer = false;
	if (err)
		return fail(r, err == -E2BIG ? "is one answer too many"
					     : "needs more memory than there is");
	return 0;
}

static int read_answer(struct case_reader *r, char *words, bool item)
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

static int read_obs(struct case_reader *r, char *words)
{
	const char *bad = "";
	char seen[48];

	if (case_get_obs(words, r->start.time_ns, &r->record.obs, r->record.payload, &bad))
		return fail(r, "cannot use '%s'", shown(seen, bad));
	r->record.kind = RECORD_OBS;
	return 0;
}

/* One line.  What it says is kept in r->record; what was there before is sent. */
static int read_line(struct case_reader *r, char *line, const struct stream_sink *sink, void *ctx)
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
	if (strcmp(word, "answer") == 0 || strcmp(word, "item") == 0)
		return read_answer(r, line, strcmp(word, "item") == 0);
	if (r->ended)
		return fail(r, "comes after end");
	status = keep_answer(r);
	if (status)
		return status;
	deliver(r, sink, ctx);
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

int case_reader_run(struct case_reader *r, const struct stream_sink *sink, void *ctx)
{
	int status = 0;
	char *line;

	while ((line = next_line(r, &status))) {
		status = read_line(r, line, sink, ctx);
		if (status)
			return status;
	}
	if (status)
		return status;
	status = keep_answer(r);
	if (status)
		return status;
	deliver(r, sink, ctx);
	return r->ended ? 0 : fail(r, "is the last one, but it is no end: the file was cut off");
}
