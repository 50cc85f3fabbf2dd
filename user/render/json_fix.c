// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What helps, in JSON: a command is told apart from advice. */
#include "json_fix.h"

static const char *command_or_null(const struct command *command)
{
	return command_is_set(command) ? command->text : NULL;
}

void json_fix(struct json_writer *w, const struct fix *fix)
{
	static const struct fix none;
	char text[FIX_TEXT_LEN];

	if (!fix)
		fix = &none;
	json_lines(w, "fix", *fix_text(text, fix) ? text : NULL);
	json_string(w, "fix_command", command_or_null(&fix->command));
	json_string(w, "fix_advice", fix->advice[0] ? fix->advice : NULL);
	json_string(w, "undo_command", command_or_null(&fix->undo));
	json_string(w, "show_command", command_or_null(&fix->show));
}
