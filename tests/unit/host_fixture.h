/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The running host's answers, in network and mount namespaces of the test's
 * own, which end with it.  Without root it takes a user namespace; where even
 * that is not allowed, everything is skipped.
 */
#ifndef HCT_HOST_FIXTURE_H
#define HCT_HOST_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host_live.h"
#include "host/netns.h"
#include "host/process.h"
#include "host/sysctl.h"

static const char *lacking; /* what keeps these tests from running; NULL: nothing */

static inline int run(const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "PATH=$PATH:/usr/sbin:/sbin; { %s; } >/dev/null 2>&1",
		 command);
	return system(line);
}

static inline bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A process of its own user namespace counts as root there. */
static inline bool become_root(void)
{
	unsigned uid = getuid(), gid = getgid();
	char map[32];

	if (unshare(CLONE_NEWUSER) || !write_text("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!write_text("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_text("/proc/self/gid_map", map);
}

static inline int set_up(void **state)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host || host_live_open(host))
		return -1;
	*state = host;
	if (geteuid() && !become_root())
		lacking = "neither root nor user namespaces";
	else if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
		 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		 mount("tmpfs", "/run", "tmpfs", 0, NULL))
		lacking = "no namespaces of one's own";
	else if (run("ip link set lo up && ip link add eth0 type veth peer name peer0 &&"
		     "ip addr add 192.168.0.10/24 dev eth0 &&"
		     "ip addr add 2001:db8::10/64 dev eth0 nodad &&"
		     "ip link set eth0 up && ip link set peer0 up"))
		lacking = "ip(8) cannot make a veth pair";
	return 0;
}

static inline int tear_down(void **state)
{
	host_live_close(*state);
	free(*state);
	return 0;
}

/* At the start of each test that needs the namespaces. */
static inline struct host *host_of(void **state)
{
	if (lacking) {
		print_message("%s\n", lacking);
		skip();
	}
	return *state;
}

static inline void need(const char *command)
{
	if (run(command)) {
		print_message("does not work here: %s\n", command);
		skip();
	}
}

static inline void address(const char *text, uint8_t out[16])
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET6, text, out) == 1)
		return;
	out[10] = out[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

/* fork(), but the child goes when the test does. */
static inline pid_t fork_helper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid && prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(1);
	return pid;
}

static inline void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
