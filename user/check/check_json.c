// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `hctrace check` for programs: one object a line. */
#include <string.h>

#include "check_output.h"
#include "render/json_fix.h"
#include "render/json_write.h"

static const char *const result_names[CHECK_RESULTS] = {
	[CHECK_NOTE] = "note",	[CHECK_OK] = "ok",     [CHECK_UNREAD] = "unread",
	[CHECK_WARN] = "warn",	[CHECK_FAIL] = "fail",
};

static void begin(struct json_writer *w, const struct check_json *j, const char *type)
{
	json_init(w, j->out);
	json_open_object(w, NULL);
	json_head(w, type, j->self ? j->self->host : NULL, j->self ? j->self->run : NULL);
}

static void end(struct json_writer *w)
{
	json_close_object(w);
	json_end_line(w);
}

void check_json_report(void *ctx, const struct finding *f)
{
	struct json_writer w;

	begin(&w, ctx, "check");
	json_string(&w, "step", strcmp(f->step, "-") ? f->step : NULL);
	json_string(&w, "result", result_names[f->result]);
	json_string(&w, "what", f->what);
	json_string(&w, "why", f->why);
	json_string(&w, "show", f->fix.show.text); /* the name of show_command before 0.2 */
	json_fix(&w, &f->fix);
	end(&w);
}

void check_json_end(const struct check_json *j, const struct check *done)
{
	struct command command = { 0 };
	struct json_writer w;
	char verdict[160];

	check_verdict(done, verdict, sizeof(verdict));
	check_probe_command(done->facts->settings, &command);
	begin(&w, j, "end");
	for (size_t i = 0; i < CHECK_RESULTS; i++)
		json_uint(&w, result_names[i], done->count[i]);
	json_string(&w, "summary", verdict);
	json_string(&w, "probe", command.text);
	end(&w);
}
