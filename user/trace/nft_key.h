/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The switch by which nftables calls its trace for every rule that a packet of the host meets. */
#ifndef HCT_NFT_KEY_H
#define HCT_NFT_KEY_H

struct nft_key;

/*
 * Turns it on for all of the host, without a word in any ruleset of the host: by
 * a rule in a network namespace of our own, which nothing but a socket of ours
 * holds.  It costs all of nftables' traffic.  0 or -errno.
 */
int nft_key_turn(struct nft_key **out);
/* Turns it off, unless others want it on.  Accepts NULL; the kernel does it when the process ends. */
void nft_key_release(struct nft_key *key);

#endif
