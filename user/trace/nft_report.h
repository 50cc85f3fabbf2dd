/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel reports of packets that nftables traces: messages in, observations out. */
#ifndef HCT_NFT_REPORT_H
#define HCT_NFT_REPORT_H

#include <libmnl/libmnl.h>

#include "cli/options.h"
#include "stream/obs.h"

/* The headers of a packet as a chain saw it; only the first report of a chain's run has them. */
struct nft_packet {
	uint32_t id; /* the kernel's, the same on all of the packet's way */
	bool valid;
	bool reply;
	uint32_t iif, oif; /* interface numbers; 0 none */
	struct hct_tuple tuple;
	struct hct_packet packet;
};

/* The packets that were reported last. */
#define NFT_REPORT_PACKETS 64
struct nft_reports {
	struct nft_packet packets[NFT_REPORT_PACKETS];
	size_t next;
};

/*
 * Takes one message.  True: a rule or policy let a packet between the load
 * balancers of FROM[0…N) and this host through or ended its way; *OUT says so
 * (all but its time, namespace and device), *IFINDEX is the device that a
 * request came in by or a reply leaves by.  Jumps, returns, what hctrace's own
 * chains do and packets of others are false.
 */
bool nft_report_take(struct nft_reports *reports, const struct nlmsghdr *message,
		     const struct prefix *from, size_t n, struct obs *out, uint32_t *ifindex);

/* Is the v4-mapped ADDR in PREFIX? */
bool prefix_has(const struct prefix *prefix, const uint8_t addr[16]);

#endif
