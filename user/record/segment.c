// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A file of a recording that is being written, and its older ones. */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int claim(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return ftruncate(fd, 0) ? -errno : 0;
}

int segment_create(struct segment *s, const char *path, const struct record_header *header)
{
	uint8_t bytes[RECORD_HEADER_LEN];
	int err;

	s->size = 0;
	s->pieces = 0;
	/* not a device or a pipe that would wait for its other end */
	s->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return -errno;
	err = claim(s->fd);
	if (!err) {
		record_header_put(bytes, header);
		err = segment_append(s, bytes, sizeof(bytes));
	}
	if (err)
		segment_close(s);
	s->pieces = 0;
	return err;
}

int segment_append(struct segment *s, const void *data, size_t len)
{
	int err = write_all(s->fd, data, len);

	if (err) {
		/* nothing but whole pieces stays; where even that fails, the reader passes over it */
		int cut = ftruncate(s->fd, (off_t)s->size);

		(void)cut;
		return err;
	}
	s->size += len;
	s->pieces++;
	return 0;
}

int segment_close(struct segment *s)
{
	int err = 0;

	if (s->fd >= 0 && close(s->fd))
		err = -errno;
	s->fd = -1;
	return err;
}

char *segment_path(const char *path, unsigned i)
{
	char *text = NULL;

	if ((i ? asprintf(&text, "%s.%u", path, i) : asprintf(&text, "%s", path)) < 0)
		return NULL;
	return text;
}

/* Is another process writing PATH?  0, or -EBUSY. */
static int in_use(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = 0;

	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		err = -EBUSY;
	close(fd);
	return err;
}

int segments_rotate(const char *path)
{
	int err = in_use(path);

	for (unsigned i = RECORD_SEGMENTS - 1; i > 0 && !err; i--) {
		char *from = segment_path(path, i - 1), *to = segment_path(path, i);

		if (!from || !to)
			err = -ENOMEM;
		else if (rename(from, to) && errno != ENOENT)
			err = -errno;
		free(from);
		free(to);
	}
	return err;
}

int segment_header(const char *path, struct record_header *header)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t bytes[RECORD_HEADER_LEN];
	struct stat st;
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
	if (!err && !S_ISREG(st.st_mode))
		err = -EBADMSG;
	if (!err) {
		n = pread(fd, bytes, sizeof(bytes), 0);
		err = n < 0 ? -errno : n < (ssize_t)sizeof(bytes) ? -EBADMSG : 0;
	}
	close(fd);
	return err ? err : record_header_get(bytes, header);
}
