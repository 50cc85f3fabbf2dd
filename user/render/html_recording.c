// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is known of a recording besides its stream: files, gaps, the host's state. */
#include "html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_GAPS 20
#define MAX_STATE (64 * 1024) /* bytes of one section */
#define MAX_STATES 80

static void put_gap(struct html_state *s, FILE *out, const struct recording_gap *gap)
{
	fputs("<li>", out);
	if (gap->from_ns) {
		html_time(s, out, gap->from_ns);
		if (gap->to_ns) {
			fputs(" to ", out);
			html_time(s, out, gap->to_ns);
		}
		fputs(": ", out);
	}
	html_text(out, gap->why ? gap->why : "not known why");
	if (gap->records) {
		fputs("; ", out);
		html_count(out, gap->records, "record missing", "records missing");
	}
	if (gap->bytes) {
		fputs("; ", out);
		html_count(out, gap->bytes, "byte unreadable", "bytes unreadable");
	}
	if (gap->file)
		html_printf(out, " (%.500s)", gap->file);
	fputs("</li>\n", out);
}

static void put_gaps(struct html_state *s, FILE *out, const struct recording_info *info)
{
	if (!info->has_start)
		fputs("<p class=\"banner\">The beginning of the run is missing: what came before was "
		      "dropped or lost.</p>\n", out);
	if (!info->n_gaps)
		return;
	fputs("<div class=\"banner\">Parts of the recording are missing, and nothing is known of "
	      "them:<ul>\n", out);
	for (size_t i = 0; i < info->n_gaps && i < MAX_GAPS; i++)
		put_gap(s, out, &info->gaps[i]);
	if (info->n_gaps > MAX_GAPS)
		fprintf(out, "<li>and %zu more</li>\n", info->n_gaps - MAX_GAPS);
	fputs("</ul></div>\n", out);
}

static void put_files(FILE *out, const struct recording_info *info)
{
	fputs("<div><dt>Files</dt><dd>", out);
	for (size_t i = 0; i < info->n_files; i++)
		html_printf(out, "%s%.900s", i ? ", " : "", info->files[i]);
	fputs("</dd></div>\n", out);
}

/* Was the section there before, with the same text? */
static bool is_same(const struct recording_info *info, size_t i)
{
	const struct recording_state *state = &info->states[i];

	for (size_t j = 0; j < i; j++) {
		const struct recording_state *other = &info->states[j];

		if (strcmp(other->name, state->name) == 0 && other->len == state->len &&
		    memcmp(other->text, state->text, state->len) == 0)
			return true;
	}
	return false;
}

static void put_state(struct html_state *s, FILE *out, const struct recording_state *state)
{
	size_t len = state->len < MAX_STATE ? state->len : MAX_STATE;

	fputs("<details class=\"state\"><summary>", out);
	html_printf(out, "%.200s, at the %s (", state->name, state->at_end ? "end" : "start");
	html_time(s, out, state->time_ns);
	fputs(")</summary><pre>", out);
	html_long_text(out, state->text, len);
	fputs("</pre>", out);
	if (len < state->len)
		fprintf(out, "<p>Cut: %zu bytes in all.</p>", state->len);
	fputs("</details>\n", out);
}

static void put_states(struct html_state *s, FILE *out, const struct recording_info *info)
{
	size_t shown = 0, same = 0;

	if (!info->n_states)
		return;
	fputs("<div><dt>Host</dt><dd>\n", out);
	for (size_t i = 0; i < info->n_states && shown < MAX_STATES; i++) {
		if (is_same(info, i)) {
			same++;
			continue;
		}
		put_state(s, out, &info->states[i]);
		shown++;
	}
	if (same)
		fprintf(out, "<p>%zu more did not change.</p>\n", same);
	fputs("</dd></div>\n", out);
}

/* The gaps, or the rest, as a string that the caller frees; NULL: no memory. */
static char *printed(struct html_state *s, const struct recording_info *info, bool gaps)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	if (gaps) {
		put_gaps(s, out, info);
	} else {
		put_files(out, info);
		put_states(s, out, info);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

void html_recording(struct html_state *s, const struct recording_info *info)
{
	free(s->gaps);
	s->gaps = printed(s, info, true);
	free(s->files);
	s->files = printed(s, info, false);
}
