/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A table of legacy iptables (x_tables) as the kernel has it: its rules in one piece. */
#ifndef HCT_XT_TABLE_H
#define HCT_XT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XT_HOOKS 5 /* NF_INET_NUMHOOKS of these tables */

struct xt_table_copy {
	bool ipv6;
	unsigned int valid_hooks; /* bits */
	unsigned int hook_entry[XT_HOOKS]; /* where the rules of a hook begin */
	unsigned int underflow[XT_HOOKS]; /* where the rule is that is its policy */
	size_t size;
	char *blob;
};

/*
 * Reads table NAME ("filter") of the calling thread's network namespace by FD, a
 * raw socket of the family.  0, or -errno: -EFBIG it has more than MAX bytes,
 * -EAGAIN it changed meanwhile.  Free OUT with xt_table_free() in either case.
 * To ask for a table that is not there would load it.
 */
int xt_table_read(int fd, bool ipv6, const char *name, size_t max, struct xt_table_copy *out);
void xt_table_free(struct xt_table_copy *table);

/* A rule: offsets in the blob. */
struct xt_rule {
	size_t at; /* its struct ipt_entry or ip6t_entry */
	size_t matches, target, next;
};

/* The rule at AT; all offsets lie in the blob.  false: there is none, or it is malformed. */
bool xt_table_rule(const struct xt_table_copy *table, size_t at, struct xt_rule *out);

/*
 * The match at *AT of RULE; moves *AT behind it.  DATA, of LEN bytes, is copied for
 * alignment by who uses it.  false: there are no more, or it is malformed.
 */
struct xt_part {
	char name[30];
	uint8_t revision;
	const char *data;
	size_t len;
};
bool xt_table_match(const struct xt_table_copy *table, const struct xt_rule *rule, size_t *at,
		    struct xt_part *out);
/* RULE's target; the standard target's name is empty.  false: it is malformed. */
bool xt_table_target(const struct xt_table_copy *table, const struct xt_rule *rule,
		     struct xt_part *out);
/* The verdict in the standard target's data: below 0 -verdict - 1, else where it goes on. */
bool xt_standard_verdict(const struct xt_part *target, int *verdict);

#endif
