// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The summary at the end: what matters most first, then each target, then the totals. */
#include "text_fix.h"
#include "text_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

#define INDENT 2

/* A target with all the nodes that probe it: a run of rows of the sorted array. */
struct group {
	const struct target *rows;
	size_t n;
	size_t unhealthy; /* nodes that should show it as unhealthy */
	uint64_t unhealthy_ns; /* since when the first of them should */
	uint64_t flips_ns; /* when a node will show it so, if this goes on; 0: none will */
	const char *code; /* what they show then; NULL: nothing known */
	uint64_t silent_ns; /* when the last probe came, where they stopped; 0: they did not */
	uint64_t probes, passed, failed;
	uint64_t by_verdict[VERDICT_COUNT];
};

const char *text_transport(const struct target *t)
{
	if (strcmp(t->protocol, "udp") == 0 || strcmp(t->protocol, "icmp") == 0)
		return t->protocol;
	return "tcp";
}

static int compare_services(const struct target *a, const struct target *b)
{
	int order = memcmp(a->addr, b->addr, sizeof(a->addr));

	if (!order)
		order = (a->port > b->port) - (a->port < b->port);
	return order ? order : strcmp(text_transport(a), text_transport(b));
}

int text_compare_targets(const void *left, const void *right)
{
	const struct target *a = left, *b = right;
	int order = compare_services(a, b);

	return order ? order : memcmp(a->lb, b->lb, sizeof(a->lb));
}

static void take_earlier(uint64_t *earliest, uint64_t when)
{
	if (when && (!*earliest || when < *earliest))
		*earliest = when;
}

/* What the node of T shows, and will. */
static void add_view(struct group *g, const struct target *t)
{
	if (t->state == TARGET_UNHEALTHY) {
		g->unhealthy++;
		take_earlier(&g->unhealthy_ns, t->state_since_ns);
	} else {
		take_earlier(&g->flips_ns, t->flips_at_ns);
	}
	if (t->last_code)
		g->code = t->last_code;
	if (t->silent && t->last_ns > g->silent_ns)
		g->silent_ns = t->last_ns;
}

/* The group that starts at row FIRST. */
static struct group group_at(const struct text_state *s, size_t first)
{
	struct group g = { .rows = &s->targets[first] };

	for (; first + g.n < s->n_targets && compare_services(g.rows, &g.rows[g.n]) == 0; g.n++) {
		const struct target *t = &g.rows[g.n];

		add_view(&g, t);
		g.probes += t->probes;
		g.passed += t->passed;
		g.failed += t->failed;
		for (int i = 0; i < VERDICT_COUNT; i++)
			g.by_verdict[i] += t->by_verdict[i];
	}
	return g;
}

/* The most frequent verdict but healthy, below COUNT (or equal and after AFTER); -1: none. */
static int top_verdict(const uint64_t by_verdict[VERDICT_COUNT], uint64_t count, int after)
{
	int top = -1;

	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (i == VERDICT_HEALTHY || !by_verdict[i] || by_verdict[i] > count ||
		    (by_verdict[i] == count && i <= after))
			continue;
		if (top < 0 || by_verdict[i] > by_verdict[top])
			top = i;
	}
	return top;
}

/*
 * What the target suffers from most; -1: nothing.  A proven cause goes before
 * many open ones, and before a silence, which explains no failure.
 */
static int cause_of(const struct group *g)
{
	uint64_t proven[VERDICT_COUNT];

	memcpy(proven, g->by_verdict, sizeof(proven));
	if (g->failed)
		proven[VERDICT_UNKNOWN] = proven[VERDICT_PROBE_ABORTED] =
			proven[VERDICT_NO_PROBE] = 0;
	else if (g->silent_ns)
		return VERDICT_NO_PROBE;
	return top_verdict(proven, UINT64_MAX, -1);
}

/* Which of two groups an operator should hear of first. */
static bool is_worse(const struct group *a, const struct group *b)
{
	bool bad_a = cause_of(a) >= 0, bad_b = cause_of(b) >= 0;

	if ((a->unhealthy > 0) != (b->unhealthy > 0))
		return a->unhealthy > 0;
	if (a->failed != b->failed)
		return a->failed > b->failed;
	return bad_a && !bad_b;
}

static const char *clock_text(char out[CLOCK_TEXT_LEN], const struct text_state *s,
			      uint64_t mono_ns)
{
	format_clock(out, (int64_t)mono_ns + s->wall_offset_ns);
	out[sizeof("hh:mm:ss") - 1] = '\0';
	return out;
}

/* What the load balancer makes of it: what it shows, since when, or from when on. */
static void print_consequence(struct text_state *s, const struct group *g)
{
	char clock[CLOCK_TEXT_LEN], code[48] = "";

	if (s->settings->probe_from) { /* checks of our own: none sees them */
		fputc('\n', s->t.out);
		return;
	}
	if (g->code)
		snprintf(code, sizeof(code), " (%s)", g->code);
	if (g->unhealthy && g->unhealthy == g->n)
		fprintf(s->t.out, " The load balancer should show it as unhealthy since %s%s.",
			clock_text(clock, s, g->unhealthy_ns), code);
	else if (g->unhealthy)
		fprintf(s->t.out, " %zu of %zu nodes should show it as unhealthy since %s%s.",
			g->unhealthy, g->n, clock_text(clock, s, g->unhealthy_ns), code);
	else if (g->flips_ns)
		fprintf(s->t.out,
			" If this goes on, it will be shown as unhealthy at %s%s,"
			" by %u failures in a row.",
			clock_text(clock, s, g->flips_ns), code, s->settings->retries);
	else
		fprintf(s->t.out, " It takes %u failures in a row to be shown as unhealthy.",
			s->settings->retries);
	if (g->silent_ns)
		fprintf(s->t.out, " After %s no probe came any more.",
			clock_text(clock, s, g->silent_ns));
	fputc('\n', s->t.out);
}

static void print_silence(struct text_state *s, const struct group *g)
{
	char clock[CLOCK_TEXT_LEN];

	fprintf(s->t.out, "no probe came after %s: %s (%s).\n", clock_text(clock, s, g->silent_ns),
		verdict_info(VERDICT_NO_PROBE)->id, verdict_info(VERDICT_NO_PROBE)->summary);
}

/* The expected ports that nothing came for, where all that came is well. */
static void print_missed(struct text_state *s)
{
	text_print(&s->t, STYLE_BAD, "%s: ", verdict_info(VERDICT_NO_PROBE)->id);
	fputs("what came passed, but nothing came for port", s->t.out);
	for (size_t i = 0; i < s->n_missed; i++)
		fprintf(s->t.out, "%s %u", i ? "," : s->n_missed > 1 ? "s" : "", s->missed[i].port);
	fputs(".\n", s->t.out);
}

/* One sentence: the worst target and its cause. */
static void print_headline(struct text_state *s, const struct totals *totals)
{
	const struct verdict *info;
	char target[ENDPOINT_TEXT_LEN];
	struct group worst = { 0 };
	size_t n = 0;
	int cause;

	for (size_t i = 0; i < s->n_targets; n++) {
		struct group g = group_at(s, i);

		if (!worst.n || is_worse(&g, &worst))
			worst = g;
		i += g.n;
	}
	if (!worst.n)
		return;
	format_endpoint(target, worst.rows->addr, worst.rows->port);
	cause = cause_of(&worst);
	if (cause < 0 && s->n_missed) {
		print_missed(s);
		return;
	}
	if (cause < 0) {
		fprintf(s->t.out, totals->probes == 1 ? "The only probe passed (%s).\n" :
			n == 1 ? "All probes of %s passed.\n" : "All probes passed.\n", target);
		return;
	}
	info = verdict_info((enum verdict_id)cause);
	text_print(&s->t, worst.failed ? STYLE_BAD : STYLE_WARN, "%s (%s): ", target,
		   worst.rows->protocol);
	if (worst.failed) {
		fprintf(s->t.out, "%" PRIu64 " of %" PRIu64 " probes failed, %s%s (%s).",
			worst.failed, worst.probes,
			worst.by_verdict[cause] < worst.failed ? "mostly " : "", info->id,
			info->summary);
		print_consequence(s, &worst);
	} else if (cause == VERDICT_NO_PROBE && worst.silent_ns) {
		print_silence(s, &worst);
	} else {
		fprintf(s->t.out, "no probe of %" PRIu64 " failed, but: %s (%s)", worst.probes,
			info->id, info->summary);
		fprintf(s->t.out, ", %" PRIu64 " time%s.\n", worst.by_verdict[cause],
			worst.by_verdict[cause] == 1 ? "" : "s");
	}
}

/* Milliseconds with three digits or so; the unit stands in the heading. */
static int put_ms(char *out, size_t size, uint64_t us)
{
	int digits = us < 10000 ? 2 : us < 100000 ? 1 : 0;

	return snprintf(out, size, "%.*f", digits, (double)us / 1000);
}

static void latency_text(char out[48], const struct target *t)
{
	int n;

	if (!t->latency_count) {
		strcpy(out, "-");
		return;
	}
	n = put_ms(out, 16, t->latency_p50_us);
	n += snprintf(out + n, 4, " / ");
	n += put_ms(out + n, 14, t->latency_p95_us);
	n += snprintf(out + n, 4, " / ");
	put_ms(out + n, 14, t->latency_max_us);
}

static void print_causes(struct text_state *s, const struct target *t)
{
	uint64_t count = UINT64_MAX;
	int verdict = -1;

	for (const char *comma = ""; (verdict = top_verdict(t->by_verdict, count, verdict)) >= 0;
	     comma = ", ") {
		count = t->by_verdict[verdict];
		fprintf(s->t.out, "%s%s %" PRIu64, comma,
			verdict_info((enum verdict_id)verdict)->id, count);
	}
	if (count == UINT64_MAX)
		fputc('-', s->t.out);
}

static void print_row(struct text_state *s, const struct target *t, int node_width)
{
	char node[ADDR_TEXT_LEN], since[CLOCK_TEXT_LEN] = "-", latency[48];
	bool known = t->state != TARGET_UNDECIDED && !s->settings->probe_from;
	enum style style = !known ? STYLE_PLAIN :
			   t->state == TARGET_UNHEALTHY ? STYLE_BAD : STYLE_GOOD;

	if (known) {
		format_clock(since, (int64_t)t->state_since_ns + s->wall_offset_ns);
		since[sizeof("hh:mm:ss") - 1] = '\0';
	}
	latency_text(latency, t);
	fprintf(s->t.out, "%*s%-*s  ", INDENT, "", node_width, format_addr(node, t->lb));
	text_print(&s->t, style, "%-9s", s->settings->probe_from ? "-" : target_state_name(t->state));
	fprintf(s->t.out, "  %-8s  %6" PRIu64 "  %6" PRIu64 "  %6" PRIu64 "  %7" PRIu64 "  %-22s  ",
		since, t->probes, t->passed, t->failed, t->unknown, latency);
	print_causes(s, t);
	fputc('\n', s->t.out);
}

/* The last failure of each kind, once whichever the node. */
static void print_failures(struct text_state *s, const struct group *g)
{
	bool printed[VERDICT_COUNT] = { false };

	for (size_t i = 0; i < g->n; i++) {
		const struct target *t = &g->rows[i];

		if (t->last_verdict == VERDICT_HEALTHY || printed[t->last_verdict])
			continue;
		printed[t->last_verdict] = true;
		if (t->last_why && t->last_why[0])
			text_paragraph(&s->t, INDENT, "why  ", STYLE_STRONG, t->last_why, true);
		text_fix(&s->t, INDENT, t->last_fix);
	}
	if (!g->silent_ns)
		return;
	if (g->rows->silent_why)
		text_paragraph(&s->t, INDENT, "why  ", STYLE_STRONG, g->rows->silent_why, true);
	text_fix(&s->t, INDENT, g->rows->silent_fix);
}

/* A time that was measured, as a setting would be given: in tenths of a second. */
static const char *learned_text(char out[SPAN_TEXT_LEN], uint64_t ns)
{
	snprintf(out, SPAN_TEXT_LEN, "%.1f s", (double)ns / 1e9);
	return out;
}

static bool is_far(uint64_t learned, uint64_t set)
{
	uint64_t off = learned > set ? learned - set : set - learned;

	return off > set / 5;
}

/* The check's settings as the probes show them, and where they differ from those assumed. */
static void print_learned(struct text_state *s, const struct group *g)
{
	char learned[SPAN_TEXT_LEN], set[SPAN_TEXT_LEN];
	uint64_t interval = 0, timeout = 0;

	if (s->settings->probe_from) /* our own rhythm is no news */
		return;
	for (size_t i = 0; i < g->n; i++) {
		if (!interval)
			interval = g->rows[i].interval_ns;
		if (!timeout)
			timeout = g->rows[i].timeout_ns;
	}
	if (!interval && !timeout)
		return;
	fprintf(s->t.out, "%*slearned:", INDENT, "");
	if (interval)
		fprintf(s->t.out, " a node probes every %s", learned_text(learned, interval));
	if (interval && is_far(interval, s->settings->interval_ns))
		fprintf(s->t.out, " (not %s, see --interval)",
			format_setting(set, s->settings->interval_ns));
	if (timeout)
		fprintf(s->t.out, "%s gives up after %s", interval ? " and" : " a node",
			learned_text(learned, timeout));
	if (timeout && is_far(timeout, s->settings->timeout_ns))
		fprintf(s->t.out, " (not %s, see --timeout)",
			format_setting(set, s->settings->timeout_ns));
	fputc('\n', s->t.out);
}

static void print_group(struct text_state *s, const struct group *g)
{
	char target[ENDPOINT_TEXT_LEN], node[ADDR_TEXT_LEN];
	int width = 4;

	for (size_t i = 0; i < g->n; i++) {
		int len = (int)strlen(format_addr(node, g->rows[i].lb));

		if (len > width)
			width = len;
	}
	text_print(&s->t, STYLE_STRONG, "\n%s (%s)\n",
		   format_endpoint(target, g->rows->addr, g->rows->port), g->rows->protocol);
	text_print(&s->t, STYLE_DIM, "%*s%-*s  %-9s  %-8s  %6s  %6s  %6s  %7s  %-22s  %s\n",
		   INDENT, "", width, "node", "state", "since", "probes", "passed", "failed",
		   "unknown", "ms: median / p95 / max", "causes");
	for (size_t i = 0; i < g->n; i++)
		print_row(s, &g->rows[i], width);
	print_learned(s, g);
	print_failures(s, g);
}

static void print_missed_ports(struct text_state *s)
{
	for (size_t i = 0; i < s->n_missed; i++) {
		text_print(&s->t, STYLE_STRONG, "\nany target:%u (%s)\n", s->missed[i].port,
			   verdict_info(VERDICT_NO_PROBE)->id);
		text_paragraph(&s->t, INDENT, "why  ", STYLE_STRONG, s->missed[i].why, true);
		text_fix(&s->t, INDENT, &s->missed[i].fix);
	}
}

static void print_totals(struct text_state *s, const struct totals *totals)
{
	char run[SPAN_TEXT_LEN];

	format_span(run, totals->end_ns - totals->start_ns);
	fprintf(s->t.out, "\n%" PRIu64 " probe%s in %s: ", totals->probes,
		totals->probes == 1 ? "" : "s", run);
	fprintf(s->t.out, "%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " unknown; ",
		totals->passed, totals->failed, totals->unknown);
	if (totals->traffic)
		fprintf(s->t.out, "%" PRIu64 " other request%s; ", totals->traffic,
			totals->traffic == 1 ? "" : "s");
	if (totals->unfinished)
		fprintf(s->t.out, "%" PRIu64 " cut short by the end; ", totals->unfinished);
	text_print(&s->t, totals->lost ? STYLE_WARN : STYLE_PLAIN, "%" PRIu64 " event%s lost\n",
		   totals->lost, totals->lost == 1 ? "" : "s");
	if (totals->unplaced)
		text_print(&s->t, STYLE_WARN,
			   "%" PRIu64 " of these probes came when %u pairs of target and node were "
			   "told apart already; they are in no table\n",
			   totals->unplaced, TARGETS_MAX);
}

static void print_nothing(struct text_state *s, const struct diagnosis *d)
{
	text_print(&s->t, STYLE_BAD, "%s: %s\n", verdict_info(d->verdict)->id,
		   verdict_info(d->verdict)->summary);
	text_paragraph(&s->t, INDENT, "why  ", STYLE_STRONG, d->why, true);
	text_fix(&s->t, INDENT, &d->fix);
}

void text_summary(struct text_state *s, const struct totals *totals)
{
	fputc('\n', s->t.out);
	if (s->n_targets)
		qsort(s->targets, s->n_targets, sizeof(*s->targets), text_compare_targets);
	if (totals->no_probe)
		print_nothing(s, totals->no_probe);
	else if (totals->probes == 0)
		fputs("Probes came, but the run ended before any of them.\n", s->t.out);
	else
		print_headline(s, totals);
	for (size_t i = 0; i < s->n_targets;) {
		struct group g = group_at(s, i);

		print_group(s, &g);
		i += g.n;
	}
	if (!totals->no_probe)
		print_missed_ports(s);
	print_totals(s, totals);
}
