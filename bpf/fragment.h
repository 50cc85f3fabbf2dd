/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments of a request: the first has the ports, the others are known by what all of them
 * have in common.  How much of the packet came is kept, so that one of which a fragment is
 * missing can be told from one that the kernel put together.
 */
#ifndef BPF_FRAGMENT_H
#define BPF_FRAGMENT_H

#include "packet.h"

static __always_inline struct fragment_key fragment_key(const struct parsed *p, __u32 ifindex)
{
	struct fragment_key key = { .id = p->fragment_id, .ifindex = ifindex };

	__builtin_memcpy(key.lb, p->tuple.lb, 16);
	__builtin_memcpy(key.target, p->tuple.target, 16);
	return key;
}

static __always_inline void fill_fragment(struct parsed *p, const struct fragment_state *known)
{
	p->fragments_have = known->have;
	p->fragments_total = known->total;
	if (p->carriage & HCT_FRAGMENT_LATER)
		p->tuple = known->tuple;
}

/*
 * P, a fragment of a request, arrived on IFINDEX: a later one gets its tuple from the first.
 * False: that has not come yet.
 */
static __always_inline bool fragment_arrives(struct parsed *p, __u32 ifindex)
{
	struct fragment_key key = fragment_key(p, ifindex);
	struct fragment_state *known = bpf_map_lookup_elem(&fragments, &key);

	if (!known) {
		struct fragment_state none = {};

		bpf_map_update_elem(&fragments, &key, &none, BPF_ANY);
		known = bpf_map_lookup_elem(&fragments, &key);
		if (!known)
			return false;
	}
	known->have += p->fragment_len;
	if (p->carriage & HCT_FRAGMENT_LAST)
		known->total = p->fragment_at + p->fragment_len;
	if (!(p->carriage & HCT_FRAGMENT_LATER))
		known->tuple = p->tuple;
	if (!known->tuple.protocol)
		return false;
	fill_fragment(p, known);
	return true;
}

/* The same of one that is dropped, on its way from IFINDEX. */
static __always_inline bool fragment_find(struct parsed *p, __u32 ifindex)
{
	struct fragment_key key = fragment_key(p, ifindex);
	struct fragment_state *known = bpf_map_lookup_elem(&fragments, &key);

	if (!known || !known->tuple.protocol)
		return false;
	fill_fragment(p, known);
	return true;
}

/* A fragment without ports, of a request: parsing it fails. */
static __always_inline bool is_later_fragment(const struct parsed *p)
{
	return p->carriage & HCT_FRAGMENT_LATER && !p->reply && !p->through;
}

#endif
