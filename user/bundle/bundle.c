// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Makes a bundle, step by step: the recording, its reports, the archive. */
#include "bundle.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/finish_output.h"
#include "cli/progress.h"
#include "cli/run_report.h"
#include "manifest.h"
#include "record/record_files.h"
#include "record/segment.h"
#include "rewrite.h"
#include "stream/points.h"
#include "tar_write.h"
#include "workdir.h"

#define RECORDING "recording"

static const struct {
	const char *file;
	const struct renderer *renderer;
	const char *what;
} reports[] = {
	{ "report.html", &render_html, "the report for a browser: begin here" },
	{ "report.txt", &render_text, "the same as text, with every probe that failed" },
	{ "report.jsonl", &render_json, "the same for programs, an object a line" },
	{ "report.pcapng", &render_pcapng, "the packets, for Wireshark, with verdicts as comments" },
};
#define N_REPORTS (sizeof(reports) / sizeof(reports[0]))

static int fail(const char *what, int err)
{
	fprintf(stderr, "hctrace: cannot write %s: %s\n", what, strerror(-err));
	return err == -ENOMEM ? EXIT_CANNOT_TRACE : EXIT_OUTPUT;
}

/* ---- the recording ---- */

static void on_progress(void *ctx, uint64_t done, uint64_t all)
{
	progress_show(ctx, done, all);
}

static int rewrite(const struct bundle_job *job)
{
	struct progress progress;
	struct rewrite r = { .from = job->from, .to = RECORDING, .redact = job->redact,
			     .map = job->map, .progress = on_progress, .ctx = &progress };
	int status;

	progress_start(&progress, job->show_progress);
	status = rewrite_recording(&r);
	progress_end(&progress);
	return status;
}

/* The files of the recording, by the names that they have in the bundle. */
static int link_files(const struct record_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		char *name = segment_path(RECORDING, (unsigned)(files->n - 1 - i));
		int err = !name ? -ENOMEM : symlink(files->f[i].path, name) ? -errno : 0;

		free(name);
		if (err)
			return fail("the bundle", err);
	}
	return 0;
}

/* The recording as it is, where it is one; else it is made one. */
static int take_recording(const struct bundle_job *job, size_t *n)
{
	struct record_files files;
	size_t n_from = 0;
	int status;

	*n = 1;
	while (job->from[n_from])
		n_from++;
	if (job->redact || !record_is(job->from[0]))
		return rewrite(job);
	status = record_files_find(&files, job->from, n_from);
	if (status)
		return status;
	*n = files.n;
	status = link_files(&files);
	record_files_free(&files);
	return status;
}

/* Paths of the recording's files here; NULL-terminated. */
struct paths {
	char *name[MAX_RECORD_FILES + 1];
};

static int name_files(struct paths *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		paths->name[i] = segment_path(RECORDING, (unsigned)i);
		if (!paths->name[i])
			return -ENOMEM;
	}
	return 0;
}

static int open_recording(const struct paths *paths, struct source **source, struct settings *run)
{
	int status = source_open(source, (const char *const *)paths->name);

	if (status)
		return status;
	*run = *source_settings(*source);
	run->command = "report";
	run->color = COLOR_NEVER;
	return 0;
}

/* ---- the reports ---- */

static int write_report(const struct paths *paths, const struct renderer *renderer, const char *path,
			bool show_progress)
{
	struct report_job job = { .renderer = renderer, .show_progress = show_progress };
	struct settings run;
	int status = open_recording(paths, &job.source, &run), err = 0;

	if (status)
		return status;
	job.settings = &run;
	job.out = fopen(path, "wex");
	if (!job.out) {
		source_close(job.source);
		return fail("a report for the bundle", -errno);
	}
	run.json = renderer == &render_json;
	status = run_report(&job);
	source_close(job.source);
	err = finish_output(job.out);
	if (fclose(job.out) && !err)
		err = -errno;
	if (err)
		return fail("a report for the bundle", err);
	return status == EXIT_USAGE || status == EXIT_CANNOT_TRACE ? status : 0;
}

/* ---- what is known of the recording, for the manifest and host/ ---- */

static void on_start(void *ctx, const struct stream_start *start)
{
	struct manifest *m = ctx;

	snprintf(m->kernel, sizeof(m->kernel), "%s", start->kernel ? start->kernel : "");
	for (size_t i = 0; i < start->n_points; i++)
		m->missing_points +=
			!start->points[i].attached && point_is_needed(start->points[i].point);
}

static void on_obs(void *ctx, const struct obs *o)
{
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct manifest *m = ctx;

	m->lost += count;
}

static void on_time(void *ctx, uint64_t now_ns)
{
}

static const struct stream_sink look_sink = { on_start, on_obs, on_lost, on_time, on_time };

/* ---- the archive ---- */

/* "firewall rules (nftables)" at the start: "host/firewall-rules-nftables.start.txt". */
static void state_name(const struct recording_state *state, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "host/");

	for (const char *at = state->name; *at && n < size - 16; at++)
		if (isalnum((unsigned char)*at) || (*at == '.' && at > state->name))
			out[n++] = *at;
		else if (out[n - 1] != '-' && out[n - 1] != '/')
			out[n++] = '-';
	if (out[n - 1] == '-')
		n--;
	snprintf(out + n, size - n, ".%s.txt", state->at_end ? "end" : "start");
}

static int put_manifest(struct tar_writer *tar, const struct manifest *m, const struct paths *paths)
{
	char *text = NULL, name[128];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out)
		return -ENOMEM;
	manifest_start(out, m);
	manifest_file(out, "MANIFEST.txt", "this list");
	for (size_t i = 0; i < N_REPORTS; i++)
		manifest_file(out, reports[i].file, reports[i].what);
	for (size_t i = 0; paths->name[i]; i++)
		manifest_file(out, paths->name[i],
			      i ? "an older part of it" : "all that was seen, for hctrace report");
	for (size_t i = 0; i < m->info->n_states; i++) {
		state_name(&m->info->states[i], name, sizeof(name));
		manifest_file(out, name, m->info->states[i].at_end ? "the host, at the end"
								   : "the host, at the start");
	}
	manifest_end(out, m);
	fclose(out);
	err = text ? tar_writer_data(tar, "MANIFEST.txt", text, len) : -ENOMEM;
	free(text);
	return err;
}

static int put_all(struct tar_writer *tar, const struct manifest *m, const struct paths *paths)
{
	int err = put_manifest(tar, m, paths);
	char name[128];

	for (size_t i = 0; i < N_REPORTS && !err; i++)
		err = tar_writer_file(tar, reports[i].file, reports[i].file);
	for (size_t i = 0; paths->name[i] && !err; i++)
		err = tar_writer_file(tar, paths->name[i], paths->name[i]);
	for (size_t i = 0; i < m->info->n_states && !err; i++) {
		const struct recording_state *state = &m->info->states[i];

		state_name(state, name, sizeof(name));
		err = tar_writer_data(tar, name, state->text ? state->text : "", state->len);
	}
	return err;
}

/* The name of the archive without its endings: the folder in it. */
static void top_name(const char *path, char *out, size_t size)
{
	static const char *const endings[] = { ".gz", ".tgz", ".tar" };
	const char *slash = strrchr(path, '/');

	snprintf(out, size, "%s", slash ? slash + 1 : path);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t len = strlen(out), end = strlen(endings[i]);

		if (len > end && strcmp(out + len - end, endings[i]) == 0)
			out[len - end] = '\0';
	}
}

static int write_archive(const struct bundle_job *job, const struct manifest *m,
			 const struct paths *paths)
{
	char top[128];
	struct tar_writer *tar;
	int err = 0;

	top_name(job->to, top, sizeof(top));
	tar = tar_writer_open(job->to, top,
			      ((int64_t)m->info->end_ns + m->info->wall_offset_ns) / 1000000000, &err);
	if (tar) {
		workdir_guard(tar_writer_temporary(tar));
		err = put_all(tar, m, paths);
		workdir_guard(NULL);
	}
	if (tar) {
		int close_err = tar_writer_close(tar, !err);

		err = err ? err : close_err;
	}
	return err ? fail(job->to, err) : 0;
}

static int finish(const struct bundle_job *job, const struct paths *paths)
{
	struct settings run;
	struct manifest m = { .settings = &run, .redacted = job->redact };
	struct source *source = NULL;
	int status = open_recording(paths, &source, &run);

	if (!status)
		status = source_run(source, &look_sink, &m, NULL);
	if (!status) {
		m.info = source_info(source);
		status = write_archive(job, &m, paths);
		if (!status && !recording_complete(m.info))
			fprintf(stderr, "hctrace: parts of the recording are missing: MANIFEST.txt "
					"in %s says which\n", job->to);
	}
	source_close(source);
	return status;
}

int bundle_make(const struct bundle_job *job)
{
	struct paths paths = { { NULL } };
	size_t n;
	int status = take_recording(job, &n), err;

	if (status)
		return status;
	err = name_files(&paths, n);
	if (err)
		status = fail("the bundle", err);
	for (size_t i = 0; i < N_REPORTS && !status; i++)
		status = write_report(&paths, reports[i].renderer, reports[i].file,
				      job->show_progress);
	if (!status)
		status = finish(job, &paths);
	for (size_t i = 0; paths.name[i]; i++)
		free(paths.name[i]);
	return status;
}
