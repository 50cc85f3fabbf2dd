// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Was all that was printed delivered? */
#include "finish_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/* Of any stream: a process that cannot write one of them has one thing to say. */
static int first_failure;

void flush_output(FILE *out)
{
	if (fflush(out) && !first_failure)
		first_failure = errno;
}

void write_output(FILE *out, const void *data, size_t len)
{
	if (fwrite(data, 1, len, out) < len && !first_failure)
		first_failure = errno;
}

int finish_output(FILE *out)
{
	bool failed = ferror(out);

	/* kept, as the next call has nothing left to flush, but still has to tell it */
	if (fflush(out)) {
		if (!failed || !first_failure)
			first_failure = errno;
		return -first_failure;
	}
	return failed ? -(first_failure ? first_failure : EIO) : 0;
}

void keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			/* the lowest that is free, so it is FD; opened the wrong way round on purpose */
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}
