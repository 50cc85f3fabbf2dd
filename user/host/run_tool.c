// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Runs a tool of the system and reads what it prints. */
#include "run_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_OUTPUT (32 * 1024 * 1024)
#define TIME_LIMIT_MS 5000

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The tool itself: found by PATH, or where a PATH of users does not look. */
static int spawn_any(pid_t *pid, const char *const argv[], const posix_spawn_file_actions_t *files,
		     const posix_spawnattr_t *as)
{
	static const char *const folders[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };
	char path[128];
	int err = posix_spawnp(pid, argv[0], files, as, (char *const *)argv, environ);

	for (size_t i = 0; err == ENOENT && i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], argv[0]);
		err = posix_spawn(pid, path, files, as, (char *const *)argv, environ);
	}
	return -err;
}

/* Not by fork(): that copies the page tables of all that is followed, while events wait. */
static int spawn(pid_t *pid, const char *const argv[], int fd)
{
	static const char null[] = "/dev/null";
	posix_spawn_file_actions_t files;
	posix_spawnattr_t as;
	sigset_t ours;
	int err = posix_spawn_file_actions_init(&files);

	if (err)
		return -err;
	err = posix_spawnattr_init(&as);
	if (err) {
		posix_spawn_file_actions_destroy(&files);
		return -err;
	}
	/* what this process ignores for its own output's sake, main() */
	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	sigaddset(&ours, SIGXFSZ);
	posix_spawnattr_setsigdefault(&as, &ours);
	posix_spawnattr_setflags(&as, POSIX_SPAWN_SETSIGDEF);
	err = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, null, O_RDWR, 0);
	if (!err)
		err = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, null, O_RDWR, 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&files, fd, STDOUT_FILENO);
	err = err ? -err : spawn_any(pid, argv, &files, &as);
	posix_spawnattr_destroy(&as);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

static int read_all(int fd, char **out)
{
	int64_t deadline = now_ms() + TIME_LIMIT_MS;
	size_t used = 0, size = 0;
	char *text = NULL;

	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		int err = 0;
		ssize_t n = 0;

		if (size - used < 4096) {
			char *more = realloc(text, size + 65536);

			if (!more)
				err = -ENOMEM;
			else
				text = more, size += 65536;
		}
		if (!err && (left <= 0 || poll(&ready, 1, (int)left) == 0))
			err = -ETIMEDOUT;
		if (!err) {
			n = read(fd, text + used, size - used - 1);
			if (n < 0 && errno != EINTR)
				err = -errno;
		}
		if (!err && used > MAX_OUTPUT)
			err = -EFBIG;
		if (err) {
			free(text);
			return err;
		}
		if (n == 0)
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	*out = text;
	return 0;
}

int run_tool(const char *const argv[], char **out)
{
	int fds[2], status = 0, err;
	pid_t pid;

	*out = NULL;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	err = spawn(&pid, argv, fds[1]);
	close(fds[1]);
	if (err) {
		close(fds[0]);
		return err;
	}
	err = read_all(fds[0], out);
	close(fds[0]);
	if (err)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!err && (!WIFEXITED(status) || WEXITSTATUS(status)))
		err = -EIO;
	if (err) {
		free(*out);
		*out = NULL;
	}
	return err;
}
