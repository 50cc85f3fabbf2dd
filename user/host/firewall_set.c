// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Elements of nftables' sets and verdict maps. */
#include <errno.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chains.h"
#include "firewall_nft.h"
#include "netlink.h"

/* An element as the kernel has it: an interval is a start and, apart, what follows its end. */
struct mark {
	struct nft_element e;
	bool end;
};

static uint32_t family_number(const char *family)
{
	static const uint32_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET,
					     NFPROTO_BRIDGE };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (!strcmp(family, nft_family_name(families[i])))
			return families[i];
	return NFPROTO_NETDEV;
}

static int take_set(const struct nlmsghdr *nlh, void *data)
{
	return nftnl_set_nlmsg_parse(nlh, data) ? MNL_CB_ERROR : MNL_CB_OK;
}

static int take_elements(const struct nlmsghdr *nlh, void *data)
{
	return nftnl_set_elems_nlmsg_parse(nlh, data) ? MNL_CB_ERROR : MNL_CB_OK;
}

static int ask(struct nftnl_set *set, uint16_t what, uint32_t family, bool dump, mnl_cb_t take,
	       struct nftnl_set *out)
{
	char buf[512] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, what, (uint16_t)family, 0, 0);

	if (dump)
		nftnl_set_elems_nlmsg_build_payload(nlh, set);
	else
		nftnl_set_nlmsg_build_payload(nlh, set);
	return netlink_ask(NETLINK_NETFILTER, nlh, dump, take, out, NULL);
}

static void copy_key(uint8_t to[NFT_KEY_MAX], const struct nftnl_set_elem *from, uint16_t what)
{
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get((struct nftnl_set_elem *)from, what, &len);

	if (key)
		memcpy(to, key, len < NFT_KEY_MAX ? len : NFT_KEY_MAX);
}

static void read_element(struct nftnl_set_elem *from, struct mark *to)
{
	uint32_t flags = 0;

	memset(to, 0, sizeof(*to));
	if (nftnl_set_elem_is_set(from, NFTNL_SET_ELEM_FLAGS))
		flags = nftnl_set_elem_get_u32(from, NFTNL_SET_ELEM_FLAGS);
	to->end = flags & NFT_SET_ELEM_INTERVAL_END;
	to->e.any = flags & NFT_SET_ELEM_CATCHALL;
	copy_key(to->e.lo, from, NFTNL_SET_ELEM_KEY);
	memcpy(to->e.hi, to->e.lo, sizeof(to->e.hi));
	if (nftnl_set_elem_is_set(from, NFTNL_SET_ELEM_KEY_END)) /* of a concatenation's ranges */
		copy_key(to->e.hi, from, NFTNL_SET_ELEM_KEY_END);
	if (nftnl_set_elem_is_set(from, NFTNL_SET_ELEM_VERDICT))
		to->e.verdict = (int32_t)nftnl_set_elem_get_u32(from, NFTNL_SET_ELEM_VERDICT);
	if (nftnl_set_elem_is_set(from, NFTNL_SET_ELEM_CHAIN))
		snprintf(to->e.chain, sizeof(to->e.chain), "%s",
			 nftnl_set_elem_get_str(from, NFTNL_SET_ELEM_CHAIN));
}

static int by_key(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;
	int order = memcmp(x->e.lo, y->e.lo, sizeof(x->e.lo));

	if (x->e.any != y->e.any)
		return x->e.any - y->e.any;
	/* Where one interval ends as the next starts, the end comes first. */
	return order ? order : y->end - x->end;
}

/* Turns starts and ends, sorted, into intervals. */
static size_t join(struct mark *marks, size_t n, size_t len, struct nft_element *out)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		struct nft_element *e = &out[used];

		if (marks[i].end)
			continue;
		*e = marks[i].e;
		used++;
		if (e->any)
			continue;
		memset(e->hi, 0xff, sizeof(e->hi));
		if (i + 1 == n || marks[i + 1].e.any)
			continue;
		memcpy(e->hi, marks[i + 1].e.lo, sizeof(e->hi));
		for (size_t b = len; b--;) /* the value before */
			if (e->hi[b]-- != 0)
				break;
	}
	return used;
}

static int collect(struct nftnl_set *set, bool interval, struct nft_elements *out)
{
	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(set);
	struct nftnl_set_elem *elem;
	struct mark *marks = NULL;
	size_t n = 0, size = 0;
	int err = iter ? 0 : -ENOMEM;

	while (!err && (elem = nftnl_set_elems_iter_next(iter))) {
		if (n == size) {
			struct mark *more = realloc(marks, (size = size * 2 + 16) * sizeof(*marks));

			if (!more) {
				err = -ENOMEM;
				break;
			}
			marks = more;
		}
		read_element(elem, &marks[n++]);
	}
	if (!err && n) {
		out->element = calloc(n, sizeof(*out->element));
		err = out->element ? 0 : -ENOMEM;
	}
	if (!err && n)
		qsort(marks, n, sizeof(*marks), by_key);
	if (!err && interval) {
		out->n = join(marks, n, out->len, out->element);
	} else if (!err) {
		for (out->n = 0; out->n < n; out->n++)
			out->element[out->n] = marks[out->n].e;
	}
	if (iter)
		nftnl_set_elems_iter_destroy(iter);
	free(marks);
	return err;
}

int nft_elements_read(const char *family, const char *table, const char *name,
		      struct nft_elements *out)
{
	struct nftnl_set *wanted = nftnl_set_alloc(), *set = nftnl_set_alloc();
	uint32_t number = family_number(family), flags = 0;
	int err = wanted && set ? 0 : -ENOMEM;

	memset(out, 0, sizeof(*out));
	if (!err) {
		nftnl_set_set_str(wanted, NFTNL_SET_TABLE, table);
		nftnl_set_set_str(wanted, NFTNL_SET_NAME, name);
		err = ask(wanted, NFT_MSG_GETSET, number, false, take_set, set);
	}
	if (!err) {
		out->len = nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN);
		flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS);
		err = out->len > NFT_KEY_MAX ? -EMSGSIZE : 0;
	}
	if (!err)
		err = ask(wanted, NFT_MSG_GETSETELEM, number, true, take_elements, wanted);
	if (!err)
		err = collect(wanted, flags & NFT_SET_INTERVAL && !(flags & NFT_SET_CONCAT), out);
	if (wanted)
		nftnl_set_free(wanted);
	if (set)
		nftnl_set_free(set);
	return err;
}

void nft_elements_free(struct nft_elements *set)
{
	free(set->element);
	*set = (struct nft_elements){ 0 };
}
