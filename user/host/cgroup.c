// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a process's cgroups keep it from: frozen, throttled, out of memory, starved.
 *
 * `ip netns exec` mounts a fresh /sys without cgroups, so they are looked for where
 * process 1 or those that started this one have them, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condition.h"
#include "small_file.h"

#define MAX_LEVELS 16
#define MAX_PARENTS 8
#define MOUNT "/sys/fs/cgroup"
#define NO_LIMIT (UINT64_C(1) << 60) /* version 1 has a number near 2^63 where there is none */

struct reader {
	struct throttled *before;
	struct host_condition *out;
	int root; /* the folder MOUNT, or -1 */
	const char *unified; /* below it: "" or "unified/" */
};

static bool has(int dir, const char *path)
{
	return faccessat(dir, path, F_OK, 0) == 0;
}

/* As process PID has it (0: as we have).  -1: nothing is mounted there. */
static int open_mount_of(uint32_t pid)
{
	char path[64] = MOUNT;
	int fd;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%u/root" MOUNT, pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || has(fd, "cgroup.procs") || has(fd, "unified/cgroup.procs") ||
	    has(fd, "cpu/cgroup.procs") || has(fd, "memory/cgroup.procs"))
		return fd;
	close(fd);
	return -1;
}

static int open_mount(void)
{
	int fd = open_mount_of(0);
	uint64_t pid = getpid();

	for (int i = 0; fd < 0 && i < MAX_PARENTS && pid > 1; i++) {
		char path[32], text[2048];

		snprintf(path, sizeof(path), "/proc/%u/status", (uint32_t)pid);
		if (small_file_read(AT_FDCWD, path, text, sizeof(text)) <= 0 ||
		    !small_file_number(text, "PPid:", &pid) || !pid)
			break;
		fd = open_mount_of((uint32_t)pid);
	}
	return fd >= 0 ? fd : open_mount_of(1);
}

static ssize_t read_in(const struct reader *r, const char *folder, const char *file, char *out,
		       size_t size)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return small_file_read(r->root, path, out, size);
}

static bool number_in(const struct reader *r, const char *folder, const char *file, uint64_t *out)
{
	char text[64], *end;

	if (read_in(r, folder, file, text, sizeof(text)) <= 0)
		return false;
	*out = strtoull(text, &end, 10);
	return end != text && text[0] != '-';
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	while (*text)
		hash = (hash ^ (unsigned char)*text++) * UINT64_C(0x100000001b3);
	return hash | 1;
}

static void take_frozen(const struct reader *r, const char *folder, const char *file, bool v1)
{
	struct host_condition *c = r->out;

	c->frozen_levels++;
	c->frozen_v1 = v1;
	if (snprintf(c->frozen, sizeof(c->frozen), MOUNT "/%s/%s", folder, file) >=
	    (int)sizeof(c->frozen))
		c->frozen[0] = '\0';
}

/* What FOLDER was throttled since it was asked before, if it was. */
static void take_throttled(const struct reader *r, const char *folder, uint64_t quota,
			   uint64_t period)
{
	struct throttled *before = r->before;
	struct host_condition *c = r->out;
	uint64_t periods, throttled, cgroup = hash_of(folder);
	char text[512];
	size_t i = 0;

	if (c->cpu_quota_us || read_in(r, folder, "cpu.stat", text, sizeof(text)) <= 0 ||
	    !small_file_number(text, "nr_periods", &periods) ||
	    !small_file_number(text, "nr_throttled", &throttled))
		return;
	while (i < sizeof(before->seen) / sizeof(before->seen[0]) && before->seen[i].cgroup != cgroup)
		i++;
	c->cpu_quota_us = quota;
	c->cpu_period_us = period;
	c->cpu_periods = periods;
	c->cpu_throttled = throttled;
	if (i == sizeof(before->seen) / sizeof(before->seen[0])) {
		i = before->next;
		before->next = (i + 1) % (sizeof(before->seen) / sizeof(before->seen[0]));
	} else if (periods >= before->seen[i].periods && throttled >= before->seen[i].throttled) {
		c->cpu_grown = true;
		c->cpu_periods = periods - before->seen[i].periods;
		c->cpu_throttled = throttled - before->seen[i].throttled;
	}
	before->seen[i].cgroup = cgroup;
	before->seen[i].periods = periods;
	before->seen[i].throttled = throttled;
}

/* Of several the one that is nearest to its limit. */
static void take_memory(struct host_condition *c, uint64_t used, uint64_t max)
{
	if (!max || max >= NO_LIMIT)
		return;
	if (c->memory_max && (double)used / (double)max <= (double)c->memory / (double)c->memory_max)
		return;
	c->memory = used;
	c->memory_max = max;
}

static void read_v2_level(const struct reader *r, const char *folder, bool leaf)
{
	unsigned long long quota, period;
	uint64_t frozen, used, max;
	char text[512];

	if (number_in(r, folder, "cgroup.freeze", &frozen) && frozen)
		take_frozen(r, folder, "cgroup.freeze", false);
	if (read_in(r, folder, "cpu.max", text, sizeof(text)) > 0 &&
	    sscanf(text, "%llu %llu", &quota, &period) == 2)
		take_throttled(r, folder, quota, period);
	if (number_in(r, folder, "memory.max", &max) &&
	    number_in(r, folder, "memory.current", &used))
		take_memory(r->out, used, max);
	if (leaf && read_in(r, folder, "memory.events", text, sizeof(text)) > 0)
		small_file_number(text, "oom_kill", &r->out->oom_kills);
}

static void read_v1_freezer(const struct reader *r, const char *folder, bool leaf)
{
	uint64_t frozen;

	if (number_in(r, folder, "freezer.self_freezing", &frozen) && frozen)
		take_frozen(r, folder, "freezer.state", true);
}

static void read_v1_cpu(const struct reader *r, const char *folder, bool leaf)
{
	uint64_t quota, period;

	if (number_in(r, folder, "cpu.cfs_quota_us", &quota) &&
	    number_in(r, folder, "cpu.cfs_period_us", &period))
		take_throttled(r, folder, quota, period);
}

static void read_v1_memory(const struct reader *r, const char *folder, bool leaf)
{
	uint64_t used, max;
	char text[256];

	if (number_in(r, folder, "memory.limit_in_bytes", &max) &&
	    number_in(r, folder, "memory.usage_in_bytes", &used))
		take_memory(r->out, used, max);
	if (leaf && read_in(r, folder, "memory.oom_control", text, sizeof(text)) > 0)
		small_file_number(text, "oom_kill", &r->out->oom_kills);
}

/* READ for each cgroup from that of PATH up to, without it, the root of HIERARCHY. */
static void each_level(const struct reader *r, const char *hierarchy, const char *path,
		       void (*read)(const struct reader *r, const char *folder, bool leaf))
{
	char folder[PATH_MAX];
	size_t root = strlen(hierarchy);
	bool leaf = true;

	if (snprintf(folder, sizeof(folder), "%s%s", hierarchy, path + 1) >= (int)sizeof(folder))
		return;
	for (int i = 0; i < MAX_LEVELS && strlen(folder) > root; i++, leaf = false) {
		char *slash = strrchr(folder, '/');

		read(r, folder, leaf);
		if (!slash || slash < folder + root)
			return;
		*slash = '\0';
	}
}

/* Percent of the last ten seconds in which some task waited; "some avg10=12.34 …". */
static bool pressure_in(int dir, const char *path, uint32_t *percent)
{
	char text[256];
	double avg10;

	if (small_file_read(dir, path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "some avg10=%lf", &avg10) != 1)
		return false;
	*percent = avg10 > 0 ? (uint32_t)avg10 : 0;
	return true;
}

static void read_pressure(const struct reader *r, const char *path)
{
	struct host_condition *c = r->out;
	char file[PATH_MAX];
	bool own = false;

	if (r->root >= 0 && path[0] && path[1]) {
		snprintf(file, sizeof(file), "%s%.2000s/cpu.pressure", r->unified, path + 1);
		own = pressure_in(r->root, file, &c->cpu_pressure);
		snprintf(file, sizeof(file), "%s%.2000s/io.pressure", r->unified, path + 1);
		own = own && pressure_in(r->root, file, &c->io_pressure);
		snprintf(file, sizeof(file), "%s%.2000s/memory.pressure", r->unified, path + 1);
		own = own && pressure_in(r->root, file, &c->memory_pressure);
	}
	if (own)
		return;
	c->host_pressure = true;
	pressure_in(AT_FDCWD, "/proc/pressure/cpu", &c->cpu_pressure);
	pressure_in(AT_FDCWD, "/proc/pressure/io", &c->io_pressure);
	pressure_in(AT_FDCWD, "/proc/pressure/memory", &c->memory_pressure);
}

static bool lists(const char *controllers, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = controllers; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, len) == 0 && (!at[len] || at[len] == ','))
			return true;
	}
	return false;
}

/* Version 1: CONTROLLERS as /proc/PID/cgroup has them; their folder has that name, or the first's. */
static void read_v1(const struct reader *r, const char *controllers, const char *path)
{
	static const struct {
		const char *name;
		void (*read)(const struct reader *r, const char *folder, bool leaf);
	} known[] = {
		{ "freezer", read_v1_freezer },
		{ "cpu", read_v1_cpu },
		{ "memory", read_v1_memory },
	};
	char hierarchy[128];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!lists(controllers, known[i].name))
			continue;
		snprintf(hierarchy, sizeof(hierarchy), "%.100s/", controllers);
		if (!has(r->root, hierarchy))
			snprintf(hierarchy, sizeof(hierarchy), "%s/", known[i].name);
		each_level(r, hierarchy, path, known[i].read);
	}
}

void condition_read_cgroup(struct throttled *before, int proc, struct host_condition *out)
{
	struct reader r = { .before = before, .out = out, .root = open_mount(), .unified = "" };
	char text[8192], *rest = text, *line, unified[PATH_MAX] = "";

	if (small_file_read(proc, "cgroup", text, sizeof(text)) < 0)
		text[0] = '\0';
	if (r.root >= 0 && !has(r.root, "cgroup.procs") && has(r.root, "unified/cgroup.procs"))
		r.unified = "unified/";
	while (r.root >= 0 && (line = strsep(&rest, "\n"))) {
		char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;

		/* ".." leads out of the cgroup namespace that we are in */
		if (!path || path[1] != '/' || strstr(path, "/.."))
			continue;
		*path++ = '\0';
		controllers++;
		if (*controllers) {
			read_v1(&r, controllers, path);
			continue;
		}
		snprintf(unified, sizeof(unified), "%s", path);
		each_level(&r, r.unified, path, read_v2_level);
		snprintf(out->cgroup, sizeof(out->cgroup), "%.127s", path);
	}
	read_pressure(&r, unified);
	if (r.root >= 0)
		close(r.root);
}
