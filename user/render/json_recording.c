// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The JSON renderer's object of type "recording". */
#include "json_recording.h"

#include "format.h"

/* null for 0: it is not known. */
static void put_when(struct json_writer *w, const char *key, const struct recording_info *info,
		     uint64_t mono_ns)
{
	char iso[ISO_TEXT_LEN];

	json_string(w, key,
		    mono_ns ? format_iso(iso, (int64_t)mono_ns + info->wall_offset_ns) : NULL);
}

static void put_count(struct json_writer *w, const char *key, uint64_t n)
{
	if (n)
		json_uint(w, key, n);
	else
		json_null(w, key);
}

static void put_gap(struct json_writer *w, const struct recording_info *info,
		    const struct recording_gap *gap)
{
	json_open_object(w, NULL);
	json_document(w, "file", gap->file);
	put_when(w, "from", info, gap->from_ns);
	put_when(w, "to", info, gap->to_ns);
	put_count(w, "records", gap->records);
	put_count(w, "bytes", gap->bytes);
	json_document(w, "why", gap->why);
	json_close_object(w);
}

static void put_state(struct json_writer *w, const struct recording_info *info,
		      const struct recording_state *state)
{
	json_open_object(w, NULL);
	json_document(w, "name", state->name);
	json_string(w, "at", state->at_end ? "end" : "start");
	put_when(w, "time", info, state->time_ns);
	json_document(w, "text", state->text);
	json_close_object(w);
}

void json_recording(struct json_writer *w, const struct recording_info *info)
{
	json_open_array(w, "files");
	for (size_t i = 0; i < info->n_files; i++)
		json_document(w, NULL, info->files[i]);
	json_close_array(w);
	put_when(w, "start", info, info->start_ns);
	put_when(w, "end", info, info->end_ns);
	json_bool(w, "complete", recording_complete(info));
	json_bool(w, "has_start", info->has_start);
	json_bool(w, "has_end", info->has_end);
	json_open_array(w, "gaps");
	for (size_t i = 0; i < info->n_gaps; i++)
		put_gap(w, info, &info->gaps[i]);
	json_close_array(w);
	json_open_array(w, "host_state");
	for (size_t i = 0; i < info->n_states; i++)
		put_state(w, info, &info->states[i]);
	json_close_array(w);
}
