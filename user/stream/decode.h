/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the wire format to an observation: numbers of one kernel become names. */
#ifndef HCT_DECODE_H
#define HCT_DECODE_H

#include "obs.h"

/* Where names come from; each returns an interned string, or NULL when it knows none. */
struct namer {
	const char *(*reason)(void *ctx, uint32_t reason); /* enum skb_drop_reason */
	const char *(*symbol)(void *ctx, uint64_t address); /* function around a kernel address */
	const char *(*device)(void *ctx, uint32_t ifindex);
	void *ctx;
};

/*
 * Decodes one event of SIZE bytes into OUT.  OUT's payload points into DATA.
 * 0, or -EBADMSG when it is none (too short, unknown point, lengths that lie).
 */
int decode_event(const void *data, size_t size, const struct namer *namer, struct obs *out);

#endif
