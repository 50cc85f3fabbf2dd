// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Network namespaces: by name, by number, and those of other processes. */
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

#define NAMES_DIR "/run/netns" /* where iproute2 keeps them */
#define SELF "/proc/thread-self/ns/net"
#define MAX_OTHERS 1024

uint32_t netns_self(void)
{
	struct stat st;

	return stat(SELF, &st) ? 0 : st.st_ino;
}

static int enter_fd(int fd)
{
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}

static int open_spec(const char *spec)
{
	char path[PATH_MAX];
	int fd;

	if (*spec == '/')
		return open(spec, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (!*spec || strchr(spec, '/') || *spec == '.') {
		errno = EINVAL;
		return -1;
	}
	/* A name made of digits is still a name. */
	snprintf(path, sizeof(path), NAMES_DIR "/%s", spec);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 || errno != ENOENT || spec[strspn(spec, "0123456789")])
		return fd;
	snprintf(path, sizeof(path), "/proc/%s/ns/net", spec);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

int netns_enter(const char *spec)
{
	int err, fd = open_spec(spec);

	if (fd < 0)
		return errno == EACCES ? -EPERM : -errno;
	err = enter_fd(fd);
	close(fd);
	return err;
}

int netns_name(uint32_t netns, char name[64])
{
	struct dirent *entry;
	struct stat self, st;
	int err = -ENOENT;
	DIR *dir;

	if (stat(SELF, &self))
		return -errno;
	dir = opendir(NAMES_DIR);
	if (!dir)
		return errno == ENOENT ? -ENOENT : -errno;
	while (err && (entry = readdir(dir))) {
		/* Where no namespace is mounted (any more), a name is a file of another device. */
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) || st.st_ino != netns ||
		    st.st_dev != self.st_dev)
			continue;
		snprintf(name, 64, "%.63s", entry->d_name);
		err = 0;
	}
	closedir(dir);
	return err;
}

struct collection {
	struct netns_ref *out;
	size_t n, max;
	uint32_t self;
};

static int collect(void *ctx, int proc_fd, uint32_t pid)
{
	struct collection *c = ctx;
	char path[32], link[32];
	ssize_t len;
	uint32_t netns;

	snprintf(path, sizeof(path), "%u/ns/net", pid);
	len = readlinkat(proc_fd, path, link, sizeof(link) - 1);
	if (len < 0)
		return 0; /* ended meanwhile, or not ours to look at */
	link[len] = '\0';
	if (sscanf(link, "net:[%u]", &netns) != 1 || netns == c->self)
		return 0;
	for (size_t i = 0; i < c->n; i++)
		if (c->out[i].netns == netns)
			return 0;
	c->out[c->n++] = (struct netns_ref){ .netns = netns, .pid = pid };
	return c->n == c->max;
}

size_t netns_others(struct netns_ref *out, size_t max)
{
	struct collection c = { .out = out, .max = max, .self = netns_self() };

	if (max)
		process_each(collect, &c);
	return c.n;
}

static void come_home(int home)
{
	if (!enter_fd(home))
		return;
	fprintf(stderr, "hctrace: cannot return to the network namespace under watch: %s\n",
		strerror(errno));
	abort();
}

int netns_visit_new(int (*fn)(void *ctx), void *ctx)
{
	int ret, home = open(SELF, O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return -errno;
	if (unshare(CLONE_NEWNET)) {
		ret = -errno;
	} else {
		ret = fn(ctx);
		come_home(home);
	}
	close(home);
	return ret;
}

/* Calls FN in the namespace that descriptor THERE stands for, where it is NETNS. */
static int visit(int there, uint32_t netns, int (*fn)(void *ctx), void *ctx)
{
	int home, ret;
	struct stat st;

	if (fstat(there, &st))
		return -errno;
	if (st.st_ino != netns) /* the process moved, or its number was used again */
		return -ESRCH;
	home = open(SELF, O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	ret = enter_fd(there);
	if (ret)
		goto cleanup;
	ret = fn(ctx);
	come_home(home);
cleanup:
	close(home);
	return ret;
}

static int visit_path(const char *path, uint32_t netns, int (*fn)(void *ctx), void *ctx)
{
	int ret, there = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (there < 0)
		return -errno;
	ret = visit(there, netns, fn, ctx);
	close(there);
	return ret;
}

int netns_visit(const struct netns_ref *ref, int (*fn)(void *ctx), void *ctx)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/ns/net", ref->pid);
	return visit_path(path, ref->netns, fn, ctx);
}

int netns_visit_number(uint32_t netns, int (*fn)(void *ctx), void *ctx)
{
	struct netns_ref others[MAX_OTHERS];
	char name[64], path[PATH_MAX];
	size_t n;

	if (!netns_name(netns, name)) {
		snprintf(path, sizeof(path), NAMES_DIR "/%s", name);
		return visit_path(path, netns, fn, ctx);
	}
	n = netns_others(others, MAX_OTHERS);
	for (size_t i = 0; i < n; i++)
		if (others[i].netns == netns)
			return netns_visit(&others[i], fn, ctx);
	return -ENOENT;
}
