// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The JSON renderer's object of type "recording". */
#include "json_recording.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

/* TEXT as a string of JSON, its lines kept; null when it has none. */
static struct json_object *lines(const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *safe = size > 1 ? malloc(size) : NULL;
	struct json_object *o = NULL;

	if (safe) {
		format_safe(safe, size, text);
		for (size_t i = 0; safe[i]; i++)
			if (text[i] == '\n' || text[i] == '\t')
				safe[i] = text[i];
		o = json_object_new_string(safe);
	}
	free(safe);
	return o;
}

/* null for 0: it is not known. */
static struct json_object *when(const struct recording_info *info, uint64_t mono_ns)
{
	char iso[ISO_TEXT_LEN];

	if (!mono_ns)
		return NULL;
	return json_object_new_string(format_iso(iso, (int64_t)mono_ns + info->wall_offset_ns));
}

static struct json_object *gap(const struct recording_info *info, const struct recording_gap *gap)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "file", lines(gap->file));
	json_object_object_add(o, "from", when(info, gap->from_ns));
	json_object_object_add(o, "to", when(info, gap->to_ns));
	json_object_object_add(o, "records",
			       gap->records ? json_object_new_uint64(gap->records) : NULL);
	json_object_object_add(o, "bytes", gap->bytes ? json_object_new_uint64(gap->bytes) : NULL);
	json_object_object_add(o, "why", lines(gap->why));
	return o;
}

static struct json_object *state(const struct recording_info *info,
				 const struct recording_state *state)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", lines(state->name));
	json_object_object_add(o, "at", json_object_new_string(state->at_end ? "end" : "start"));
	json_object_object_add(o, "time", when(info, state->time_ns));
	json_object_object_add(o, "text", lines(state->text));
	return o;
}

struct json_object *json_recording(const struct recording_info *info)
{
	struct json_object *o = json_object_new_object(), *files = json_object_new_array();
	struct json_object *gaps = json_object_new_array(), *states = json_object_new_array();

	for (size_t i = 0; i < info->n_files; i++)
		json_object_array_add(files, lines(info->files[i]));
	for (size_t i = 0; i < info->n_gaps; i++)
		json_object_array_add(gaps, gap(info, &info->gaps[i]));
	for (size_t i = 0; i < info->n_states; i++)
		json_object_array_add(states, state(info, &info->states[i]));
	json_object_object_add(o, "type", json_object_new_string("recording"));
	json_object_object_add(o, "files", files);
	json_object_object_add(o, "start", when(info, info->start_ns));
	json_object_object_add(o, "end", when(info, info->end_ns));
	json_object_object_add(o, "complete", json_object_new_boolean(recording_complete(info)));
	json_object_object_add(o, "has_start", json_object_new_boolean(info->has_start));
	json_object_object_add(o, "has_end", json_object_new_boolean(info->has_end));
	json_object_object_add(o, "gaps", gaps);
	json_object_object_add(o, "host_state", states);
	return o;
}
