/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text for people: styles on a terminal that wants them, and paragraphs. */
#ifndef HCT_TEXT_H
#define HCT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/options.h"

struct text {
	FILE *out;
	bool color;
	unsigned width; /* of the terminal; 0: not a terminal, lines are not wrapped */
};

enum style { STYLE_PLAIN, STYLE_GOOD, STYLE_BAD, STYLE_WARN, STYLE_STRONG, STYLE_DIM };

/* OUT is borrowed. */
void text_init(struct text *t, FILE *out, enum color_mode mode);
/* printf() in a style. */
void text_print(struct text *t, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * LABEL at column INDENT, then TEXT, whose further lines start where its first
 * did.  TEXT is made safe to print; its newlines are kept.  Lines are filled
 * to the width where WRAP; a command that will be copied should not be.
 */
void text_paragraph(struct text *t, unsigned indent, const char *label, enum style style,
		    const char *text, bool wrap);

#endif
