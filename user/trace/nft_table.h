/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables of nftables that make the kernel trace packets of a few kinds, in the
 * calling thread's network namespace.
 *
 * They have the flag "owner" (5.12): only the socket that made them can change
 * them, and they vanish with it, however its process ends.  A kernel without
 * the flag refuses it (nf_tables_newtable() since 3.14), so nothing is ever
 * left behind.
 *
 * A traced packet also makes legacy iptables log each rule that it meets
 * (trace_packet(), where a logger is bound), which a rate limit keeps to a few.
 */
#ifndef HCT_NFT_TABLE_H
#define HCT_NFT_TABLE_H

#include <libmnl/libmnl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

/* A kind of packet. */
struct nft_watch {
	struct prefix lb; /* that the load balancer is in */
	uint8_t target[16]; /* v4-mapped */
	uint16_t port_be; /* the target's; TCP and UDP */
	uint8_t protocol;
	bool reply; /* from the target to the load balancer */
	bool opening; /* TCP: only SYN or, with reply, SYN-ACK */
	bool bridge; /* at bridges, too */
	char device[IFNAMSIZ]; /* at this device's ingress, too; "" none */
};
#define NFT_MAX_WATCHES 32

/*
 * Makes the tables for N kinds, at most NFT_MAX_WATCHES.  The socket in *OUT
 * owns them: mnl_socket_close() removes them.  0, or -errno as the kernel
 * refused them: then there are none.
 */
int nft_table_make(const struct nft_watch *watches, size_t n, struct mnl_socket **out);

#endif
