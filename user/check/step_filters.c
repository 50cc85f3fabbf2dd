// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 4, what is no firewall rule: XDP and tc programs of others, and connection tracking. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define WARN_PERCENT 80

static void tell_program(struct check *c, const struct attached_program *p)
{
	struct finding out = check_finding(c, CHECK_WARN);
	bool xdp = !strcmp(p->where, "XDP");

	CHECK_PUT(out.what, "%s has %s %s program", p->device, xdp ? "an" : "a", p->where);
	if (p->id)
		CHECK_PUT(out.what, " %s%s(id %u)", p->name, p->name[0] ? " " : "", p->id);
	CHECK_PUT(out.what, ", which could drop checks or their answers.");
	CHECK_PUT(out.why, "What it decides cannot be told from here%s.",
		  xdp ? "; what it drops, the kernel never sees" : "");
	if (xdp)
		CHECK_PUT(out.show, "bpftool net show dev %s", p->device);
	else
		CHECK_PUT(out.show, "bpftool net show dev %s; tc filter show dev %s %s", p->device,
			  p->device, p->where + 3);
	if (xdp)
		CHECK_PUT(out.fix,
			  "To test without it: ip link set dev %s xdp off (what put it there "
			  "may put it back)",
			  p->device);
	else
		CHECK_PUT(out.fix, "Ask who attached it whether it lets the load balancer pass.");
	check_say(c, &out);
}

static void check_programs(struct check *c)
{
	const struct check_facts *f = c->facts;
	struct finding out = check_finding(c, f->programs_err ? CHECK_NOTE : CHECK_OK);

	for (size_t i = 0; i < f->n_programs; i++)
		if (check_device_wanted(f, f->program[i].device))
			tell_program(c, &f->program[i]);
	if (f->programs_err)
		CHECK_PUT(out.what, "Which tc programs are attached could not be read: %s.",
			  f->programs_err == -EPERM ? "that needs root"
						    : strerror(-f->programs_err));
	else
		CHECK_PUT(out.what, "No XDP or tc program of another is attached.");
	CHECK_PUT(out.show, "bpftool net show");
	if (f->programs_err || !f->n_programs)
		check_say(c, &out);
}

static void check_conntrack(struct check *c)
{
	struct finding out = check_finding(c, CHECK_OK);
	int64_t count, max;

	if (!check_sysctl(c->facts, "net.netfilter.nf_conntrack_count", &count) ||
	    !check_sysctl(c->facts, "net.netfilter.nf_conntrack_max", &max) || max <= 0)
		return; /* no connection tracking, nothing to fill */
	if (count >= max)
		out.result = CHECK_FAIL;
	else if (count * 100 >= max * WARN_PERCENT)
		out.result = CHECK_WARN;
	CHECK_PUT(out.what, "The connection tracking table holds %" PRId64 " of at most %" PRId64
			    " entries.", count, max);
	CHECK_PUT(out.show, "sysctl net.netfilter.nf_conntrack_count "
			    "net.netfilter.nf_conntrack_max");
	if (out.result == CHECK_FAIL)
		CHECK_PUT(out.why, "New connections, checks among them, are dropped.");
	if (out.result != CHECK_OK)
		CHECK_PUT(out.fix, "sysctl -w net.netfilter.nf_conntrack_max=%" PRId64, max * 2);
	check_say(c, &out);
}

void check_filters(struct check *c)
{
	check_programs(c);
	check_conntrack(c);
}
