// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What helps, as text: commands are told from advice by their label, and stay on one line. */
#include "text_fix.h"

static void put_command(struct text *t, unsigned indent, const char *label,
			const struct command *command)
{
	if (command_is_set(command))
		text_paragraph(t, indent, label, STYLE_GOOD, command->text, false);
}

void text_fix(struct text *t, unsigned indent, const struct fix *fix)
{
	if (!fix)
		return;
	put_command(t, indent, "run  ", &fix->command);
	if (fix->advice[0])
		text_paragraph(t, indent, command_is_set(&fix->command) ? "also " : "fix  ", STYLE_GOOD,
			       fix->advice, true);
	put_command(t, indent, "see  ", &fix->show);
	put_command(t, indent, "undo ", &fix->undo);
}
