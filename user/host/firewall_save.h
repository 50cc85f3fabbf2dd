/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One rule as iptables-save prints it, cut into words; the inside of firewall_save.c. */
#ifndef HCT_FIREWALL_SAVE_H
#define HCT_FIREWALL_SAVE_H

#include "firewall.h"

#define SAVE_MAX_WORDS 128

struct save_parser {
	struct fw_rules *rules;
	const char *backend;
	const char *family;
	bool ipv6;
	char table[64];
	struct fw_rule *rule;
	char *word[SAVE_MAX_WORDS];
	size_t n, at;
	bool negate; /* a "!" stands before the option */
};

/*
 * What the option at p->at, with its values, demands, into p->rule.  *TOOK: of how
 * many words it is.  0 or -ENOMEM.
 */
int save_take_option(struct save_parser *p, const struct fw_chain *chain, size_t *took);

#endif
