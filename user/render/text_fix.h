/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What helps, as text. */
#ifndef HCT_TEXT_FIX_H
#define HCT_TEXT_FIX_H

#include "diagnose/verdict.h"
#include "text.h"

/*
 * FIX at column INDENT, a line each: "run" what works when pasted, "fix" (behind a
 * command "also") what is advice, "see" what shows it, "undo".  NULL: nothing.
 */
void text_fix(struct text *t, unsigned indent, const struct fix *fix);

#endif
