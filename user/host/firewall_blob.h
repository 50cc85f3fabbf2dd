/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Legacy iptables' tables, from the kernel, as iptables-save would print them. */
#ifndef HCT_FIREWALL_BLOB_H
#define HCT_FIREWALL_BLOB_H

#include <stdio.h>

#include "firewall.h"
#include "xt_table.h"

/*
 * Adds the rules of the legacy tables that the calling thread's namespace has.
 * 0 or -errno; when a table cannot be read, *WHOLE says so.
 */
int fw_read_legacy(bool ipv6, struct fw_rules *rules, bool *whole);

/*
 * TABLE, named NAME, as `iptables-save -c` prints it; what is not known of a match
 * or a target is "…".  NULL: no memory; free() it.  *WHOLE: it is not malformed.
 */
char *fw_blob_text(const struct xt_table_copy *table, const char *name, bool *whole);

/* ---- its inside ---- */

/* " -m tcp --dport 80" */
void xt_put_match(FILE *out, const struct xt_part *match, bool ipv6);
/* " -j REJECT --reject-with tcp-reset" */
void xt_put_target(FILE *out, const struct xt_part *target, bool ipv6);
/* A word of it, in quotes where it needs them. */
void xt_put_word(FILE *out, const char *text, size_t len);
/* "!" and the option's name. */
void xt_put_option(FILE *out, bool negate, const char *name);
/* ADDRESS of the family, without its mask. */
void xt_put_address(FILE *out, const void *address, bool ipv6);

#endif
