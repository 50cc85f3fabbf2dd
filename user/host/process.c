// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes, from /proc. */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC 1000000000ULL
#define NS_PER_MS 1000000ULL
/* What searching may take at once; over longer, one part in SHARE of the time. */
#define BURST_NS (200 * NS_PER_MS)
#define SHARE 10
/* Of that, among the processes known to hold sockets. */
#define KNOWN_LIMIT_NS (25 * NS_PER_MS)
#define NOT_WORTH_NS (5 * NS_PER_MS)
#define REMEMBERED 64

/* Where a socket was found; pid 0: nowhere. */
struct place {
	uint32_t inode; /* 0: unused */
	uint32_t pid;
	int fd; /* its number in that process */
	uint64_t time_ns;
};

struct process_sockets {
	struct place place[REMEMBERED]; /* a ring */
	size_t next;
	uint32_t cursor; /* the process where time ran out: the next search starts there */
	uint64_t allowance_ns; /* for searching, as it was at … */
	uint64_t allowance_at_ns;
};

struct search {
	struct process_sockets *sockets;
	const uint32_t *inodes;
	uint32_t *pids;
	size_t n;
	size_t missing;
	uint64_t deadline_ns;
	bool late; /* the deadline has passed */
	uint32_t first, last; /* processes to look at */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

/* A directory entry's number; 0: it is none. */
static uint32_t number(const char *name)
{
	char *end;
	unsigned long value;

	if (*name < '0' || *name > '9')
		return 0;
	value = strtoul(name, &end, 10);
	return *end || value > INT32_MAX ? 0 : value;
}

int process_comm(uint32_t pid, char comm[HCT_COMM_LEN])
{
	char path[32];
	ssize_t len;
	int fd, err;

	comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	len = read(fd, comm, HCT_COMM_LEN - 1);
	err = len < 0 ? -errno : 0;
	close(fd);
	comm[err ? 0 : len] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	return err;
}

int process_may_search(void)
{
	int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, err = 0;
	DIR *dir = NULL;

	if (proc_fd < 0)
		return -errno;
	fd = openat(proc_fd, "1/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		dir = fdopendir(fd);
	if (!dir) /* with hidepid, what is not ours is not there */
		err = errno == ENOENT ? -EACCES : -errno;
	if (!dir && fd >= 0)
		close(fd);
	if (dir)
		closedir(dir);
	close(proc_fd);
	return err;
}

int process_each(int (*fn)(void *ctx, int proc_fd, uint32_t pid), void *ctx)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		uint32_t pid = number(entry->d_name);

		if (pid)
			ret = fn(ctx, dirfd(dir), pid);
	}
	closedir(dir);
	return ret;
}

struct process_sockets *process_sockets_new(void)
{
	struct process_sockets *s = calloc(1, sizeof(*s));

	if (s) {
		s->allowance_ns = BURST_NS;
		s->allowance_at_ns = now_ns();
	}
	return s;
}

void process_sockets_free(struct process_sockets *s)
{
	free(s);
}

/* The inode number of the socket behind a link of /proc/PID/fd; 0: it is no socket. */
static uint32_t socket_inode(int dir_fd, const char *path)
{
	char link[64], *end;
	ssize_t len = readlinkat(dir_fd, path, link, sizeof(link) - 1);
	unsigned long inode;

	if (len < 0)
		return 0;
	link[len] = '\0';
	if (strncmp(link, "socket:[", 8))
		return 0;
	inode = strtoul(link + 8, &end, 10);
	return *end == ']' ? inode : 0;
}

static struct place *recall(struct process_sockets *s, uint32_t inode)
{
	for (size_t i = 0; i < REMEMBERED; i++)
		if (s->place[i].inode == inode)
			return &s->place[i];
	return NULL;
}

static void remember(struct process_sockets *s, uint32_t inode, uint32_t pid, int fd)
{
	struct place *place = recall(s, inode);

	if (!place) {
		place = &s->place[s->next];
		s->next = (s->next + 1) % REMEMBERED;
	}
	*place = (struct place){ .inode = inode, .pid = pid, .fd = fd, .time_ns = now_ns() };
}

static bool still_there(const struct place *place)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/fd/%d", place->pid, place->fd);
	return socket_inode(AT_FDCWD, path) == place->inode;
}

static void match(struct search *search, uint32_t inode, uint32_t pid, const char *fd)
{
	for (size_t i = 0; i < search->n; i++) {
		if (search->inodes[i] != inode || search->pids[i])
			continue;
		search->pids[i] = pid;
		search->missing--;
		remember(search->sockets, inode, pid, atoi(fd));
	}
}

static void search_one(struct search *search, int proc_fd, uint32_t pid)
{
	struct dirent *entry;
	char path[32];
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%u/fd", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return; /* ended meanwhile, or not ours to look at */
	}
	for (unsigned i = 1; search->missing && (entry = readdir(dir)); i++) {
		uint32_t inode = socket_inode(fd, entry->d_name);

		if (inode)
			match(search, inode, pid, entry->d_name);
		if (i % 64 == 0 && now_ns() > search->deadline_ns) {
			search->late = true;
			break;
		}
	}
	closedir(dir);
}

/* Returns 1 when there is nothing left to search, or no time. */
static int search_process(void *ctx, int proc_fd, uint32_t pid)
{
	struct search *search = ctx;

	if (pid < search->first || pid > search->last)
		return 0;
	if (now_ns() > search->deadline_ns)
		search->late = true;
	if (!search->late)
		search_one(search, proc_fd, pid);
	if (search->late)
		search->sockets->cursor = pid;
	return search->late || !search->missing;
}

/* A server that listens in one process often accepts in its children. */
static void search_family(struct search *search, int proc_fd, uint32_t pid)
{
	char path[64];
	FILE *children;

	search_process(search, proc_fd, pid);
	snprintf(path, sizeof(path), "/proc/%u/task/%u/children", pid, pid);
	children = fopen(path, "re");
	if (!children)
		return;
	while (search->missing && !search->late && fscanf(children, "%u", &pid) == 1)
		search_process(search, proc_fd, pid);
	fclose(children);
}

static void search_known(struct search *search)
{
	struct process_sockets *s = search->sockets;
	uint32_t known[REMEMBERED];
	size_t n = 0;
	int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc_fd < 0)
		return;
	/* Collected first: each find changes the ring. */
	for (size_t i = 0; i < REMEMBERED; i++) {
		bool again = !s->place[i].pid;

		for (size_t j = 0; j < n && !again; j++)
			again = known[j] == s->place[i].pid;
		if (!again)
			known[n++] = s->place[i].pid;
	}
	for (size_t i = 0; i < n && search->missing && !search->late; i++)
		search_family(search, proc_fd, known[i]);
	close(proc_fd);
}

/* From where the last search ran out of time, round to there.  False: this one did, too. */
static bool search_all(struct search *search)
{
	struct process_sockets *s = search->sockets;
	uint32_t start = s->cursor;

	search->first = start;
	search->last = UINT32_MAX;
	process_each(search_process, search);
	if (search->missing && !search->late && start) {
		search->first = 0;
		search->last = start - 1;
		process_each(search_process, search);
	}
	if (!search->late)
		s->cursor = 0;
	return !search->late;
}

/* Returns false when not everything missing was looked for everywhere. */
static bool search_everywhere(struct search *search)
{
	struct process_sockets *s = search->sockets;
	uint64_t start = now_ns(), end = start + s->allowance_ns;
	uint32_t cursor = s->cursor;
	bool complete = false;

	search->deadline_ns = s->allowance_ns > KNOWN_LIMIT_NS ? start + KNOWN_LIMIT_NS : end;
	search_known(search);
	s->cursor = cursor;
	if (!search->missing) {
		complete = true;
	} else if (now_ns() < end) {
		search->late = false;
		search->deadline_ns = end;
		complete = search_all(search);
	}
	start = now_ns() - start;
	s->allowance_ns = start < s->allowance_ns ? s->allowance_ns - start : 0;
	return complete;
}

static void refill(struct process_sockets *s, uint64_t now)
{
	s->allowance_ns += (now - s->allowance_at_ns) / SHARE;
	if (s->allowance_ns > BURST_NS)
		s->allowance_ns = BURST_NS;
	s->allowance_at_ns = now;
}

void process_sockets_find(struct process_sockets *s, const uint32_t *inodes, uint32_t *pids,
			  size_t n)
{
	struct search wanted = {
		.sockets = s, .inodes = inodes, .pids = pids, .n = n, .last = UINT32_MAX
	};
	uint64_t now = now_ns();
	bool worth_it = false;

	for (size_t i = 0; i < n; i++) {
		struct place *place = inodes[i] ? recall(s, inodes[i]) : NULL;

		pids[i] = place && place->pid && still_there(place) ? place->pid : 0;
		if (pids[i] || !inodes[i])
			continue;
		wanted.missing++;
		if (!place || place->pid || now - place->time_ns > NS_PER_SEC)
			worth_it = true;
	}
	refill(s, now);
	if (!worth_it || s->allowance_ns < NOT_WORTH_NS || !search_everywhere(&wanted))
		return;
	for (size_t i = 0; i < n; i++)
		if (inodes[i] && !pids[i])
			remember(s, inodes[i], 0, -1);
}
