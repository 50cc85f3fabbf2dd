/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text on its way through redaction: what is still to be read, and what was written. */
#ifndef HCT_REDACT_SCAN_H
#define HCT_REDACT_SCAN_H

#include <ctype.h>
#include <stdio.h>

#include "redact.h"

struct scan {
	struct redact *r;
	FILE *out;
	const char *start, *at; /* NUL-terminated */
};

static inline bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Does a word begin here? */
static inline bool at_word_start(const struct scan *s)
{
	return s->at == s->start || !is_word_char(s->at[-1]);
}

/*
 * Each reads what stands at s->at, if it is of its kind, writes its pseudonym,
 * moves on and returns true.
 */
bool scan_address(struct scan *s); /* IPv4, IPv6, MAC, with a prefix length or without */
bool scan_v4_start(struct scan *s); /* "192.168." */
bool scan_hex_address(struct scan *s); /* 0x and eight or more digits */
bool scan_url(struct scan *s);
bool scan_mail(struct scan *s);
bool scan_name(struct scan *s); /* one that is known */

void redact_rules_text(struct scan *s);
void redact_wrappers_text(struct scan *s);
/* Writes one word, or what is no word, however it is read. */
void redact_plain_step(struct scan *s);

#endif
