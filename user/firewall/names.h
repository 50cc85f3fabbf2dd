/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which names of tables and chains the firewall's own tools can be told. */
#ifndef HCT_FIREWALL_NAMES_H
#define HCT_FIREWALL_NAMES_H

#include <stdbool.h>

/*
 * Can nft(8) be told NAME of a table or chain?  Its language has no quotes for
 * them (identifier: string without quotes, nftables' scanner.l); such a name was
 * given by a program, over netlink.
 */
bool nft_can_name(const char *name);
/* The same of iptables(8), which takes all but what it reads as an option or as several words. */
bool iptables_can_name(const char *name);

#endif
