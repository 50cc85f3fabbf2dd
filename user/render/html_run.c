// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What was recorded, and what is missing from it. */
#include "html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "stream/points.h"

#ifndef HCT_VERSION
#define HCT_VERSION "unknown"
#endif

static void put_costs(FILE *out, enum hct_point point)
{
	enum verdict_id costs[VERDICT_COUNT];
	size_t n;

	n = verdicts_needing(point, costs);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? ", " : "; costs ", verdict_info(costs[i])->id);
}

static void put_point(FILE *out, const struct point_status *status)
{
	fprintf(out, "<li%s><code>%s</code>", status->attached ? "" : " class=\"missing\"",
		point_name(status->point));
	fputs(status->attached ? "" : " not attached", out);
	if (status->detail && status->detail[0])
		html_printf(out, " (%s)", status->detail);
	if (!status->attached)
		put_costs(out, status->point);
	fputs("</li>\n", out);
}

char *html_points(const struct stream_start *start)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < start->n_points; i++)
		put_point(out, &start->points[i]);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

size_t html_missing_points(const struct stream_start *start)
{
	size_t missing = 0;

	for (size_t i = 0; i < start->n_points; i++)
		missing += !start->points[i].attached && point_is_needed(start->points[i].point);
	return missing;
}

static void put_row(FILE *out, const char *name, const char *text)
{
	if (!text[0])
		return;
	fprintf(out, "<div><dt>%s</dt><dd>", name);
	html_text(out, text);
	fputs("</dd></div>\n", out);
}

static void put_check(const struct html_state *s, FILE *out)
{
	const struct settings *c = s->settings;
	char interval[SPAN_TEXT_LEN], timeout[SPAN_TEXT_LEN], range[16];

	fputs("<div><dt>Check</dt><dd>", out);
	if (c->preset)
		html_printf(out, "%s: ", c->preset->name);
	html_printf(out, "every %s, timeout %s, %u in a row change the state; expected status ",
		    format_setting(interval, c->interval_ns),
		    format_setting(timeout, c->timeout_ns), c->retries);
	for (size_t i = 0; i < c->n_expect; i++)
		html_printf(out, "%s%s", i ? ", " : "", format_code_range(range, &c->expect[i]));
	if (c->path)
		html_printf(out, ", path %s", c->path);
	fputs("</dd></div>\n", out);
}

static void put_lost(const struct html_state *s, FILE *out)
{
	const char *comma = "";

	if (!s->totals.lost)
		return;
	fputs("<div><dt>Lost</dt><dd>", out);
	for (int i = 0; i < HCT_POINT_COUNT; i++) {
		if (!s->lost[i])
			continue;
		fprintf(out, "%s%s ", comma, point_name((enum hct_point)i));
		html_count(out, s->lost[i], "event", "events");
		comma = ", ";
	}
	fputs("</dd></div>\n", out);
}

static void put_range(const struct html_state *s, FILE *out)
{
	const struct settings *c = s->settings;

	html_text(out, c->from_text);
	for (size_t i = 0; i < c->n_ports; i++)
		html_printf(out, "%s%u", i ? ", " : " to port ", c->ports[i]);
}

static void put_period(struct html_state *s, FILE *out)
{
	char first[ISO_TEXT_LEN], last[ISO_TEXT_LEN], span[SPAN_TEXT_LEN];
	const int day = sizeof("2026-11-22") - 1;

	format_iso(first, (int64_t)(s->totals.start_ns + (uint64_t)s->wall_offset_ns));
	format_iso(last, (int64_t)(s->totals.end_ns + (uint64_t)s->wall_offset_ns));
	if (strncmp(first, last, (size_t)day) == 0)
		fprintf(out, "%.*s ", day, first);
	html_time(s, out, s->totals.start_ns);
	fputs(" to ", out);
	html_time(s, out, s->totals.end_ns);
	html_printf(out, " (%s)", format_span(span, s->totals.end_ns - s->totals.start_ns));
}

void html_run(struct html_state *s, FILE *out)
{
	fputs("<details class=\"run\"><summary>Recorded ", out);
	put_period(s, out);
	if (s->kernel[0])
		html_printf(out, " on Linux %s", s->kernel);
	if (s->netns_name[0])
		html_printf(out, ", network namespace %s", s->netns_name);
	fputs(", health checks from ", out);
	put_range(s, out);
	if (s->missing) {
		fputs("; <strong>", out);
		html_count(out, s->missing, "point", "points");
		fputs(" of observation missing</strong>", out);
	}
	fputs("</summary>\n<dl class=\"facts\">\n", out);
	put_row(out, "hctrace", HCT_VERSION);
	put_row(out, "Kernel", s->kernel);
	put_row(out, "Namespace", s->netns_name);
	put_check(s, out);
	put_lost(s, out);
	if (s->points && s->points[0])
		fprintf(out, "<div><dt>Points</dt><dd><ul>\n%s</ul></dd></div>\n", s->points);
	if (s->files)
		fputs(s->files, out);
	fputs("</dl>\n</details>\n", out);
}

void html_banners(struct html_state *s, FILE *out)
{
	if (!s->ended || s->cut_off)
		fputs("<p class=\"banner\">The recording stops without an end: the program was "
		      "killed, or the file is cut off. What follows holds up to there.</p>\n", out);
	if (s->gaps)
		fputs(s->gaps, out);
	if (s->totals.lost) {
		fputs("<p class=\"banner\">", out);
		html_count(out, s->totals.lost, "event was lost", "events were lost");
		fputs(": verdicts that could depend on them are unknown.</p>\n", out);
	}
}
