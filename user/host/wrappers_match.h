/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Patterns of hosts_access(5); the inside of wrappers.c. */
#ifndef HCT_WRAPPERS_MATCH_H
#define HCT_WRAPPERS_MATCH_H

#include "wrappers.h"

/* An answer, and whether nothing that we do not know can turn it. */
struct match {
	bool yes;
	bool sure;
};

struct match match_and(struct match a, struct match b);
struct match match_not(struct match a);

struct matcher {
	const struct wrappers_query *query;
	char client[64]; /* its client, an IPv4-mapped address as IPv4 */
	/* What files of patterns may still cost: they can name each other, and themselves. */
	unsigned files_left;
	unsigned patterns_left;
};

void matcher_init(struct matcher *m, const struct wrappers_query *query);

/* Whether LIST (cut to pieces here) names the daemon, or the client. */
struct match match_daemons(struct matcher *m, char *list);
struct match match_clients(struct matcher *m, char *list);

/*
 * Cuts TEXT at the first DELIMITER outside brackets and returns what follows
 * it, or NULL: there is none.
 */
char *wrappers_split(char *text, char delimiter);

/* What the options of a rule make of it. */
enum options_effect {
	OPTIONS_NONE, /* the file decides */
	OPTIONS_ALLOW,
	OPTIONS_DENY, /* also: an option that is wrong, or `twist` */
	OPTIONS_COMMAND, /* the file decides, if a command succeeds (`aclexec`) */
};

/* OPTIONS (cut to pieces here) as they follow the second colon, newline included. */
enum options_effect wrappers_options(char *options);

#endif
