// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A recording or a case file as a new recording.  It is read twice: what names
 * there are is known only when all of it was seen.
 */
#include "rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/finish_output.h"
#include "record/record_write.h"
#include "record/source.h"
#include "redact.h"
#include "render/format.h"

struct pass {
	const struct rewrite *job;
	struct source *source;
	struct redact *redact; /* NULL: nothing is replaced */
	struct record_writer *writer; /* NULL: names are learnt, nothing is written */
	const struct recording_info *info; /* with a writer: what is known of the old recording */
	size_t gaps; /* of those, how many were passed */
	bool started;
};

static bool progress(void *ctx, uint64_t done, uint64_t all)
{
	struct pass *p = ctx;

	if (p->job->progress)
		p->job->progress(p->job->ctx, p->writer ? all + done : done, 2 * all);
	return true;
}

/* ---- what belongs to a record, or stands in front of it ---- */

static void put_states(struct pass *p, bool at_end)
{
	for (size_t i = 0; i < p->info->n_states; i++) {
		const struct recording_state *state = &p->info->states[i];
		char *text = NULL;

		if (state->at_end != at_end)
			continue;
		if (p->redact)
			text = redact_state(p->redact, state);
		if (text || !p->redact)
			record_writer_state(p->writer, at_end, state->time_ns, state->name,
					    text ? text : state->text);
		free(text);
	}
}

/* All gaps up to NOW_NS. */
static void put_gaps(struct pass *p, uint64_t now_ns, bool rest)
{
	for (; p->gaps < p->info->n_gaps; p->gaps++) {
		const struct recording_gap *gap = &p->info->gaps[p->gaps];

		if (!rest && (!gap->to_ns || gap->to_ns > now_ns))
			return;
		record_writer_missing(p->writer, gap->records ? gap->records : 1);
	}
}

static void put_answers(struct pass *p)
{
	size_t n;
	const struct answer *answers = source_answers(p->source, &n);
	struct answer *out = malloc(sizeof(*out));

	for (size_t i = 0; out && i < n; i++) {
		*out = answers[i];
		if (p->redact)
			redact_answer(p->redact, &answers[i], out);
		if (p->writer)
			record_writer_answer(p->writer, out);
	}
	free(out);
}

/* ---- the stream ---- */

static void on_start(void *ctx, const struct stream_start *start)
{
	struct point_status points[REDACT_POINTS];
	struct stream_start out = *start;
	struct pass *p = ctx;

	p->started = true;
	if (p->redact)
		redact_start(p->redact, start, &out, points);
	if (p->writer) {
		if (!p->info->has_start)
			record_writer_missing(p->writer, 1);
		put_states(p, false);
		record_writer_sink.start(p->writer, &out);
	}
	put_answers(p);
}

static void on_obs(void *ctx, const struct obs *o)
{
	uint8_t payload[HCT_PAYLOAD_MAX];
	struct pass *p = ctx;
	struct obs out = *o;

	if (p->redact)
		redact_obs(p->redact, o, &out, payload);
	if (p->writer)
		record_writer_sink.obs(p->writer, &out);
	put_answers(p);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct pass *p = ctx;

	/* a gap is told as nothing lost, at each point */
	if (p->writer && !count)
		put_gaps(p, time_ns, false);
	if (p->writer)
		record_writer_sink.lost(p->writer, point, count, time_ns);
	put_answers(p);
}

static void on_points(void *ctx, const struct point_status *changed, size_t n, uint64_t time_ns)
{
	struct point_status points[REDACT_POINTS];
	struct pass *p = ctx;

	if (p->redact)
		changed = redact_points(p->redact, changed, &n, points);
	if (p->writer)
		record_writer_sink.points(p->writer, changed, n, time_ns);
	put_answers(p);
}

static void on_tick(void *ctx, uint64_t now_ns)
{
	struct pass *p = ctx;

	if (p->writer)
		record_writer_sink.tick(p->writer, now_ns);
	put_answers(p);
}

static void on_end(void *ctx, uint64_t now_ns)
{
	struct pass *p = ctx;

	if (p->writer) {
		put_gaps(p, now_ns, true);
		put_states(p, true);
		/* one that was cut off stays so */
		if (p->info->has_end)
			record_writer_sink.end(p->writer, now_ns);
	}
	put_answers(p);
}

static const struct stream_sink pass_sink = {
	.start = on_start,
	.obs = on_obs,
	.lost = on_lost,
	.tick = on_tick,
	.end = on_end,
	.points = on_points,
};

/* ---- the two passes ---- */

static int out_of_memory(void)
{
	fprintf(stderr, "hctrace: out of memory\n");
	return EXIT_CANNOT_TRACE;
}

/* Reads FIRST, which stays open for what it knows, and learns the names. */
static int learn(struct pass *first)
{
	const struct recording_info *info;
	struct settings settings;
	char host[256] = "";
	int status;

	if (first->job->redact) {
		first->redact = redact_new(source_settings(first->source));
		if (!first->redact)
			return out_of_memory();
		/* of 0.1 a recording does not tell whose it is, but is often made into a bundle there */
		if (gethostname(host, sizeof(host) - 1) == 0)
			redact_host_name(first->redact, host);
		redact_settings(first->redact, source_settings(first->source), &settings);
	}
	status = source_run(first->source, &pass_sink, first, progress);
	info = source_info(first->source);
	for (size_t i = 0; !status && first->redact && i < info->n_states; i++)
		free(redact_state(first->redact, &info->states[i]));
	if (!status && first->redact)
		pseudo_addr_settle(redact_addrs(first->redact));
	return status;
}

static int write_again(struct pass *first)
{
	struct pass p = { first->job, .redact = first->redact, .info = source_info(first->source) };
	int status = source_open(&p.source, p.job->from);
	struct settings settings;
	int err = 0;

	if (status)
		return status;
	settings = *source_settings(p.source);
	if (p.redact)
		redact_settings(p.redact, source_settings(p.source), &settings);
	p.writer = record_writer_open(p.job->to, &settings, 0, &err);
	if (p.writer)
		status = source_run(p.source, &pass_sink, &p, progress);
	if (p.writer)
		err = record_writer_error(p.writer);
	if (record_writer_close(p.writer) && !err)
		err = -ENOSPC;
	source_close(p.source);
	if (err)
		fprintf(stderr, "hctrace: cannot write the recording for the bundle: %s\n",
			strerror(-err));
	return !err ? status : err == -ENOMEM ? EXIT_CANNOT_TRACE : EXIT_OUTPUT;
}

/* ---- the map ---- */

static void put_name(void *ctx, const char *name, const char *pseudo)
{
	char safe[1024];

	fprintf(ctx, "%s\t%s\n", pseudo, format_safe(safe, sizeof(safe), name));
}

static void put_addr(void *ctx, const uint8_t addr[16], const uint8_t pseudo[16])
{
	char real[ADDR_TEXT_LEN], shown[ADDR_TEXT_LEN];

	fprintf(ctx, "%s\t%s\n", format_addr(shown, pseudo), format_addr(real, addr));
}

static int write_map(const struct rewrite *job, struct redact *redact)
{
	int fd = open(job->map, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *out = NULL;
	int err;

	/* one that was there with wider permissions */
	if (fd >= 0 && fchmod(fd, 0600) == 0)
		out = fdopen(fd, "w");
	if (!out) {
		fprintf(stderr, "hctrace: cannot write %s: %s\n", job->map, strerror(errno));
		if (fd >= 0)
			close(fd);
		return EXIT_OUTPUT;
	}
	fputs("# pseudonym\toriginal; keep it to yourself\n", out);
	pseudo_addr_each(redact_addrs(redact), put_addr, out);
	pseudo_names_each(redact_names(redact), put_name, out);
	err = finish_output(out);
	if (fclose(out) && !err)
		err = -errno;
	if (err) {
		fprintf(stderr, "hctrace: cannot write %s: %s\n", job->map, strerror(-err));
		return EXIT_OUTPUT;
	}
	return 0;
}

int rewrite_recording(const struct rewrite *job)
{
	struct pass first = { job };
	int status = source_open(&first.source, job->from);

	if (!status)
		status = learn(&first);
	if (!status)
		status = write_again(&first);
	if (!status && job->redact && job->map)
		status = write_map(job, first.redact);
	redact_free(first.redact);
	source_close(first.source);
	return status;
}
