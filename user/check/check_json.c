// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `hctrace check` for programs: one object a line. */
#include <json-c/json.h>
#include <string.h>

#include "base/finish_output.h"
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

/* What every object of `--json` has, as json_head() of the renderers. */
static void add_head(struct json_object *o, const char *type, const struct run_identity *self)
{
	add_text(o, "type", type);
	add_text(o, "host", self ? self->host : "");
	add_text(o, "run", self ? self->run : "");
	json_object_object_add(o, "schema", json_object_new_int(JSON_SCHEMA));
}

static void print(FILE *out, struct json_object *o)
{
	fprintf(out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	flush_output(out);
	json_object_put(o);
}

void check_json_report(void *ctx, const struct finding *f)
{
	const struct check_json *j = ctx;
	struct json_object *o = json_object_new_object();

	add_head(o, "check", j->self);
	add_text(o, "step", strcmp(f->step, "-") ? f->step : "");
	add_text(o, "result", result_names[f->result]);
	add_text(o, "what", f->what);
	add_text(o, "why", f->why);
	add_text(o, "show", f->show);
	add_text(o, "fix", f->fix);
	print(j->out, o);
}

void check_json_end(const struct check_json *j, const struct check *done)
{
	struct json_object *o = json_object_new_object();
	char verdict[160], command[1024];

	check_verdict(done, verdict, sizeof(verdict));
	check_probe_command(done->facts->settings, command, sizeof(command));
	add_head(o, "end", j->self);
	for (size_t i = 0; i < CHECK_RESULTS; i++)
		json_object_object_add(o, result_names[i], json_object_new_int64(done->count[i]));
	add_text(o, "summary", verdict);
	add_text(o, "probe", command);
	print(j->out, o);
}
