/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pseudonyms of names: "proc-1" for the first process that is met, and so on.
 * The same name has the same one wherever it stands.
 */
#ifndef HCT_PSEUDO_NAME_H
#define HCT_PSEUDO_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define PSEUDO_LEN 24 /* a pseudonym with its NUL, at most */

enum name_class {
	NAME_PROCESS,
	NAME_USER,
	NAME_NETNS,
	NAME_HOST, /* of a machine, or a DNS name */
	NAME_PATH, /* of an HTTP request, "/path-1" */
	NAME_QUERY, /* what follows it, "?query-1" */
	NAME_MAIL,
	NAME_TEXT, /* comments, prefixes of log lines, what else people write */
	NAME_COMMAND,
	NAME_MAC,
	NAME_CLASSES
};

struct pseudo_names;

struct pseudo_names *pseudo_names_new(void); /* NULL: no memory */
void pseudo_names_free(struct pseudo_names *p); /* accepts NULL */

/*
 * The pseudonym of the LEN bytes at NAME; lives as long as P.  Where there is no
 * memory, or there are absurdly many, they share one.
 */
const char *pseudo_name(struct pseudo_names *p, enum name_class class, const char *name, size_t len);
/* The same, only if that name is known already from where it means what it says; else NULL. */
const char *pseudo_name_known(const struct pseudo_names *p, const char *name, size_t len);
/* NAME, wherever it stands in text, is a word of its own: it stays. */
void pseudo_name_keep(struct pseudo_names *p, const char *name);
bool pseudo_name_kept(const struct pseudo_names *p, const char *name, size_t len);
size_t pseudo_name_longest(const struct pseudo_names *p); /* of all known names, in bytes */

void pseudo_names_each(struct pseudo_names *p,
		       void (*each)(void *ctx, const char *name, const char *pseudo), void *ctx);

#endif
