// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The top of the page: in one sentence how it stands, and the numbers. */
#include "html.h"

#include <inttypes.h>

#include "format.h"

static const struct html_cause *gravest(const struct html_state *s)
{
	return s->causes.n ? &s->causes.c[0] : NULL;
}

static size_t count_groups(const struct html_state *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_order; n++)
		i += html_group_at(s, i).n;
	return n;
}

static struct html_group group_of(const struct html_state *s, const struct html_cause *c)
{
	struct html_group g = { 0 };

	for (size_t i = 0; i < s->n_order; i += g.n) {
		g = html_group_at(s, i);
		if (html_series_in(g.series[0], &c->service))
			return g;
	}
	return (struct html_group){ 0 };
}

static void put_all_well(const struct html_state *s, FILE *out)
{
	size_t n = count_groups(s);

	if (s->totals.probes == 1) {
		fputs("The only probe passed.", out);
		return;
	}
	fputs("All ", out);
	html_count(out, s->totals.probes, "probe", "probes");
	fputs(" of ", out);
	if (n == 1)
		html_service(out, &s->order[0]->key.service);
	else
		html_count(out, n, "target", "targets");
	fputs(" passed.", out);
}

static void put_cause(const struct html_state *s, FILE *out, const struct html_cause *c)
{
	struct html_group g = group_of(s, c);

	html_service(out, &c->service);
	fputs(": ", out);
	if (c->d.verdict == VERDICT_NO_PROBE && g.probes) {
		fputs("no probe came after ", out);
		html_time(s, out, g.last_ns);
	} else if (g.failed && c->d.outcome == OUTCOME_FAIL) {
		html_count(out, g.failed, "of ", "of ");
		html_count(out, g.probes, "probe failed", "probes failed");
		fputs(c->count < g.failed ? ", now mainly: " : ": ", out);
		if (!c->going_on && c->count < g.failed)
			fputs("several causes", out);
		else
			html_text(out, verdict_info(c->d.verdict)->summary);
	} else {
		html_text(out, verdict_info(c->d.verdict)->summary);
	}
}

static void put_sentence(const struct html_state *s, FILE *out)
{
	const struct html_cause *c = gravest(s);

	if (c && c->d.outcome != OUTCOME_PASS)
		put_cause(s, out, c);
	else if (s->totals.probes)
		put_all_well(s, out);
	else
		fputs("Probes came, but the run ended before any of them.", out);
}

void html_title(struct html_state *s, FILE *out)
{
	fputs("hctrace: ", out);
	if (gravest(s) && gravest(s)->d.outcome != OUTCOME_PASS) {
		html_service(out, &gravest(s)->service);
		fprintf(out, ", %s", verdict_info(gravest(s)->d.verdict)->id);
	} else {
		fprintf(out, "%" PRIu64 " of %" PRIu64 " probes passed", s->totals.passed,
			s->totals.probes);
	}
}

struct mood {
	const char *class, *mark;
};

static struct mood mood(const struct html_state *s)
{
	static const struct mood good = { "pass", "&#10003;" }, bad = { "fail", "&#10005;" };
	static const struct mood over = { "unknown", "!" }, open = { "unknown", "?" };
	const struct html_cause *c = gravest(s);

	if (!c || c->d.outcome == OUTCOME_PASS)
		return s->totals.probes ? good : open;
	if (c->d.outcome == OUTCOME_UNKNOWN)
		return open;
	return c->going_on ? bad : over;
}

/* What the load balancer makes of it, of all targets. */
static void put_consequence(const struct html_state *s, FILE *out)
{
	size_t n = count_groups(s), unhealthy = 0, healthy = 0, failed = 0;
	struct html_group g;

	for (size_t i = 0; i < s->n_order; i += g.n) {
		g = html_group_at(s, i);
		unhealthy += g.unhealthy > 0;
		healthy += !g.unhealthy && g.healthy;
		failed += g.failed > 0;
	}
	if (!n)
		return;
	fputs("<p class=\"lead\">", out);
	if (unhealthy && n == 1) {
		fputs("At the end the load balancer should show it as unhealthy", out);
	} else if (unhealthy) {
		html_printf(out, "%zu of ", unhealthy);
		html_count(out, n, "target", "targets");
		fputs(" should be shown as unhealthy by the load balancer at the end", out);
	} else if (healthy == n) {
		fputs("At the end the load balancer should show ", out);
		fputs(n == 1 ? "the target as healthy" : "every target as healthy", out);
	} else {
		fputs("At the end the load balancer should show no target as unhealthy", out);
	}
	if (n == 1 && failed) {
		fputs(unhealthy ? "" : "; it had failures", out);
	} else if (failed) {
		fputs("; ", out);
		html_count(out, failed, "target had failures", "targets had failures");
	}
	fputs(".</p>\n", out);
}

void html_headline(struct html_state *s, FILE *out)
{
	struct mood now = mood(s);

	fprintf(out, "<h1 class=\"%s\"><span class=\"mark %s\" aria-hidden=\"true\">%s</span> ",
		now.class, now.class, now.mark);
	put_sentence(s, out);
	fputs("</h1>\n", out);
	put_consequence(s, out);
}

static void put_total(FILE *out, const char *class, uint64_t n, const char *singular,
		      const char *plural)
{
	fprintf(out, "<li class=\"%s\"><b>", class);
	html_count(out, n, "</b>", "</b>");
	fprintf(out, "%s</li>\n", n == 1 ? singular : plural);
}

void html_totals(struct html_state *s, FILE *out)
{
	const struct totals *t = &s->totals;

	put_total(out, "", t->probes, "probe", "probes");
	put_total(out, "pass", t->passed, "passed", "passed");
	put_total(out, t->failed ? "fail" : "", t->failed, "failed", "failed");
	put_total(out, t->unknown ? "unknown" : "", t->unknown, "unknown", "unknown");
	if (t->silences)
		put_total(out, "fail", t->silences, "time no probe came", "times no probe came");
	if (t->unfinished)
		put_total(out, "", t->unfinished, "cut short by the end", "cut short by the end");
	if (t->traffic)
		put_total(out, "", t->traffic, "other request", "other requests");
	put_total(out, t->lost ? "unknown" : "", t->lost, "event lost", "events lost");
}
