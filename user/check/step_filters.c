// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 4, what is no firewall rule: XDP and tc programs of others, and connection tracking. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "diagnose/bpf_owner.h"

#define WARN_PERCENT 80

static void tell_program(struct check *c, const struct attached_program *p)
{
	struct finding out = check_finding(c, CHECK_WARN);
	bool xdp = !strcmp(p->where, "XDP");
	const char *owner;

	CHECK_PUT(out.what, "%s has %s %s program", p->device, xdp ? "an" : "a", p->where);
	if (p->id)
		CHECK_PUT(out.what, " %s%s(id %u)", p->name, p->name[0] ? " " : "", p->id);
	CHECK_PUT(out.what, ", which could drop checks or their answers.");
	CHECK_PUT(out.why, "What it decides cannot be told from here%s.",
		  xdp ? "; what it drops, the kernel never sees" : "");
	CHECK_SHOW(&out, "bpftool net show dev %s", p->device);
	if (!xdp)
		CHECK_SHOW(&out, "; tc filter show dev %s %s", p->device, p->where + 3);
	owner = bpf_owner_advise(p->name, c->facts->settings->from_text, &out.fix);
	if (owner)
		CHECK_PUT(out.why, " It is %s's.", owner);
	else
		CHECK_ADVISE(&out, "Ask who attached it whether it lets the load balancer pass.");
	check_say(c, &out);
}

static bool is_listed(const struct host_devices *devices, const char *name)
{
	for (size_t i = 0; i < devices->n; i++)
		if (strcmp(devices->d[i].name, name) == 0)
			return true;
	return false;
}

/* Whether an interface that is to be looked at found no room in the list. */
static bool misses_device(const struct check_facts *f)
{
	const struct settings *s = f->settings;

	for (size_t i = 0; f->devices.truncated && i < s->n_interfaces; i++)
		if (!is_listed(&f->devices, s->interfaces[i]))
			return true;
	return f->devices.truncated && !s->n_interfaces;
}

static void check_programs(struct check *c)
{
	const struct check_facts *f = c->facts;
	struct finding out = check_finding(c, CHECK_OK);
	int err = f->devices_err ? f->devices_err : f->programs_err;

	for (size_t i = 0; i < f->n_programs; i++)
		if (check_device_wanted(f, f->program[i].device))
			tell_program(c, &f->program[i]);
	if (!err && misses_device(f))
		err = -E2BIG;
	if (err) {
		check_unread(c, err, "Which XDP and tc programs are attached to each interface");
	} else if (!f->n_programs) {
		CHECK_PUT(out.what, "No XDP or tc program of another is attached.");
		CHECK_SHOW(&out, "bpftool net show");
		check_say(c, &out);
	}
}

/* Other namespaces than the first can only read it: nf_conntrack_standalone_init_sysctl() (6.1). */
static void put_conntrack_max(const struct check_facts *f, int64_t max, struct finding *out)
{
	if (f->own_netns && !f->first_netns_is_seen) {
		CHECK_ADVISE(out, "Raise net.netfilter.nf_conntrack_max in the host's own network "
				  "namespace: this one can only read it.");
		return;
	}
	if (f->own_netns)
		CHECK_FIX(out, "nsenter -t 1 -n ");
	CHECK_FIX(out, "sysctl -w net.netfilter.nf_conntrack_max=%ld", (long)max);
}

static void check_conntrack(struct check *c)
{
	struct finding out = check_finding(c, CHECK_OK);
	int64_t count, max;

	if (!check_sysctl(c, "net.netfilter.nf_conntrack_count", &count) ||
	    !check_sysctl(c, "net.netfilter.nf_conntrack_max", &max) || max <= 0)
		return; /* no connection tracking, nothing to fill */
	if (count >= max)
		out.result = CHECK_FAIL;
	else if (count * 100 >= max * WARN_PERCENT)
		out.result = CHECK_WARN;
	CHECK_PUT(out.what, "The connection tracking table holds %" PRId64 " of at most %" PRId64
			    " entries.", count, max);
	CHECK_SHOW(&out, "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max");
	if (out.result == CHECK_FAIL)
		CHECK_PUT(out.why, "New connections, checks among them, are dropped.");
	if (out.result != CHECK_OK)
		put_conntrack_max(c->facts, max * 2, &out);
	check_say(c, &out);
}

void check_filters(struct check *c)
{
	check_programs(c);
	check_conntrack(c);
}
