/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table behind the command line: what an option is called, what it accepts
 * and who uses it.  options.c makes getopt's arguments, --help and the error
 * messages of it; a new option is a new row and its function.
 */
#ifndef HCT_OPTION_TABLE_H
#define HCT_OPTION_TABLE_H

#include "options.h"

enum { BY_LIVE = 1, BY_REPLAY = 2, BY_EXPLAIN = 4, BY_CHECK = 8, BY_REPORT = 16,
       BY_RECORD = 32, BY_BUNDLE = 64, BY_PROBE = 128, BY_ALL = 255 };

/* What is wrong with a value.  Empty fields: all of it, and what the row says. */
struct refusal {
	char item[64];
	char reason[192];
};

struct option_row {
	const char *heading; /* starts a group in --help; NULL: same group */
	char letter; /* 0: long form only */
	const char *name;
	const char *value; /* what --help calls it; NULL: takes none */
	bool value_optional;
	unsigned used_by; /* BY_*: the commands that it means something to */
	const char *help;
	const char *reason; /* "is not …; example: …", said of a bad value */
	/*
	 * Puts VALUE into S (it points into argv and outlives S); 0, or -EINVAL
	 * after filling R where it knows better than the row.  NULL: --help and
	 * --version, which end the parsing.
	 */
	int (*set)(struct settings *s, const char *value, struct refusal *r);
};

struct command_row {
	const char *name;
	const char *argument; /* NULL: takes none */
	bool argument_needed;
	unsigned by; /* BY_* */
	const char *help;
	bool many; /* takes several arguments */
};

extern const struct option_row option_rows[];
extern const size_t n_option_rows;
extern const struct command_row command_rows[]; /* the first is the default */
extern const size_t n_command_rows;

#endif
