/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Commands that are printed for a person to paste into a shell.
 *
 * Names on a host and bytes from the wire are hostile.  command_add() is the
 * only way to put a value into a command: it makes one word, or a part of one,
 * of it, whatever is in it.  tests/lint-commands holds the sources against that.
 */
#ifndef HCT_SHELL_H
#define HCT_SHELL_H

#include <stdbool.h>
#include <stddef.h>

#define COMMAND_LEN 640

/* One line for a POSIX shell (with $'…', as POSIX.1-2024 has it); "" none. */
struct command {
	char text[COMMAND_LEN];
	bool too_long; /* it found no room: TEXT is "" and stays so, as a cut command is another one */
};

/*
 * Appends FORMAT to C.  Its text is taken as it is; each %s is a value and
 * quoted for the shell, on its own, so no %s may stand inside quotes.
 * Besides %s: %u, %d, %lu, %ld, %zu and %%, without flags or widths.
 */
void command_add(struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends what OTHER has, as it is. */
void command_append(struct command *c, const struct command *other);
void command_clear(struct command *c);
bool command_is_set(const struct command *c);

/*
 * VALUE as one word of a shell, in printable ASCII: as it is where that is a
 * word, else in quotes.  Writes at most SIZE bytes to OUT, the final 0 included;
 * returns the length, or 0 and "" where it does not fit (a word is never empty).
 */
size_t shell_quote(char *out, size_t size, const char *value);

#endif
