// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `hctrace check` for programs: one object a line. */
#include <json-c/json.h>
#include <string.h>

#include "check_output.h"
#include "render/format.h"

static const char *const result_names[CHECK_RESULTS] = {
	[CHECK_NOTE] = "note", [CHECK_OK] = "ok", [CHECK_WARN] = "warn", [CHECK_FAIL] = "fail",
};

static void add_text(struct json_object *o, const char *key, const char *text)
{
	char safe[1024];

	if (*text)
		format_safe(safe, sizeof(safe), text);
	json_object_object_add(o, key, *text ? json_object_new_string(safe) : NULL);
}

static void print(FILE *out, struct json_object *o)
{
	fprintf(out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(out);
	json_object_put(o);
}

void check_json_report(void *ctx, const struct finding *f)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "type", "check");
	add_text(o, "step", strcmp(f->step, "-") ? f->step : "");
	add_text(o, "result", result_names[f->result]);
	add_text(o, "what", f->what);
	add_text(o, "why", f->why);
	add_text(o, "show", f->show);
	add_text(o, "fix", f->fix);
	print(ctx, o);
}

void check_json_end(FILE *out, const struct check *done)
{
	struct json_object *o = json_object_new_object();
	char verdict[160], command[1024];

	check_verdict(done, verdict, sizeof(verdict));
	check_probe_command(done->facts->settings, command, sizeof(command));
	add_text(o, "type", "end");
	for (size_t i = 0; i < CHECK_RESULTS; i++)
		json_object_object_add(o, result_names[i], json_object_new_int64(done->count[i]));
	add_text(o, "summary", verdict);
	add_text(o, "probe", command);
	print(out, o);
}
