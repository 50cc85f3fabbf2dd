/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ICMP errors say. */
#ifndef HCT_ICMP_WORDS_H
#define HCT_ICMP_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* ": port unreachable"; "" where the numbers are all there is.  V6: it is ICMPv6. */
const char *icmp_meaning(bool v6, uint8_t type, uint8_t code);
/* Does it tell the sender of a better way, so that the packet itself went on? */
bool icmp_is_redirect(bool v6, uint8_t type);
/* Did a router give up a packet that had passed too many? */
bool icmp_is_ttl_exceeded(bool v6, uint8_t type, uint8_t code);

#endif
