// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where a report goes: stdout, or a file that is there only when it is complete. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/finish_output.h"
#include "options.h"

/* A file of a new name beside PATH. */
static int open_temporary(struct output *o, const char *path)
{
	int fd, err;
	mode_t mask;

	if (asprintf(&o->temporary, "%s.XXXXXX", path) < 0) {
		o->temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(o->temporary, O_CLOEXEC);
	if (fd >= 0) {
		mask = umask(0);
		umask(mask);
		fchmod(fd, 0666 & ~mask);
		o->file = fdopen(fd, "w");
		if (o->file)
			return 0;
	}
	err = -errno;
	if (fd >= 0) {
		close(fd);
		unlink(o->temporary);
	}
	free(o->temporary);
	o->temporary = NULL;
	return err;
}

int output_open(struct output *o, const char *path)
{
	struct stat st;

	memset(o, 0, sizeof(*o));
	if (!path || strcmp(path, "-") == 0) {
		o->file = stdout;
		return 0;
	}
	o->path = path;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return -EISDIR;
	/* /dev/null, a pipe: nothing that could be replaced */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		o->file = fopen(path, "we");
		return o->file ? 0 : -errno;
	}
	return open_temporary(o, path);
}

int output_close(struct output *o, bool keep)
{
	int err;

	if (!o->file)
		return 0;
	err = finish_output(o->file);
	if (o->path && fclose(o->file) && !err)
		err = -errno;
	if (o->temporary) {
		if (!err && keep && rename(o->temporary, o->path))
			err = -errno;
		if (err || !keep)
			unlink(o->temporary);
	}
	free(o->temporary);
	memset(o, 0, sizeof(*o));
	return err;
}

int output_failed(const char *path, int err)
{
	fprintf(stderr, "hctrace: cannot write %s: %s\n", path, strerror(-err));
	return EXIT_OUTPUT;
}
