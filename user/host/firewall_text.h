/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Texts of the rules of one nftables table; the inside of firewall_text.c. */
#ifndef HCT_FIREWALL_TEXT_H
#define HCT_FIREWALL_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "firewall.h"

struct fw_texts {
	struct fw_text {
		uint64_t handle;
		const char *text; /* belongs to RULES */
	} *text;
	size_t n, room;
	struct fw_rules *rules;
};

/* Adds TEXT for the rule with HANDLE.  0 or -ENOMEM. */
int fw_texts_add(struct fw_texts *texts, uint64_t handle, const char *text);
/* Gives back what TEXTS holds, not the texts themselves. */
void fw_texts_free(struct fw_texts *texts);

/* The rules in what `nft -a list table` printed; spoils LISTING.  0 or -ENOMEM. */
int fw_parse_listing(struct fw_texts *texts, char *listing);
/*
 * The rules of one table, in nft's syntax as far as it goes, from the kernel;
 * what is not understood is "…".  0 or -errno.
 */
int fw_render_table(struct fw_texts *texts, const char *family, const char *table);

#endif
