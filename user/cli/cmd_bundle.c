// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace bundle FILE...|--duration T -o OUT.tar.gz: everything that support needs. */
#include "cmd_bundle.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/workdir.h"
#include "output.h"
#include "record/record_files.h"
#include "render/format.h"
#include "run_live.h"

#define RECORDED "recorded"

/* Absolute paths of what was named, for the working directory changes; free() each. */
struct places {
	char *from[MAX_RECORD_FILES + 1];
	char *to, *map;
};

/* PATH, of which only the folder must exist, from the root on.  NULL: see errno. */
static char *absolute(const char *path)
{
	char folder[PATH_MAX], *out;

	if (*path == '/')
		return strdup(path);
	if (!getcwd(folder, sizeof(folder)))
		return NULL;
	return asprintf(&out, "%s/%s", folder, path) < 0 ? NULL : out;
}

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "hctrace: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int find_places(struct places *p, const struct settings *s)
{
	size_t n = 0;

	for (; s->args && s->args[n]; n++) {
		if (n == MAX_RECORD_FILES)
			return usage(s->args[n], "is one file too many");
		p->from[n] = absolute(s->args[n]);
		if (!p->from[n])
			return usage(s->args[n], strerror(errno));
	}
	p->to = absolute(s->output);
	p->map = s->redact_map ? absolute(s->redact_map) : NULL;
	if (!p->to || (s->redact_map && !p->map))
		return usage(s->output, strerror(errno));
	for (size_t i = 0; i < n; i++)
		if (strcmp(p->from[i], p->to) == 0)
			return usage(s->output, "is the recording itself; name another file");
	return 0;
}

static void free_places(struct places *p)
{
	for (size_t i = 0; i < MAX_RECORD_FILES; i++)
		free(p->from[i]);
	free(p->to);
	free(p->map);
}

/* Can a file be made there?  Better known before hours of recording than behind. */
static int check_output(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "hctrace: cannot write %s: it is no regular file\n", path);
		return EXIT_OUTPUT;
	}
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
	if (access(folder, W_OK | X_OK) == 0)
		return 0;
	return output_failed(path, -errno);
}

/* Records a run into the working directory; a signal ends the run, not the bundle. */
static int record(const struct settings *s)
{
	struct settings run = *s;
	struct live_view view = { .renderer = &render_text };
	char span[SPAN_TEXT_LEN];
	struct stat st;
	sigset_t all;
	int status;

	run.command = "record";
	run.output = RECORDED;
	run.redact = false;
	view.out = fopen("/dev/null", "we");
	if (!view.out)
		return usage("/dev/null", strerror(errno));
	fprintf(stderr, "hctrace: recording health checks from %s for %s; Ctrl-C ends earlier.\n",
		s->from_text, format_setting(span, s->duration_ns));
	status = run_live(&run, &view);
	fclose(view.out);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* of a recording with gaps, which it counts, a bundle can be made */
	if (status == EXIT_OUTPUT && stat(RECORDED, &st) == 0 && st.st_size)
		return 0;
	return status == EXIT_USAGE || status == EXIT_CANNOT_TRACE || status == EXIT_OUTPUT ? status : 0;
}

int cmd_bundle(const struct settings *settings)
{
	static const char *const recorded[] = { RECORDED, NULL };
	struct places places = { { NULL } };
	struct bundle_job job = { .redact = settings->redact, .show_progress = true };
	int status = find_places(&places, settings), err;

	if (!status)
		status = check_output(places.to);
	if (status)
		goto cleanup;
	umask(077);
	err = workdir_open();
	if (err) {
		fprintf(stderr, "hctrace: cannot make a folder for temporary files: %s (TMPDIR names "
				"where)\n", strerror(-err));
		status = EXIT_USAGE;
		goto cleanup;
	}
	job.from = places.from[0] ? (const char *const *)places.from : recorded;
	job.to = places.to;
	job.map = places.map;
	if (!places.from[0])
		status = record(settings);
	if (!status)
		status = bundle_make(&job);
	if (!status)
		fprintf(stderr, "hctrace: wrote %s\n", settings->output);

cleanup:
	workdir_close();
	free_places(&places);
	return status;
}
