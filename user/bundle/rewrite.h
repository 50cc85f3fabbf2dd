/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A recording or a case file as a new recording, redacted or as it is. */
#ifndef HCT_REWRITE_H
#define HCT_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

struct rewrite {
	const char *const *from; /* NULL-terminated paths */
	const char *to;
	bool redact;
	const char *map; /* file that tells what the pseudonyms stand for; NULL: none */
	void (*progress)(void *ctx, uint64_t done, uint64_t all); /* may be NULL */
	void *ctx;
};

/*
 * What is missing from the old recording is counted as missing in the new one.
 * 0, or an exit status after a message on stderr.
 */
int rewrite_recording(const struct rewrite *job);

#endif
