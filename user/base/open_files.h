/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The limit of open files of this process, which errors of other places come from. */
#ifndef HCT_OPEN_FILES_H
#define HCT_OPEN_FILES_H

#include <stdbool.h>

#include "shell.h"

/* How many files this process may have open at once. */
unsigned long open_files_limit(void);
/* The command that raises it in the shell; false: only somebody else can raise it. */
bool open_files_raise(struct command *out);

#endif
