// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Kernel settings, by the name that sysctl(8) gives them. */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "net.ipv4.ip_forward" to "/proc/sys/net/ipv4/ip_forward": dots and slashes change places. */
static int path_of(const char *name, char *path, size_t size)
{
	int len = snprintf(path, size, "/proc/sys/");
	char *p = path + len;

	if (snprintf(p, size - len, "%s", name) >= (int)(size - len))
		return -ENAMETOOLONG;
	for (; *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	/* "//" in NAME would climb out of /proc/sys. */
	if (!*name || strstr(path, ".."))
		return -EINVAL;
	return 0;
}

int sysctl_read(const char *name, int64_t *out)
{
	char path[256], text[64], *end;
	int fd, err;
	ssize_t len;

	err = path_of(name, path, sizeof(path));
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	err = len < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[len] = '\0';
	errno = 0;
	*out = strtoll(text, &end, 10);
	return end == text || errno ? -EINVAL : 0;
}
