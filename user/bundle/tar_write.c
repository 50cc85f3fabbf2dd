// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An archive, by libarchive. */
#include "tar_write.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tar_writer {
	const char *path;
	const char *top;
	char *temporary;
	int fd;
	int64_t time;
	struct archive *archive;
	int err; /* of what failed first */
};

static int fail(struct tar_writer *t)
{
	int err = archive_errno(t->archive);

	/* libarchive's own numbers are below zero */
	if (!t->err)
		t->err = err > 0 && err < 4096 ? -err : -EIO;
	return t->err;
}

static int open_all(struct tar_writer *t)
{
	struct stat st;

	if (stat(t->path, &st) == 0 && !S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (asprintf(&t->temporary, "%s.XXXXXX", t->path) < 0) {
		t->temporary = NULL;
		return -ENOMEM;
	}
	t->fd = mkostemp(t->temporary, O_CLOEXEC);
	if (t->fd < 0) {
		int err = -errno;

		free(t->temporary);
		t->temporary = NULL;
		return err;
	}
	t->archive = archive_write_new();
	if (!t->archive)
		return -ENOMEM;
	if (archive_write_set_format_pax_restricted(t->archive) != ARCHIVE_OK ||
	    archive_write_add_filter_gzip(t->archive) != ARCHIVE_OK ||
	    archive_write_set_options(t->archive, "gzip:!timestamp") != ARCHIVE_OK ||
	    archive_write_open_fd(t->archive, t->fd) != ARCHIVE_OK)
		return fail(t);
	return 0;
}

struct tar_writer *tar_writer_open(const char *path, const char *top, int64_t time, int *err)
{
	struct tar_writer *t = calloc(1, sizeof(*t));

	if (!t) {
		*err = -ENOMEM;
		return NULL;
	}
	t->path = path;
	t->top = top;
	t->time = time;
	t->fd = -1;
	*err = open_all(t);
	if (!*err)
		return t;
	tar_writer_close(t, false);
	return NULL;
}

const char *tar_writer_temporary(const struct tar_writer *t)
{
	return t->temporary;
}

static int put_header(struct tar_writer *t, const char *name, uint64_t size)
{
	struct archive_entry *entry = archive_entry_new();
	char full[512];
	int err = 0;

	if (!entry)
		return -ENOMEM;
	snprintf(full, sizeof(full), "%s/%s", t->top, name);
	archive_entry_set_pathname(entry, full);
	archive_entry_set_size(entry, (int64_t)size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_mtime(entry, t->time, 0);
	if (archive_write_header(t->archive, entry) != ARCHIVE_OK)
		err = fail(t);
	archive_entry_free(entry);
	return err;
}

static int put_bytes(struct tar_writer *t, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		la_ssize_t n = archive_write_data(t->archive, at, len);

		if (n <= 0)
			return fail(t);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int tar_writer_data(struct tar_writer *t, const char *name, const void *data, size_t len)
{
	int err = t->err ? t->err : put_header(t, name, len);

	return err ? err : put_bytes(t, data, len);
}

int tar_writer_file(struct tar_writer *t, const char *name, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = t->err;
	uint64_t left = 0;
	struct stat st;
	char *buffer = malloc(65536);

	if (!err && (fd < 0 || fstat(fd, &st)))
		err = -errno;
	if (!err && !buffer)
		err = -ENOMEM;
	if (!err) {
		left = (uint64_t)st.st_size;
		err = put_header(t, name, left);
	}
	while (!err && left) {
		ssize_t n = read(fd, buffer, left < 65536 ? (size_t)left : 65536);

		if (n < 0 && errno == EINTR)
			continue;
		/* a recording that is being written may be rotated, not cut */
		err = n < 0 ? -errno : n == 0 ? -ESTALE : put_bytes(t, buffer, (size_t)n);
		left -= n > 0 ? (uint64_t)n : 0;
	}
	free(buffer);
	if (fd >= 0)
		close(fd);
	if (err && !t->err)
		t->err = err;
	return err;
}

int tar_writer_close(struct tar_writer *t, bool keep)
{
	int err;

	if (!t)
		return 0;
	if (t->archive && keep && !t->err && archive_write_close(t->archive) != ARCHIVE_OK)
		fail(t);
	if (t->archive)
		archive_write_free(t->archive);
	if (t->fd >= 0 && keep && !t->err && fsync(t->fd))
		t->err = -errno;
	if (t->fd >= 0 && close(t->fd) && !t->err)
		t->err = -errno;
	if (t->temporary && keep && !t->err && rename(t->temporary, t->path))
		t->err = -errno;
	if (t->temporary && (!keep || t->err))
		unlink(t->temporary);
	err = t->err;
	free(t->temporary);
	free(t);
	return keep ? err : 0;
}
