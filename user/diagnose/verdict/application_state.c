// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What keeps a process from its work, as the host has it when the check is over: marked so,
 * as it may have been otherwise a moment ago.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/ask.h"
#include "diagnose/verdict/application.h"

/* Throttled in so many of 100 periods, it is no surprise that an answer is late. */
#define THROTTLED_PERCENT 25
#define THROTTLED_PERIODS 5
#define MEMORY_PERCENT 97
/* "some avg10" of PSI that is worth a note: of the process's own cgroup, and of the whole host. */
#define PRESSURE_CPU 50
#define PRESSURE_IO 40
#define PRESSURE_MEMORY 20
#define PRESSURE_CPU_HOST 90
#define PRESSURE_IO_HOST 60
#define PRESSURE_MEMORY_HOST 30

/* The process that is asked about, and what was answered. */
struct state {
	uint32_t pid;
	char who[HCT_COMM_LEN + 24]; /* "nginx (pid 812)" */
	struct host_condition c;
};

static bool find_state(const struct facts *f, struct state *s)
{
	struct host_listener l;

	memset(s, 0, sizeof(*s));
	if (f->p->has_process)
		s->pid = f->p->pid;
	else if (facts_listener(f, &l))
		s->pid = l.pid;
	if (!s->pid || ask_condition(f->given.host, s->pid, &s->c))
		return false;
	snprintf(s->who, sizeof(s->who), "%.15s (pid %" PRIu32 ")",
		 s->c.comm[0] ? s->c.comm : "the process", s->pid);
	return true;
}

/* Of its cgroup the unit or container, as far as its name tells: "system-web.slice/web.service". */
static bool is_docker(const struct host_condition *c)
{
	return strstr(c->frozen, "docker") != NULL;
}

static bool say_stopped(const struct state *s, struct diagnosis *d)
{
	const struct host_condition *c = &s->c;
	bool itself = c->state[0] == 'T';
	size_t children = c->n_stopped - itself;

	if (!c->n_stopped || c->n_stopped > HOST_MAX_STOPPED)
		return false;
	if (!itself && children != c->children) {
		say(WHY(d), " Asked right after, %zu of the %" PRIu32 " children of %s were stopped (state T).",
		    children, c->children, s->who);
		add_advice(d, "Let those that are stopped go on: kill -CONT with their numbers, of state T in ps.");
		show_threads(s->pid, d);
		return true;
	}
	say(WHY(d), " Asked right after, %s", s->who);
	if (!itself)
		say(WHY(d), " had all its children stopped");
	else
		say(WHY(d), " was stopped");
	say(WHY(d), " (state T: SIGSTOP, or Ctrl-Z in its terminal)");
	if (itself && children)
		say(WHY(d), ", with %zu of its %" PRIu32 " children", children, c->children);
	say(WHY(d), ".");
	FIX_COMMAND(d, "kill -CONT");
	for (size_t i = 0; i < c->n_stopped; i++)
		FIX_COMMAND(d, " %u", c->stopped[i].pid);
	add_advice(d, "Then find out who stopped it: a terminal, a script, a debugger that left it so.");
	show_threads(s->pid, d);
	return true;
}

static bool say_traced(const struct state *s, struct diagnosis *d)
{
	const struct host_condition *c = &s->c;

	if (c->state[0] != 't')
		return false;
	say(WHY(d), " Asked right after, %s was stopped by a debugger (state t)", s->who);
	if (c->tracer)
		say(WHY(d), ", process %" PRIu32, c->tracer);
	say(WHY(d), ".");
	add_advice(d, "Let the debugger continue or detach (gdb: continue, detach); kill -CONT does not help here.");
	if (c->tracer)
		SHOW_COMMAND(d, "ps -o pid,stat,user,args -p %u,%u", s->pid, c->tracer);
	else
		show_threads(s->pid, d);
	return true;
}

static bool say_frozen(const struct state *s, struct diagnosis *d)
{
	const struct host_condition *c = &s->c;

	if (!c->frozen_levels)
		return false;
	say(WHY(d), " Asked right after, the cgroup of %s was frozen", s->who);
	if (c->frozen[0])
		say(WHY(d), " (%s)", c->frozen);
	say(WHY(d), ".");
	if (c->frozen[0] && c->frozen_levels == 1 && c->frozen_v1)
		FIX_COMMAND(d, "echo THAWED > %s", c->frozen);
	else if (c->frozen[0] && c->frozen_levels == 1)
		FIX_COMMAND(d, "echo 0 > %s", c->frozen);
	if (is_docker(c))
		add_advice(d, "Docker paused the container: docker unpause is its own way, and keeps "
			      "what it shows right.");
	else
		add_advice(d, "Where systemd or a container engine froze it, thaw it there "
			      "(systemctl thaw, docker unpause).");
	show_threads(s->pid, d);
	return true;
}

/* Is what was seen what a process does that has no descriptor left?  It is told before accept(). */
static bool say_files(const struct facts *f, const struct state *s, struct diagnosis *d)
{
	const struct host_condition *c = &s->c;

	if (f->p->accepted_ns || f->p->read_ns || f->p->first_byte_ns || !c->files_limit ||
	    c->files < c->files_limit)
		return false;
	say(WHY(d), " Asked right after, %s had %" PRIu32 " descriptors open, and may have %" PRIu32
		    " (RLIMIT_NOFILE): accept() fails then.", s->who, c->files, c->files_limit);
	if ((uint64_t)c->files_limit * 2 <= c->files_hard) {
		FIX_COMMAND(d, "prlimit --pid %u --nofile=%u:", c->files_pid, c->files_limit * 2);
		add_advice(d, "That lasts until it is restarted: set LimitNOFILE= in its unit, too, or ulimit -n "
			      "where it is started.");
	} else {
		add_advice(d, "Raise LimitNOFILE= in its unit, or ulimit -n where it is started, and restart it.");
	}
	add_advice(d, "If the number only grows, it leaks descriptors: see which.");
	SHOW_COMMAND(d, "ls -l /proc/%u/fd", c->files_pid);
	return true;
}

static bool say_uninterruptible(const struct state *s, struct diagnosis *d)
{
	const struct host_condition *c = &s->c;

	if (c->state[0] != 'D')
		return false;
	say(WHY(d), " Asked right after, %s was in uninterruptible sleep (state D", s->who);
	if (c->waits_in[0])
		say(WHY(d), ", in %s", c->waits_in);
	say(WHY(d), "): mostly a disk, a network file system or a driver lets it wait so.");
	add_advice(d, "See which it is: dmesg, the mounts that it uses (NFS), the health of the disks.");
	SHOW_COMMAND(d, "cat /proc/%u/stack", s->pid);
	return true;
}

static bool say_throttled(const struct state *s, struct diagnosis *d)
{
	const struct host_condition *c = &s->c;
	uint64_t hundredths = c->cpu_period_us ? c->cpu_quota_us * 100 / c->cpu_period_us : 0;

	if (!c->cpu_quota_us || c->cpu_periods < THROTTLED_PERIODS ||
	    c->cpu_throttled * 100 < c->cpu_periods * THROTTLED_PERCENT)
		return false;
	say(WHY(d), " The cgroup of %s may use %" PRIu64 ".%02" PRIu64 " of a CPU, and was throttled in %" PRIu64
		    " of %" PRIu64 " periods %s.", s->who, hundredths / 100, hundredths % 100,
	    c->cpu_throttled, c->cpu_periods,
	    c->cpu_grown ? "since it was asked before" : "so far");
	add_advice(d, "Raise its limit (CPUQuota= of its unit, docker update --cpus, limits.cpu of the pod), or find "
		      "out what it does with its time.");
	show_threads(s->pid, d);
	return true;
}

static bool say_memory(const struct state *s, struct diagnosis *d)
{
	const struct host_condition *c = &s->c;

	/* a cgroup is often full of file cache, which does no harm: not without that it waits */
	if (!c->memory_max || c->host_pressure || c->memory_pressure < PRESSURE_MEMORY ||
	    (double)c->memory * 100 < (double)c->memory_max * MEMORY_PERCENT)
		return false;
	say(WHY(d), " The cgroup of %s has used up its memory: %" PRIu64 " of %" PRIu64
		    " MiB, and its tasks wait for some (PSI: more than %" PRIu32 " %% of the last 10 s)",
	    s->who, c->memory >> 20, c->memory_max >> 20, c->memory_pressure / 10 * 10);
	if (c->oom_kills)
		say(WHY(d), "; %" PRIu64 " of its processes were killed for that so far", c->oom_kills);
	say(WHY(d), ".");
	add_advice(d, "Raise its limit (MemoryMax= of its unit, docker update --memory, limits.memory of the pod), or "
		      "find out what it keeps in memory.");
	show_threads(s->pid, d);
	return true;
}

static void note_pressure(const struct state *s, struct diagnosis *d)
{
	const struct host_condition *c = &s->c;
	bool host = c->host_pressure;
	const char *what = NULL;
	uint32_t percent = 0;

	if (c->memory_pressure >= (host ? PRESSURE_MEMORY_HOST : PRESSURE_MEMORY)) {
		what = "memory";
		percent = c->memory_pressure;
	} else if (c->io_pressure >= (host ? PRESSURE_IO_HOST : PRESSURE_IO)) {
		what = "disks";
		percent = c->io_pressure;
	} else if (c->cpu_pressure >= (host ? PRESSURE_CPU_HOST : PRESSURE_CPU)) {
		what = "a CPU";
		percent = c->cpu_pressure;
	}
	if (what && !d->note[0])
		say(NOTE(d), "Asked right after, %s waited for %s during at least %" PRIu32
			     " %% of the last 10 s (PSI).",
		    host ? "some task of this host" : "some task of the process's cgroup", what,
		    percent / 10 * 10);
}

bool say_state(const struct facts *f, struct diagnosis *d)
{
	struct state s;

	if (!find_state(f, &s))
		return false;
	if (say_frozen(&s, d) || say_stopped(&s, d) || say_traced(&s, d) || say_files(f, &s, d) ||
	    say_uninterruptible(&s, d) || say_memory(&s, d) || say_throttled(&s, d))
		return true;
	note_pressure(&s, d);
	return false;
}

bool say_socket_unit(const struct facts *f, struct diagnosis *d)
{
	struct host_listener l;
	char unit[64];

	if (!f->tcp || f->p->has_process || !facts_listener(f, &l) || strcmp(l.comm, "systemd") != 0)
		return false;
	if (l.pid != 1 || probe_forwarded(f->p) || ask_socket_unit(f->given.host, f->port, unit))
		unit[0] = '\0';
	say(WHY(d), " systemd holds that port");
	if (unit[0])
		say(WHY(d), " for its socket unit %s", unit);
	else
		say(WHY(d), " for a socket unit");
	say(WHY(d), ", and starts a service for what comes in: that did not start, or does not accept.");
	add_advice(d, "See why the service behind the socket unit fails: systemctl status, and journalctl -u with its "
		      "name; then systemctl reset-failed, and start it.");
	if (unit[0])
		SHOW_COMMAND(d, "systemctl status --no-pager %s", unit);
	else
		SHOW_COMMAND(d, "systemctl list-sockets --no-pager --all");
	return true;
}
