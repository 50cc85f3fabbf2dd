// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What ICMP errors say. */
#include "icmp_words.h"

#include <stddef.h>

#define ANY 255 /* of its type, every code that has no row of its own ahead */

/* RFC 792, 1122 and 1812; RFC 4443. */
static const struct {
	bool v6;
	uint8_t type, code;
	const char *meaning;
} errors[] = {
	{ false, 3, 0, ": network unreachable" },
	{ false, 3, 1, ": host unreachable" },
	{ false, 3, 2, ": protocol unreachable" },
	{ false, 3, 3, ": port unreachable" },
	{ false, 3, 4, ": too big for the path" },
	{ false, 3, 5, ": source route failed" },
	{ false, 3, 9, ": prohibited" },
	{ false, 3, 10, ": prohibited" },
	{ false, 3, 13, ": prohibited" },
	{ false, 5, ANY, ": redirect" },
	{ false, 11, 0, ": TTL exceeded in transit" },
	{ false, 11, 1, ": a fragment of it did not come" },
	{ false, 12, ANY, ": bad IP header" },
	{ true, 1, 0, ": no route" },
	{ true, 1, 1, ": prohibited" },
	{ true, 1, 2, ": beyond scope" },
	{ true, 1, 3, ": address unreachable" },
	{ true, 1, 4, ": port unreachable" },
	{ true, 1, 5, ": prohibited" },
	{ true, 1, 6, ": prohibited" },
	{ true, 2, ANY, ": too big for the path" },
	{ true, 3, 0, ": hop limit exceeded in transit" },
	{ true, 3, 1, ": a fragment of it did not come" },
	{ true, 4, ANY, ": bad IPv6 header" },
	{ true, 137, ANY, ": redirect" },
};

const char *icmp_meaning(bool v6, uint8_t type, uint8_t code)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].v6 == v6 && errors[i].type == type &&
		    (errors[i].code == code || errors[i].code == ANY))
			return errors[i].meaning;
	return "";
}

bool icmp_is_redirect(bool v6, uint8_t type)
{
	return type == (v6 ? 137 : 5);
}

bool icmp_is_ttl_exceeded(bool v6, uint8_t type, uint8_t code)
{
	return type == (v6 ? 3 : 11) && code == 0;
}
