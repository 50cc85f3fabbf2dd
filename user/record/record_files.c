// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The files of a recording: those that were named, and the older segments beside them. */
#include "record_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/options.h"
#include "segment.h"

void record_files_free(struct record_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->f[i].path);
	files->n = 0;
}

/* The file of the same run that has the same number; NULL: there is none. */
static struct record_file *same_segment(struct record_files *files, const struct record_file *file)
{
	for (size_t i = 0; i < files->n; i++)
		if (!file->damaged_header && !files->f[i].damaged_header &&
		    files->f[i].header.segment == file->header.segment)
			return &files->f[i];
	return NULL;
}

/* Takes FILE over.  Of two copies the longer one counts. */
static int add(struct record_files *files, struct record_file *file)
{
	struct record_file *same = same_segment(files, file);

	if (same && same->size >= file->size) {
		free(file->path);
		return 0;
	}
	if (same) {
		free(same->path);
		*same = *file;
		return 0;
	}
	if (files->n == MAX_RECORD_FILES) {
		fprintf(stderr, "hctrace: %s is one file too many: at most %d\n", file->path,
			MAX_RECORD_FILES);
		free(file->path);
		return EXIT_USAGE;
	}
	files->f[files->n++] = *file;
	return 0;
}

static int refuse(const char *path, int err, const struct record_header *header)
{
	if (err == -EBADMSG)
		fprintf(stderr, "hctrace: %s is no recording: it was not written by hctrace, or its "
				"beginning is lost\n", path);
	else if (err == -EPROTONOSUPPORT)
		fprintf(stderr, "hctrace: %s has format %u, this hctrace reads format %u: use the "
				"hctrace that wrote it, or a later one\n", path, header->version,
			RECORD_VERSION);
	else
		fprintf(stderr, "hctrace: cannot read %s: %s\n", path, strerror(-err));
	return EXIT_USAGE;
}

static int add_named(struct record_files *files, const char *path)
{
	struct record_file file = { NULL };
	int err = segment_header(path, &file.header);
	struct stat st;

	file.damaged_header = err == -EIO;
	if (file.damaged_header)
		file.header.segment = 0;
	if (err && !file.damaged_header)
		return refuse(path, err, &file.header);
	if (stat(path, &st))
		return refuse(path, -errno, &file.header);
	if (files->n && !file.damaged_header && !files->f[0].damaged_header &&
	    memcmp(file.header.run, files->f[0].header.run, RECORD_ID_LEN) != 0) {
		fprintf(stderr, "hctrace: %s and %s are of different runs: report them one at a time\n",
			files->f[0].path, path);
		return EXIT_USAGE;
	}
	file.size = (uint64_t)st.st_size;
	file.path = strdup(path);
	if (!file.path)
		return refuse(path, -ENOMEM, &file.header);
	return add(files, &file);
}

/* PATH.1 … PATH.7 are the older ones, where they are of the same run. */
static int add_older(struct record_files *files, const char *path)
{
	for (unsigned i = 1; i < RECORD_SEGMENTS; i++) {
		struct record_file file = { .path = segment_path(path, i) };
		struct stat st;
		int status;

		if (!file.path || segment_header(file.path, &file.header) ||
		    memcmp(file.header.run, files->f[0].header.run, RECORD_ID_LEN) != 0 ||
		    stat(file.path, &st)) {
			free(file.path);
			continue;
		}
		file.size = (uint64_t)st.st_size;
		status = add(files, &file);
		if (status)
			return status;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct record_file *x = a, *y = b;

	return x->header.segment < y->header.segment ? -1 : x->header.segment > y->header.segment;
}

int record_files_find(struct record_files *files, const char *const *paths, size_t n)
{
	int status = 0;

	files->n = 0;
	for (size_t i = 0; i < n && !status; i++)
		status = add_named(files, paths[i]);
	for (size_t i = 0; i < n && !status && !files->f[0].damaged_header; i++)
		status = add_older(files, paths[i]);
	if (status) {
		record_files_free(files);
		return status;
	}
	qsort(files->f, files->n, sizeof(files->f[0]), compare);
	return 0;
}
