// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the page's script draws from: one JSON object. */
#include "html.h"

#include <inttypes.h>

#include "format.h"
#include "render.h"

static void put_time(struct html_state *s, FILE *out, uint64_t mono_ns)
{
	char text[ISO_TEXT_LEN];

	fprintf(out, "\"%s\"", format_iso(text, (int64_t)(mono_ns + (uint64_t)s->wall_offset_ns)));
}

static void put_axis(struct html_state *s, FILE *out)
{
	const char *comma = "";

	fputs("\"axis\":{\"start\":", out);
	put_time(s, out, s->axis.start_ns);
	fputs(",\"end\":", out);
	put_time(s, out, s->totals.end_ns);
	fprintf(out, ",\"width_us\":%" PRIu64 ",\"n\":%zu,\"lost\":[", s->axis.width_ns / 1000,
		html_axis_index(&s->axis, s->totals.end_ns) + 1);
	for (size_t i = 0; i < HTML_BUCKETS; i++) {
		if (!s->axis.lost[i])
			continue;
		fprintf(out, "%s[%zu,%" PRIu64 "]", comma, i, s->axis.lost[i]);
		comma = ",";
	}
	fputs("]}", out);
}

/* [number, passed, failed, unknown, verdict, median, 95th percentile, maximum] */
static void put_bucket(FILE *out, size_t i, const struct html_bucket *b)
{
	bool bad = b->failed || b->unknown;

	fprintf(out, "[%zu,%u,%u,%u,\"%s\",%" PRIu64 ",%" PRIu64 ",%u]", i, b->passed, b->failed,
		b->unknown, bad ? verdict_info((enum verdict_id)b->verdict)->id : "",
		html_bucket_percentile(b, 50), html_bucket_percentile(b, 95), b->max_us);
}

static void put_changes(struct html_state *s, FILE *out, const struct html_series *series)
{
	size_t n = series->n_changes, i = n > HTML_CHANGES ? n - HTML_CHANGES : 0;

	fprintf(out, "\"changes_before\":%zu,\"changes\":[", i);
	for (const char *comma = ""; i < n; i++, comma = ",") {
		const struct html_change *change = &series->changes[i % HTML_CHANGES];

		fprintf(out, "%s[", comma);
		put_time(s, out, change->when_ns);
		fprintf(out, ",\"%s\"]", target_state_name(change->state));
	}
	putc(']', out);
}

static void put_series(struct html_state *s, FILE *out, const struct html_series *series)
{
	const char *comma = "";

	fputs("{\"target\":", out);
	render_json.on.target(html_json_ctx(s->json), &series->target);
	html_json(out, html_json_taken(s->json));
	/* a digit a bucket: the sum of 1 << enum target_state of what was held within */
	fputs(",\"states\":\"", out);
	for (size_t i = 0; i < HTML_BUCKETS; i++)
		fprintf(out, "%u", series->buckets[i].states);
	fputs("\",", out);
	put_changes(s, out, series);
	fputs(",\"buckets\":[", out);
	for (size_t i = 0; i < HTML_BUCKETS; i++) {
		const struct html_bucket *b = &series->buckets[i];

		if (!b->passed && !b->failed && !b->unknown)
			continue;
		fputs(comma, out);
		put_bucket(out, i, b);
		comma = ",";
	}
	fputs("]}", out);
}

static void put_silences(struct html_state *s, FILE *out)
{
	size_t n = s->n_silences, i = n > HTML_MAX_SILENCES ? n - HTML_MAX_SILENCES : 0;

	fputs("\"silences\":[", out);
	for (const char *comma = ""; i < n; i++, comma = ",") {
		const struct html_silence *silence = &s->silences[i % HTML_MAX_SILENCES];

		fprintf(out, "%s{\"target\":\"", comma);
		html_service(out, &silence->service); /* an address and a number: nothing to escape */
		fputs("\",\"from\":", out);
		put_time(s, out, silence->from_ns);
		fputs(",\"to\":", out);
		put_time(s, out, silence->to_ns);
		putc('}', out);
	}
	putc(']', out);
}

static void put_summaries(FILE *out)
{
	fputs("\"verdicts\":{", out);
	for (int i = 0; i < VERDICT_COUNT; i++) {
		const struct verdict *info = verdict_info((enum verdict_id)i);

		fprintf(out, "%s\"%s\":\"", i ? "," : "", info->id);
		html_json(out, info->summary);
		putc('"', out);
	}
	putc('}', out);
}

void html_data(struct html_state *s, FILE *out)
{
	fputs("{\"start\":", out);
	html_json(out, s->start ? s->start : "null");
	fputs(",\n\"end\":", out);
	html_json(out, s->end ? s->end : "null");
	fprintf(out, ",\n\"totals\":{\"probes\":%" PRIu64 ",\"passed\":%" PRIu64
		     ",\"failed\":%" PRIu64 ",\"unknown\":%" PRIu64 "},\n",
		s->totals.probes, s->totals.passed, s->totals.failed, s->totals.unknown);
	put_summaries(out);
	fputs(",\n", out);
	put_axis(s, out);
	fputs(",\n", out);
	put_silences(s, out);
	fputs(",\n\"series\":[", out);
	for (size_t i = 0; i < s->n_order; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_series(s, out, s->order[i]);
	}
	fputs("],\n\"probes\":[", out);
	for (size_t i = 0; i < s->n_kept; i++) {
		fputs(i ? ",\n" : "\n", out);
		render_json.on.probe(html_json_ctx(s->json), html_kept_probe(s->kept[i]),
				     html_kept_diagnosis(s->kept[i]));
		html_json(out, html_json_taken(s->json));
	}
	fputs("]}\n", out);
}
