// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The targets with their nodes, and the last probes that did not pass. */
#include "html.h"

#include <inttypes.h>
#include <string.h>

#include "format.h"

#define SHOWN_FAILURES 25
#define SHOWN_ALIKE 3

static void put_state(FILE *out, enum target_state state)
{
	static const char *const marks[] = {
		[TARGET_UNDECIDED] = "?", [TARGET_HEALTHY] = "&#10003;", [TARGET_UNHEALTHY] = "&#10005;",
	};
	static const char *const classes[] = {
		[TARGET_UNDECIDED] = "unknown", [TARGET_HEALTHY] = "pass", [TARGET_UNHEALTHY] = "fail",
	};

	fprintf(out, "<span class=\"badge %s\"><span aria-hidden=\"true\">%s</span> %s</span>",
		classes[state], marks[state], target_state_name(state));
}

/* What the load balancer makes of it: what it shows, since when, or from when on. */
static void put_consequence(struct html_state *s, FILE *out, const struct html_group *g)
{
	char code[64] = "";

	if (g->code)
		snprintf(code, sizeof(code), " (%s)", g->code);
	fputs("<p>", out);
	if (g->unhealthy) {
		if (g->unhealthy == g->n)
			fputs("The load balancer should show it as unhealthy since ", out);
		else
			html_printf(out, "%zu of %zu nodes should show it as unhealthy since ",
				    g->unhealthy, g->n);
		html_time(s, out, g->unhealthy_ns);
		html_printf(out, "%s.", code);
	} else if (g->flips_ns) {
		fputs("If this goes on, it will be shown as unhealthy at ", out);
		html_time(s, out, g->flips_ns);
		html_printf(out, "%s, by %u failures in a row.", code, s->settings->retries);
	} else if (g->healthy) {
		fputs("The load balancer should show it as healthy.", out);
	} else {
		html_printf(out, "It takes %u failures in a row to be shown as unhealthy.",
			    s->settings->retries);
	}
	if (g->silent) {
		fputs(" After ", out);
		html_time(s, out, g->last_ns);
		fputs(" no probe came any more.", out);
	}
	if (g->interval_ns)
		html_printf(out, " A node probes every %.1f s", (double)g->interval_ns / 1e9);
	if (g->timeout_ns)
		html_printf(out, "%s gives up after %.1f s", g->interval_ns ? " and" : " A node",
			    (double)g->timeout_ns / 1e9);
	fputs(g->interval_ns || g->timeout_ns ? ".</p>\n" : "</p>\n", out);
}

static void put_counts(FILE *out, const struct target *t)
{
	char p50[SPAN_TEXT_LEN], p95[SPAN_TEXT_LEN], max[SPAN_TEXT_LEN];

	html_count(out, t->probes, "probe", "probes");
	if (t->failed)
		html_printf(out, ", %" PRIu64 " failed", t->failed);
	if (t->unknown)
		html_printf(out, ", %" PRIu64 " unknown", t->unknown);
	if (t->latency_count)
		html_printf(out, "; answers: median %s, 95 %% within %s, at most %s",
			    format_span(p50, t->latency_p50_us * 1000),
			    format_span(p95, t->latency_p95_us * 1000),
			    format_span(max, t->latency_max_us * 1000));
}

static void put_verdicts(FILE *out, const struct target *t)
{
	const char *comma = "<span class=\"verdicts\">";

	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (i == VERDICT_HEALTHY || !t->by_verdict[i])
			continue;
		fprintf(out, "%s%s %" PRIu64, comma, verdict_info((enum verdict_id)i)->id,
			t->by_verdict[i]);
		comma = ", ";
	}
	if (*comma == ',')
		fputs("</span>", out);
}

static void put_node(struct html_state *s, FILE *out, const struct html_series *series,
		     size_t number)
{
	const struct target *t = &series->target;
	char node[ADDR_TEXT_LEN];

	fputs("<li class=\"node\">\n<div class=\"facts\"><b>", out);
	html_text(out, format_addr(node, t->lb));
	fputs("</b> ", out);
	put_state(out, t->state);
	fputs(" <span>", out);
	if (t->state != TARGET_UNDECIDED) {
		fputs("since ", out);
		html_time(s, out, t->state_since_ns);
		fputs(" · ", out);
	}
	put_counts(out, t);
	fputs("</span> ", out);
	put_verdicts(out, t);
	fprintf(out, "</div>\n<div class=\"chart\" data-series=\"%zu\"></div>\n</li>\n", number);
}

static void put_group(struct html_state *s, FILE *out, const struct html_group *g, size_t first)
{
	enum target_state state = g->unhealthy ? TARGET_UNHEALTHY :
				  g->healthy   ? TARGET_HEALTHY : TARGET_UNDECIDED;

	fprintf(out, "<section class=\"target\" aria-labelledby=\"target-%zu\">\n"
		     "<h3 id=\"target-%zu\">", first, first);
	html_service(out, &g->series[0]->key.service);
	html_printf(out, " (%s) ", g->protocol);
	put_state(out, state);
	if (g->silent)
		fputs("<span class=\"badge unknown\"><span aria-hidden=\"true\">?</span> "
		      "no probe any more</span>", out);
	fputs("</h3>\n", out);
	put_consequence(s, out, g);
	fputs("<ul class=\"nodes\">\n", out);
	for (size_t i = 0; i < g->n; i++)
		put_node(s, out, g->series[i], first + i);
	fputs("</ul>\n</section>\n", out);
}

void html_targets(struct html_state *s, FILE *out)
{
	const struct html_series_set *set = &s->series;
	struct html_group g;

	if (!s->n_order)
		fputs("<p>No probe came to its end.</p>\n", out);
	for (size_t i = 0; i < s->n_order; i += g.n) {
		g = html_group_at(s, i);
		put_group(s, out, &g, i);
	}
	if (!set->others)
		return;
	fputs("<p class=\"quiet\">Not shown, for want of room: ", out);
	html_count(out, set->others_probes, "probe", "probes");
	html_printf(out, " (%" PRIu64 " failed) of targets that were probed only once or twice, "
			 "or of more than %d pairs of target and node.</p>\n",
		    set->others_failed, HTML_MAX_SERIES);
}

static void put_endpoint(FILE *out, const uint8_t addr[16])
{
	static const uint8_t nothing[16];
	char text[ADDR_TEXT_LEN];

	html_text(out, memcmp(addr, nothing, sizeof(nothing)) ? format_addr(text, addr) : "any node");
}

static void put_failure(struct html_state *s, FILE *out, const struct html_kept *kept)
{
	const struct probe *p = html_kept_probe(kept);
	const struct diagnosis *d = html_kept_diagnosis(kept);
	struct html_service service = html_service_of(p);

	fputs("<tr><td>", out);
	html_time(s, out, p->start_ns);
	fputs("</td><td>", out);
	put_endpoint(out, p->tuple.lb);
	fputs("</td><td>", out);
	html_service(out, &service);
	fprintf(out, "</td><td class=\"%s\">%s %s",
		d->outcome == OUTCOME_FAIL ? "fail" : "unknown",
		d->outcome == OUTCOME_FAIL ? "&#10005;" : "?", verdict_info(d->verdict)->id);
	if (d->code)
		html_printf(out, " (%s)", d->code);
	fputs("</td><td>", out);
	html_text(out, d->why);
	fputs("</td></tr>\n", out);
}

static bool are_alike(const struct html_kept *a, const struct html_kept *b)
{
	const struct probe *p = html_kept_probe(a), *q = html_kept_probe(b);
	struct html_service service = html_service_of(p), other = html_service_of(q);

	return html_kept_diagnosis(a)->verdict == html_kept_diagnosis(b)->verdict &&
	       memcmp(&service, &other, sizeof(service)) == 0 &&
	       memcmp(p->tuple.lb, q->tuple.lb, sizeof(p->tuple.lb)) == 0;
}

/* The latest that did not pass, the last first, but few that are alike: their number. */
static size_t last_failures(const struct html_state *s,
			    const struct html_kept *found[SHOWN_FAILURES])
{
	size_t n = 0;

	for (size_t i = s->n_kept; i-- && n < SHOWN_FAILURES;) {
		size_t alike = 0;

		if (html_kept_diagnosis(s->kept[i])->outcome == OUTCOME_PASS)
			continue;
		for (size_t j = 0; j < n; j++)
			alike += are_alike(found[j], s->kept[i]);
		if (alike < SHOWN_ALIKE)
			found[n++] = s->kept[i];
	}
	return n;
}

void html_failures(struct html_state *s, FILE *out)
{
	static const char open[] = "<table>\n<thead><tr><th scope=\"col\">Time</th><th scope=\"col\">Node</th>"
			   "<th scope=\"col\">Target</th><th scope=\"col\">Verdict</th>"
			   "<th scope=\"col\">Why</th></tr></thead>\n<tbody>\n";
	uint64_t bad = s->totals.probes - s->totals.passed + s->totals.silences;
	const struct html_kept *found[SHOWN_FAILURES];
	size_t n = last_failures(s, found);

	if (bad > n) {
		fprintf(out, "<p class=\"quiet\">%zu of ", n);
		html_count(out, bad, "probe", "probes");
		fprintf(out, " that did not pass: the latest, at most %d of a target, node and "
			     "verdict.</p>\n", SHOWN_ALIKE);
	}
	for (size_t i = 0; i < n; i++) {
		fputs(i ? "" : open, out);
		put_failure(s, out, found[i]);
	}
	fputs(n ? "</tbody>\n</table>\n" : "<p>No probe failed.</p>\n", out);
}

/* Not all probes are listed: says so, and which are. */
void html_left_out(struct html_state *s, FILE *out)
{
	uint64_t kept = 0, passed = 0;

	for (size_t i = 0; i < s->n_kept; i++) {
		const struct diagnosis *d = html_kept_diagnosis(s->kept[i]);

		kept += d->verdict != VERDICT_NO_PROBE;
		passed += d->outcome == OUTCOME_PASS;
	}
	if (kept >= s->totals.probes) {
		fputs("Every probe that came to its end is listed.", out);
		return;
	}
	fputs("The charts and the sums hold all ", out);
	html_count(out, s->totals.probes, "probe", "probes");
	fputs(". Listed one by one are ", out);
	html_count(out, kept - passed, "of ", "of ");
	html_count(out, s->totals.probes - s->totals.passed, "that did not pass", "that did not pass");
	fputs(" and ", out);
	html_count(out, passed, "of ", "of ");
	html_count(out, s->totals.passed, "that passed", "that passed");
	fputs(": the latest, the first of each change, and of each verdict the first and the last "
	      "by target and node.", out);
}
