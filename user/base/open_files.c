// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The limit of open files of this process. */
#include "open_files.h"

#include <sys/resource.h>
#include <unistd.h>

#define ENOUGH 1024

unsigned long open_files_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : (unsigned long)limit.rlim_cur;
}

/* The shell's ulimit sets the hard limit, too, and only root may raise that again. */
bool open_files_raise(struct command *out)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= ENOUGH ||
	    (limit.rlim_max < ENOUGH && geteuid() != 0))
		return false;
	command_add(out, "ulimit -n %u", ENOUGH);
	return true;
}
