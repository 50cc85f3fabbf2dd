// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A folder for what goes into a bundle, removed in any case. */
#include "workdir.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Global, for a signal's handler has no other way to it. */
static struct {
	char path[4096]; /* "": there is none */
	const char *volatile guarded;
} work;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* What can be in it: a handler may call unlink(), but not readdir(). */
static const char *const names[] = {
	"recorded",    "recording",   "recording.1", "recording.2", "recording.3",   "recording.4",
	"recording.5", "recording.6", "recording.7", "report.html",   "report.txt",
	"report.jsonl", "report.pcapng",
};

static void on_signal(int number)
{
	if (work.guarded)
		unlink(work.guarded);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	rmdir(work.path);
	/* SA_RESETHAND: this time it ends the program */
	raise(number);
}

int workdir_open(void)
{
	const char *parent = getenv("TMPDIR");
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	int len;

	if (!parent || *parent != '/')
		parent = "/var/tmp";
	len = snprintf(work.path, sizeof(work.path), "%s/hctrace-bundle-XXXXXX", parent);
	if (len < 0 || (size_t)len >= sizeof(work.path) || !mkdtemp(work.path)) {
		work.path[0] = '\0';
		return len < 0 || (size_t)len >= sizeof(work.path) ? -ENAMETOOLONG : -errno;
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&action.sa_mask, signals[i]);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction before;

		/* what nohup(1) ignores stays ignored */
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	if (chdir(work.path)) {
		int err = -errno;

		workdir_close();
		return err;
	}
	return 0;
}

void workdir_guard(const char *path)
{
	work.guarded = path;
}

void workdir_close(void)
{
	struct dirent *entry;
	DIR *dir;

	if (!work.path[0])
		return;
	dir = opendir(work.path);
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	if (chdir("/"))
		work.guarded = NULL;
	rmdir(work.path);
	work.path[0] = '\0';
}
