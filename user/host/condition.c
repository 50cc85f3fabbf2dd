// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What keeps a process from its work, from /proc.
 *
 * Who holds the listening socket may leave the work to its children: their states and
 * descriptors are looked at, too, as far as MAX_CHILDREN.
 */
#include "condition.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listeners.h"
#include "process.h"
#include "small_file.h"
#include "upstream.h"

#define MAX_CHILDREN 64
#define MAX_LOOKED_AT 2048 /* descriptors of a process */
#define MAX_COUNTED 65536 /* descriptors, where the kernel does not tell their number */

static int open_process(uint32_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : errno == ENOENT ? -ESRCH : -errno;
}

/* The first letter of its state; 0 unknown. */
static char state_of(int proc, uint64_t *tracer)
{
	char text[2048];
	const char *state;

	*tracer = 0;
	if (small_file_read(proc, "status", text, sizeof(text)) <= 0)
		return 0;
	state = strstr(text, "\nState:\t");
	small_file_number(text, "TracerPid:", tracer);
	return state ? state[8] : 0;
}

/* How many descriptors are open; 0: not known. */
static uint32_t count_files(int proc)
{
	int fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	uint32_t n = 0;
	struct stat st;
	DIR *dir;

	if (fd < 0)
		return 0;
	/* the number itself: 6.2, f1f1f2569901 */
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		close(fd);
		return st.st_size < UINT32_MAX ? (uint32_t)st.st_size : UINT32_MAX;
	}
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return 0;
	}
	while (n < MAX_COUNTED && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void read_files(int proc, uint32_t pid, struct host_condition *out)
{
	static const char key[] = "Max open files";
	unsigned long soft, hard;
	char text[2048];
	const char *line;
	uint32_t n;

	if (small_file_read(proc, "limits", text, sizeof(text)) <= 0)
		return;
	line = strstr(text, key);
	if (!line || sscanf(line + sizeof(key) - 1, "%lu %lu", &soft, &hard) != 2 || !soft ||
	    soft > INT32_MAX)
		return;
	n = count_files(proc);
	if (out->files_limit && (uint64_t)n * out->files_limit <= (uint64_t)out->files * soft)
		return;
	out->files_pid = pid;
	out->files = n;
	out->files_limit = (uint32_t)soft;
	out->files_hard = hard < INT32_MAX ? (uint32_t)hard : INT32_MAX;
}

/* One of ALL that is a descriptor of PROC. */
static void read_connecting(int proc, const struct connecting_list *all, struct host_condition *out)
{
	const struct dirent *entry;
	DIR *dir;
	int fd;

	if (!all->n || out->connecting)
		return;
	fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir && fd >= 0)
		close(fd);
	for (int n = 0; dir && !out->connecting && n < MAX_LOOKED_AT && (entry = readdir(dir)); n++) {
		char link[64];
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		unsigned inode;

		link[len < 0 ? 0 : len] = '\0';
		if (sscanf(link, "socket:[%u]", &inode) != 1)
			continue;
		for (size_t i = 0; i < all->n; i++) {
			if (all->c[i].inode != inode)
				continue;
			out->connecting = true;
			out->connecting_port = all->c[i].port;
			memcpy(out->connecting_addr, all->c[i].addr, sizeof(out->connecting_addr));
		}
	}
	if (dir)
		closedir(dir);
}

static void take_stopped(struct host_condition *out, uint32_t pid)
{
	if (out->n_stopped < HOST_MAX_STOPPED)
		out->stopped[out->n_stopped++].pid = pid;
}

static void read_child(uint32_t pid, const struct connecting_list *all, struct host_condition *out)
{
	int proc = open_process(pid);
	uint64_t tracer;

	if (proc < 0)
		return;
	out->children++;
	if (state_of(proc, &tracer) == 'T')
		take_stopped(out, pid);
	read_files(proc, pid, out);
	read_connecting(proc, all, out);
	close(proc);
}

static void read_children(int proc, uint32_t pid, const struct connecting_list *all,
			  struct host_condition *out)
{
	char path[48], text[1024], *rest = text, *end;
	ssize_t len;

	snprintf(path, sizeof(path), "task/%u/children", pid);
	len = small_file_read(proc, path, text, sizeof(text));
	while (len > 0 && out->children < MAX_CHILDREN) {
		uint32_t child = (uint32_t)strtoul(rest, &end, 10);

		if (end == rest || *end != ' ') /* the last one may be cut */
			break;
		rest = end;
		read_child(child, all, out);
	}
}

static void read_command(int proc, struct host_condition *out)
{
	char text[4096];
	ssize_t len = small_file_read(proc, "cmdline", text, sizeof(text));

	out->proxies = len > 0 && upstream_of_command(text, (size_t)len, out->upstream,
						      &out->upstream_port);
	if (!out->proxies)
		memset(out->upstream, 0, sizeof(out->upstream));
}

int condition_read(struct throttled *before, uint32_t pid, struct host_condition *out)
{
	int proc = open_process(pid), err;
	struct connecting_list all;
	uint64_t tracer;

	memset(out, 0, sizeof(*out));
	if (proc < 0)
		return proc;
	err = process_comm(pid, out->comm);
	if (err)
		goto cleanup;
	out->state[0] = state_of(proc, &tracer);
	out->tracer = (uint32_t)tracer;
	if (out->state[0] == 'T')
		take_stopped(out, pid);
	if (out->state[0] == 'D' &&
	    (small_file_read(proc, "wchan", out->waits_in, sizeof(out->waits_in)) <= 0 ||
	     strcmp(out->waits_in, "0") == 0))
		out->waits_in[0] = '\0';
	if (listeners_connecting(&all))
		all.n = 0;
	read_files(proc, pid, out);
	read_connecting(proc, &all, out);
	read_children(proc, pid, &all, out);
	read_command(proc, out);
	condition_read_cgroup(before, proc, out);
cleanup:
	close(proc);
	return err;
}
