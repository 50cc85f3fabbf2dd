// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a report can be made of: a recording, or a case file. */
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stream/case_read.h"

struct source {
	struct record_reader *record; /* NULL: it is a case */
	struct case_reader *text;
	const char *path;
	struct recording_info info; /* of a case */
	const struct stream_sink *sink; /* where a case goes */
	void *ctx;
};

static bool is_case(const char *path)
{
	static const char first[] = "hctrace-case ";
	char seen[sizeof(first) - 1];
	struct stat st;
	FILE *in;
	bool is = false;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	in = fopen(path, "re");
	if (in) {
		is = fread(seen, sizeof(seen), 1, in) == 1 && memcmp(seen, first, sizeof(seen)) == 0;
		fclose(in);
	}
	return is;
}

/* A case is a run of its own. */
static int refuse_case(const char *const *paths)
{
	for (size_t i = 0; paths[i]; i++) {
		if (!is_case(paths[i]))
			continue;
		fprintf(stderr, "hctrace: %s is a case file: report it alone\n", paths[i]);
		return EXIT_USAGE;
	}
	return 0;
}

int source_open(struct source **out, const char *const *paths)
{
	struct source *s = calloc(1, sizeof(*s));
	size_t n = 0;
	int status;

	*out = NULL;
	if (!s) {
		fprintf(stderr, "hctrace: %s: out of memory\n", paths[0]);
		return EXIT_USAGE;
	}
	while (paths[n])
		n++;
	s->path = paths[0];
	s->info.files = &s->path;
	s->info.n_files = 1;
	if (n == 1 && is_case(paths[0]))
		status = case_reader_open(&s->text, paths[0]);
	else
		status = refuse_case(paths);
	if (!status && !s->text)
		status = record_reader_open(&s->record, paths, n);
	if (status) {
		source_close(s);
		return status;
	}
	*out = s;
	return 0;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	record_reader_close(s->record);
	case_reader_close(s->text);
	free(s);
}

const struct settings *source_settings(const struct source *s)
{
	return s->record ? record_reader_settings(s->record) : case_reader_settings(s->text);
}

const struct host *source_host(const struct source *s)
{
	return s->record ? record_reader_host(s->record) : case_reader_host(s->text);
}

const struct answer *source_answers(const struct source *s, size_t *n)
{
	return s->record ? record_reader_answers(s->record, n) : case_reader_answers(s->text, n);
}

const struct recording_info *source_info(const struct source *s)
{
	return s->record ? record_reader_info(s->record) : &s->info;
}

/* ---- a case's stream, which says when it was ---- */

static void on_start(void *ctx, const struct stream_start *start)
{
	struct source *s = ctx;

	s->info.has_start = true;
	s->info.start_ns = start->time_ns;
	s->info.wall_offset_ns = start->wall_offset_ns;
	s->sink->start(s->ctx, start);
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct source *s = ctx;

	s->sink->obs(s->ctx, o);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct source *s = ctx;

	s->sink->lost(s->ctx, point, count, time_ns);
}

static void on_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct source *s = ctx;

	if (s->sink->points)
		s->sink->points(s->ctx, changed, n, time_ns);
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	struct source *s = ctx;

	s->sink->tick(s->ctx, now_ns);
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct source *s = ctx;

	s->info.has_end = true;
	s->info.end_ns = now_ns;
	s->sink->end(s->ctx, now_ns);
}

static const struct stream_sink case_sink = {
	.start = on_start,
	.obs = on_obs,
	.lost = on_lost,
	.tick = on_tick,
	.end = on_end,
	.points = on_points,
};

int source_run(struct source *s, const struct stream_sink *sink, void *ctx,
	       bool (*progress)(void *ctx, uint64_t done, uint64_t bytes))
{
	if (s->record)
		return record_reader_run(s->record, sink, ctx, progress);
	s->sink = sink;
	s->ctx = ctx;
	return case_reader_run(s->text, &case_sink, s);
}
