// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a case file: a run's stream and the host's answers, as text. */
#include "case_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line_read.h"

#define MAX_LINE 65536

struct case_reader {
	const char *path;
	FILE *in;
	char *line; /* getline()'s */
	size_t room;
	unsigned long number; /* of the line at hand */
	bool again; /* the line at hand has not been taken yet */
	struct line_reader *lines;
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

/* What the line reader has against the line at hand, as a message. */
static int refuse(const struct case_reader *r, int err)
{
	return err ? fail(r, "%s", line_reader_problem(r->lines)) : 0;
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
	r->lines = line_reader_new();
	r->in = fopen(path, "re");
	if (!r->in || !r->lines) {
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
		status = refuse(r, line_reader_options(r->lines, line + 7));
	} else {
		r->again = line != NULL;
		status = refuse(r, line_reader_options(r->lines, (char[]){ "" }));
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
	line_reader_free(r->lines);
	free(r->line);
	free(r);
}

const struct settings *case_reader_settings(const struct case_reader *r)
{
	return line_reader_settings(r->lines);
}

const struct host *case_reader_host(const struct case_reader *r)
{
	return line_reader_host(r->lines);
}

const struct answer *case_reader_answers(const struct case_reader *r, size_t *n)
{
	return line_reader_answers(r->lines, n);
}

int case_reader_run(struct case_reader *r, const struct stream_sink *sink, void *ctx)
{
	int status = 0;
	char *line;

	line_reader_to(r->lines, sink, ctx);
	while ((line = next_line(r, &status))) {
		status = refuse(r, line_reader_take(r->lines, line));
		if (status)
			return status;
	}
	if (status)
		return status;
	status = refuse(r, line_reader_flush(r->lines));
	if (status)
		return status;
	if (!line_reader_ended(r->lines))
		return fail(r, "is the last one, but it is no end: the file was cut off");
	return 0;
}
