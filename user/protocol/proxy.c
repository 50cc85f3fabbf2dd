// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The PROXY protocol's header, which comes ahead of any other (haproxy.org, proxy-protocol.txt). */
#include <string.h>

#include "protocol.h"

#define V1_MAX 107 /* with its line's end */
#define V2_FIXED 16

static const uint8_t v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

size_t proxy_header_len(const uint8_t *data, size_t len, unsigned *version)
{
	struct bytes b = { data, len };
	const uint8_t *lf;
	size_t whole;

	*version = 0;
	if (bytes_begin(b, "PROXY TCP") || bytes_begin(b, "PROXY UNKNOWN")) {
		lf = memchr(data, '\n', len < V1_MAX ? len : V1_MAX);
		if (!lf && len >= V1_MAX)
			return 0;
		*version = 1;
		return lf ? (size_t)(lf - data) + 1 : len;
	}
	if (len < V2_FIXED || memcmp(data, v2_signature, sizeof(v2_signature)) != 0 ||
	    data[12] >> 4 != 2)
		return 0;
	*version = 2;
	whole = V2_FIXED + (size_t)(data[14] << 8 | data[15]);
	return whole < len ? whole : len;
}
