/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * nftables' own trace in one network namespace: which rule or policy decided
 * about packets of the kinds that are asked about.
 */
#ifndef HCT_NFT_TRACE_H
#define HCT_NFT_TRACE_H

#include "nft_table.h"
#include "stream/obs.h"

struct nft_trace;

/* The version of a kernel, major << 8 | minor, by its release ("6.1.0-13-amd64"); 0 unknown. */
unsigned kernel_number(const char *release);
/* NULL when nftables can be asked on the kernel RELEASE, else why not. */
const char *nft_trace_lacks(bool passive, const char *release);

/*
 * Of nftables in the calling thread's namespace: a number that changes with the
 * ruleset, and whether chains other than hctrace's hang in hooks.  0 (also
 * where there is no nftables) or -errno.
 */
int nft_trace_generation(uint32_t *out);
int nft_trace_has_chains(bool *out);

/* Listens in the calling thread's namespace, which may be left then.  0 or -errno. */
int nft_trace_open(struct nft_trace **out);
/* Leaves nothing behind.  Accepts NULL. */
void nft_trace_close(struct nft_trace *t);

/*
 * From now on exactly the N kinds of WATCHES are traced; the calling thread is
 * in the namespace.  0, or -errno: nothing is traced.
 */
int nft_trace_set(struct nft_trace *t, const struct nft_watch *watches, size_t n);

struct nft_trace_reader {
	const struct prefix *from; /* the load balancers */
	size_t n_from;
	/* O lacks its time, namespace and device, which is IFINDEX there; 0 none. */
	void (*report)(void *ctx, struct obs *o, uint32_t ifindex);
	void (*lost)(void *ctx, uint64_t count);
	void *ctx;
};

int nft_trace_fd(const struct nft_trace *t);
/* Delivers what has come; never blocks. */
void nft_trace_read(struct nft_trace *t, const struct nft_trace_reader *to);

#endif
