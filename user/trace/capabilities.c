// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What this kernel lets hctrace see. */
#include "capabilities.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "kernel_btf.h"
#include "nft_trace.h"
#include "point_list.h"
#include "programs.h"
#include "diagnose/verdict.h"
#include "stream/points.h"

/* What a kernel may have, in the order in which kernels got it. */
static const struct {
	enum how how;
	const char *name;
} tiers[] = {
	{ BY_TRACEPOINT, "tracepoints" },
	{ BY_FUNCTION, "function probes" },
	{ BY_TC, "tc programs" },
	{ BY_LIBWRAP, "uprobes in libwrap" },
	{ BY_LADDER, "netfilter links" },
	{ BY_XDP, "XDP" },
};

struct lines {
	struct capability *out;
	size_t n, max;
};

static struct capability *line(struct lines *lines, enum check_result result)
{
	if (lines->n == lines->max)
		lines->n--; /* the last says what came last */
	memset(&lines->out[lines->n], 0, sizeof(lines->out[0]));
	lines->out[lines->n].result = result;
	return &lines->out[lines->n++];
}

static void tell_tiers(struct lines *lines, const struct programs *p, bool nft_trace)
{
	struct capability *cap = line(lines, CHECK_OK);

	CHECK_PUT(cap->what, "The kernel takes hctrace's ");
	for (size_t t = 0, n = 0; t < sizeof(tiers) / sizeof(tiers[0]); t++) {
		bool any = false;

		for (size_t i = 0; i < n_program_rows; i++)
			any |= p->wanted[i] && program_rows[i].how == tiers[t].how;
		if (any)
			CHECK_PUT(cap->what, "%s%s", n++ ? ", " : "", tiers[t].name);
	}
	CHECK_PUT(cap->what, "; the tier in use is '%s'. A live run would observe: ",
		  programs_want(p, BY_FUNCTION) ? "functions" : "tracepoints");
	for (enum hct_point point = 0, n = 0; point < HCT_POINT_COUNT; point++) {
		bool any = nft_trace && point == HCT_POINT_NFT_TRACE;

		for (size_t i = 0; i < n_program_rows; i++)
			any |= p->wanted[i] && program_rows[i].point == point;
		if (any)
			CHECK_PUT(cap->what, "%s%s", n++ ? ", " : "", point_name(point));
	}
	CHECK_PUT(cap->what, ".");
}

static bool has_point(const struct programs *p, enum hct_point point)
{
	for (size_t i = 0; i < n_program_rows; i++)
		if (p->wanted[i] && program_rows[i].point == point)
			return true;
	return false;
}

/* The points that are missing for the kernel's sake, and what that costs. */
static void tell_missing(struct lines *lines, const struct programs *p,
			 const struct point_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct point_status *status = &list->points[i];
		struct capability *cap;
		enum verdict_id costs[VERDICT_COUNT];
		size_t n = verdicts_needing(status->point, costs);

		if (status->attached || has_point(p, status->point) ||
		    (!n && status->point != HCT_POINT_NETFILTER &&
		     status->point != HCT_POINT_NFT_TRACE && status->point != HCT_POINT_ACCEPTED))
			continue;
		cap = line(lines, n ? CHECK_WARN : CHECK_NOTE);
		CHECK_PUT(cap->what, "Not observed: %s: %s.", point_name(status->point),
			  status->detail);
		for (size_t v = 0; v < n; v++)
			CHECK_PUT(cap->why, "%s%s", v ? ", " : "It costs the verdicts ",
				  verdict_info(costs[v])->id);
	}
}

/* No word of the kernel's: it could not be asked. */
static void tell_untried(struct lines *lines, int err)
{
	struct capability *cap = line(lines, CHECK_UNREAD);

	cap->err = err;
	CHECK_PUT(cap->what, "What the kernel lets hctrace see");
}

static void tell_refused(struct lines *lines, int err)
{
	struct capability *cap;

	if (err == -EPERM || err == -EMFILE || err == -ENFILE || err == -ENOMEM) {
		tell_untried(lines, err);
		return;
	}
	cap = line(lines, CHECK_WARN);
	CHECK_PUT(cap->what,
		  "The kernel refuses hctrace's programs (%s): 'hctrace live' cannot run.",
		  strerror(-err));
}

size_t capabilities_read(const struct settings *settings, uint32_t netns, struct capability *out,
			 size_t max)
{
	struct lines lines = { .out = out, .max = max };
	struct point_list list = { .n = 0 };
	struct programs programs = { .object = NULL };
	struct kernel_btf_refusal refusal;
	const char *no_nft_trace;
	struct utsname kernel;
	struct capability *cap;
	struct btf *btf;
	int err;

	libbpf_set_print(NULL);
	btf = kernel_btf_load(settings->btf, &refusal);
	if (!btf && refusal.err) {
		tell_untried(&lines, refusal.err);
		return lines.n;
	}
	if (!btf) {
		cap = line(&lines, CHECK_WARN);
		CHECK_PUT(cap->what, "'hctrace live' cannot run: %s.", refusal.why);
		CHECK_PUT(cap->advice, "To trace here, %s.", refusal.fix);
		return lines.n;
	}
	programs_choose(&programs, settings, btf, &list);
	btf__free(btf);
	err = programs_load(&programs, settings, netns, &list);
	programs_unload(&programs);
	if (err) {
		tell_refused(&lines, err);
		return lines.n;
	}
	uname(&kernel);
	no_nft_trace = programs_want(&programs, BY_RULE_FUNCTION) ? NULL :
		       nft_trace_lacks(settings->passive, kernel.release);
	point_list_say(&list, HCT_POINT_NFT_TRACE, !no_nft_trace, no_nft_trace);
	tell_tiers(&lines, &programs, !no_nft_trace);
	tell_missing(&lines, &programs, &list);
	return lines.n;
}
