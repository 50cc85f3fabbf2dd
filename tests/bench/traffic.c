// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the traffic generators of the benchmark share: namespaces, processors, clocks. */
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

_Noreturn void traffic_die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

void traffic_enter(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		traffic_die(path);
	close(fd);
}

void traffic_pin(unsigned cpu)
{
	cpu_set_t allowed, one;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) || CPU_COUNT(&allowed) < 2)
		return;
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &allowed) || cpu--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

double traffic_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

uint32_t traffic_ipv4(const char *text)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, text, &addr) == 1)
		return addr.s_addr;
	errno = EINVAL;
	traffic_die(text);
}

unsigned long traffic_number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end != text && !*end)
		return n;
	errno = EINVAL;
	traffic_die(text);
}

static int ready[2]; /* a pipe: its end tells that the child serves */

void traffic_ready(void)
{
	close(ready[1]);
}

int traffic_serve(const char *netns, void (*serve)(void *ctx), void *ctx)
{
	char byte;
	pid_t pid;

	if (pipe(ready))
		traffic_die("pipe");
	pid = fork();
	if (pid < 0)
		traffic_die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		traffic_enter(netns);
		serve(ctx);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) < 0)
		traffic_die("pipe");
	close(ready[0]);
	return pid;
}

void traffic_end(int pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
