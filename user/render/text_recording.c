// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text renderer's words about a recording: only what is missing from it. */
#include "text_state.h"

#include <inttypes.h>

#include "base/finish_output.h"
#include "format.h"

static void warn(struct text_state *s, const char *text)
{
	fputc('\n', s->t.out);
	text_paragraph(&s->t, 0, "", STYLE_WARN, text, true);
}

static void put_gap(struct text_state *s, const struct recording_info *info,
		    const struct recording_gap *gap)
{
	char from[CLOCK_TEXT_LEN] = "…", to[CLOCK_TEXT_LEN] = "…", why[128], file[256];
	char records[48] = "", bytes[48] = "", line[640];

	if (gap->from_ns)
		format_clock(from, (int64_t)gap->from_ns + info->wall_offset_ns);
	if (gap->to_ns)
		format_clock(to, (int64_t)gap->to_ns + info->wall_offset_ns);
	if (gap->records)
		snprintf(records, sizeof(records), "; records missing: %" PRIu64, gap->records);
	if (gap->bytes)
		snprintf(bytes, sizeof(bytes), "; bytes unreadable: %" PRIu64, gap->bytes);
	snprintf(line, sizeof(line), "%s: %s%s%s", format_safe(file, sizeof(file), gap->file),
		 format_safe(why, sizeof(why), gap->why), records, bytes);
	fprintf(s->t.out, "  %s to %s  %s\n", from, to, line);
}

void text_recording(struct text_state *s, const struct recording_info *info)
{
	if (!info->has_start)
		warn(s, "The beginning of the recording is not there: its older parts were dropped, or "
			"are lost.");
	if (info->n_gaps) {
		warn(s, "Parts of the recording are missing. Nothing is known of these times, and "
			"verdicts that could depend on them are unknown:");
		for (size_t i = 0; i < info->n_gaps; i++)
			put_gap(s, info, &info->gaps[i]);
	}
	if (!info->has_end)
		warn(s, "The recording stops without an end: hctrace was killed, the host went down, or "
			"it is still running.");
	flush_output(s->t.out);
}
