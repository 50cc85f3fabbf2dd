// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace record: a run that is recorded, and says on stderr how far it is. */
#include "cmd_record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shell.h"
#include "stream/points.h"
#include "render/format.h"
#include "run_live.h"

#define STATUS_WIDTH 79
#define SIZE_TEXT_LEN 24

struct record_view {
	FILE *out;
	const struct settings *settings;
	bool terminal;
	struct totals totals; /* at the end */
};

static void *open_view(FILE *out, const struct settings *settings)
{
	struct record_view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->out = out;
	v->settings = settings;
	v->terminal = isatty(fileno(out));
	return v;
}

static const char *format_size(char out[SIZE_TEXT_LEN], uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes / 1024;
	size_t i;

	if (bytes < 1024) {
		snprintf(out, SIZE_TEXT_LEN, "%" PRIu64 " bytes", bytes);
		return out;
	}
	for (i = 0; i + 1 < sizeof(units) / sizeof(units[0]) && size >= 1024; i++)
		size /= 1024;
	snprintf(out, SIZE_TEXT_LEN, "%.1f %s", size, units[i]);
	return out;
}

static void on_start(void *ctx, const struct stream_start *start)
{
	const struct record_view *v = ctx;
	const struct settings *s = v->settings;
	char span[SPAN_TEXT_LEN];
	size_t missing = 0;

	fprintf(v->out, "hctrace: recording health checks from %s", s->from_text);
	for (size_t i = 0; i < s->n_ports; i++)
		fprintf(v->out, "%s%u", i ? ", " : " to port ", s->ports[i]);
	if (s->netns)
		fprintf(v->out, " in network namespace %s", s->netns);
	fprintf(v->out, " to %s", s->output);
	if (s->duration_ns)
		fprintf(v->out, " for %s", format_setting(span, s->duration_ns));
	fprintf(v->out, "; Ctrl-C ends%s.\n", s->duration_ns ? " earlier" : "");
	for (size_t i = 0; i < start->n_points; i++)
		missing += !start->points[i].attached && point_is_needed(start->points[i].point);
	if (missing)
		fprintf(v->out, "hctrace: %zu point%s could not be attached: the report says what "
				"that costs\n", missing, missing == 1 ? "" : "s");
	fflush(v->out);
}

/* A message of another's starts where the status does, and takes its place. */
static void show_status(void *ctx, uint64_t now_ns, const struct totals *t, uint64_t size)
{
	const struct record_view *v = ctx;
	char text[STATUS_WIDTH + 1], bytes[SIZE_TEXT_LEN], span[SPAN_TEXT_LEN];

	if (!v->terminal)
		return;
	snprintf(text, sizeof(text), "%s: %" PRIu64 " probes, %" PRIu64 " failed, %" PRIu64
		 " events lost, %s recorded",
		 format_setting(span, (now_ns - t->start_ns) / 1000000000 * 1000000000), t->probes,
		 t->failed, t->lost, format_size(bytes, size));
	fprintf(v->out, "%-*s\r", STATUS_WIDTH, text);
	fflush(v->out);
}

static void on_end(void *ctx, const struct totals *totals)
{
	struct record_view *v = ctx;

	v->totals = *totals;
	v->totals.no_probe = NULL;
}

static void show_end(void *ctx, uint64_t size)
{
	const struct record_view *v = ctx;
	const struct totals *t = &v->totals;
	char bytes[SIZE_TEXT_LEN], span[SPAN_TEXT_LEN];
	struct command command = { .text = "" };

	if (v->terminal)
		fprintf(v->out, "%-*s\r", STATUS_WIDTH, "");
	fprintf(v->out, "hctrace: %" PRIu64 " probe%s in %s: %" PRIu64 " passed, %" PRIu64 " failed, %"
			PRIu64 " unknown; %" PRIu64 " event%s lost; %s has %s\n",
		t->probes, t->probes == 1 ? "" : "s", format_span(span, t->end_ns - t->start_ns),
		t->passed, t->failed, t->unknown, t->lost, t->lost == 1 ? "" : "s",
		v->settings->output, format_size(bytes, size));
	command_add(&command, "hctrace report %s", v->settings->output);
	if (command_is_set(&command))
		fprintf(v->out, "To see it: %s\n", command.text);
	fflush(v->out);
}

static const struct renderer record_view = {
	.name = "record",
	.open = open_view,
	.on = { .start = on_start, .end = on_end },
	.close = free,
};

int cmd_record(const struct settings *settings)
{
	const struct live_view view = { .renderer = &record_view, .out = stderr,
					.second = show_status, .done = show_end };

	return run_live(settings, &view);
}
