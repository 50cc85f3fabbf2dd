/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Words that the tools' output consists of. */
#ifndef HCT_REDACT_WORDS_H
#define HCT_REDACT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Is the word of LEN bytes one of syntax, whatever else is called so? */
bool redact_is_syntax(const char *word, size_t len);

#endif
