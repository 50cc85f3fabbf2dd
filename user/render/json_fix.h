/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What helps, in JSON. */
#ifndef HCT_JSON_FIX_H
#define HCT_JSON_FIX_H

#include "diagnose/verdict.h"
#include "json_write.h"

/*
 * FIX as members of the open object: fix (all as one text), fix_command,
 * fix_advice, undo_command and show_command, null where there is none.  FIX may
 * be NULL: nothing.
 */
void json_fix(struct json_writer *w, const struct fix *fix);

#endif
