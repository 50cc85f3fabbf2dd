// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files of other processes, which can put there what they like. */
#include "open_below.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILE_MAX (8 * 1024 * 1024)

int open_root(uint32_t pid)
{
	char path[32] = "/";
	int root;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%u/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return root;
}

/* Not to wait for a FIFO's writer, nor to take a terminal. */
static int open_quietly(int root, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags,
		.resolve = RESOLVE_IN_ROOT,
	};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int open_folder_below(int root, const char *path)
{
	return open_quietly(root, path, O_DIRECTORY);
}

FILE *open_below(int root, const char *path)
{
	int fd = open_quietly(root, path, 0);
	struct stat st;
	FILE *file;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	if (fstat(fd, &st) || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return NULL;
	}
	if (st.st_size > FILE_MAX) {
		close(fd);
		errno = EFBIG;
		return NULL;
	}
	file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}
