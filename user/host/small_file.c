// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Short files of the kernel: /proc and cgroups. */
#include "small_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t small_file_read(int dir_fd, const char *path, char *out, size_t size)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t len = 0;
	ssize_t n = 0;

	out[0] = '\0';
	if (fd < 0)
		return -errno;
	while (len < size - 1 && (n = read(fd, out + len, size - 1 - len)) > 0)
		len += n;
	n = n < 0 ? -errno : (ssize_t)len;
	close(fd);
	out[len] = '\0';
	return n;
}

bool small_file_number(const char *text, const char *key, uint64_t *out)
{
	size_t len = strlen(key);

	while (text) {
		const char *value = text + len;

		if (strncmp(text, key, len) == 0 && isspace((unsigned char)*value)) {
			value += strspn(value, " \t");
			*out = strtoull(value, NULL, 10);
			return isdigit((unsigned char)*value);
		}
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return false;
}
