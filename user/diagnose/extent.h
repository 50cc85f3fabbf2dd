/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How much of an answer was sent, how much of it arrived, and whether it was whole. */
#ifndef HCT_EXTENT_H
#define HCT_EXTENT_H

#include "probe.h"

enum wholeness {
	WHOLENESS_UNKNOWN, /* it does not say where it ends, or its head was not seen */
	WHOLENESS_WHOLE,
	WHOLENESS_CUT, /* by its own framing more is missing */
};

struct extent {
	bool numbered; /* SENT and ACKED are known */
	uint64_t sent, acked; /* bytes of the answer, its head included */
	uint64_t body_sent; /* 0 while the head is not complete */
	uint64_t body_length; /* with HTTP_FRAMING_LENGTH */
	bool arrived; /* all that was sent was acknowledged, as far as can be known */
	enum wholeness wholeness; /* of HTTP/1 */
};

void probe_extent(const struct probe *p, struct extent *out);

#endif
