/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses as the events have them: 16 bytes, IPv4 mapped into IPv6, anywhere in a
 * struct.  The macros of <netinet/in.h> read words, and so ask for an alignment.
 */
#ifndef HCT_ADDRESS_H
#define HCT_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

static inline bool addr_is_ipv4(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

static inline bool addr_is_loopback(const uint8_t addr[16])
{
	static const uint8_t loopback[16] = { [15] = 1 };

	return memcmp(addr, loopback, sizeof(loopback)) == 0 ||
	       (addr_is_ipv4(addr) && addr[12] == 127);
}

/* The LEN bytes of an address of FAMILY as those 16.  False: of another length. */
static inline bool addr_widen(uint8_t family, const void *bytes, size_t len,
			      uint8_t out[16])
{
	memset(out, 0, 16);
	if (family == AF_INET && len == 4) {
		out[10] = out[11] = 0xff;
		memcpy(out + 12, bytes, 4);
		return true;
	}
	if (family != AF_INET6 || len != 16)
		return false;
	memcpy(out, bytes, 16);
	return true;
}

#endif
