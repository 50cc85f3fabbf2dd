// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Elements of nftables' sets and verdict maps. */
#include <errno.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chains.h"
#include "nft.h"
#include "host/netlink.h"

/* An element as the kernel has it: an interval is a start and, apart, what follows its end. */
struct mark {
	struct nft_element e;
	bool end;
};

/* A set of more is not worth the memory: what is in it is not known then. */
#define MAX_MARKS 131072

static void copy_key(uint8_t to[NFT_KEY_MAX], const struct nftnl_set_elem *from, uint16_t what)
{
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get((struct nftnl_set_elem *)from, what, &len);

	if (key)
		memcpy(to, key, len < NFT_KEY_MAX ? len : NFT_KEY_MAX);
}

/* A type, a length and the value each: nftnl_udata. */
static char *read_comment(const struct nftnl_set_elem *from)
{
	uint32_t len = 0;
	const uint8_t *data = nftnl_set_elem_get((struct nftnl_set_elem *)from,
						 NFTNL_SET_ELEM_USERDATA, &len);

	for (uint32_t at = 0; data && at + 2 <= len; at += 2u + data[at + 1])
		if (data[at] == NFTNL_UDATA_SET_ELEM_COMMENT && data[at + 1] <= len - at - 2)
			return strndup((const char *)data + at + 2, data[at + 1]);
	return NULL;
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
	if (nftnl_set_elem_is_set(from, NFTNL_SET_ELEM_VERDICT) &&
	    nftnl_set_elem_is_set(from, NFTNL_SET_ELEM_USERDATA))
		to->e.comment = read_comment(from);
	if (nftnl_set_elem_is_set(from, NFTNL_SET_ELEM_CHAIN))
		to->e.chain = strdup(nftnl_set_elem_get_str(from, NFTNL_SET_ELEM_CHAIN));
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

/* The marks of one set, while they come in. */
struct collection {
	struct nft_elements *out;
	struct mark *mark;
	size_t n, room;
	int err;
};

static int add_mark(struct nftnl_set_elem *elem, void *data)
{
	struct collection *c = data;

	if (c->n == MAX_MARKS)
		c->err = -EFBIG;
	if (!c->err && c->n == c->room) {
		size_t room = c->room * 2 + 16;
		struct mark *more = realloc(c->mark, room * sizeof(*more));

		if (more) {
			c->mark = more;
			c->room = room;
		} else {
			c->err = -ENOMEM;
		}
	}
	if (!c->err)
		read_element(elem, &c->mark[c->n++]);
	return c->err;
}

/* Message by message, as libnftnl's elements take much more room than a mark. */
static int take_elements(const struct nlmsghdr *nlh, void *data)
{
	struct collection *c = data;
	struct nftnl_set *part = nftnl_set_alloc();

	if (!part)
		c->err = -ENOMEM;
	else if (!nftnl_set_elems_nlmsg_parse(nlh, part))
		nftnl_set_elem_foreach(part, add_mark, c);
	if (part)
		nftnl_set_free(part);
	errno = -c->err;
	return c->err ? MNL_CB_ERROR : MNL_CB_OK;
}

static int read_elements(const struct nftnl_set *set, struct nft_elements *out)
{
	char buf[1024] __attribute__((aligned(8)));
	uint32_t flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS);
	uint32_t family = nftnl_set_get_u32(set, NFTNL_SET_FAMILY);
	struct collection c = { .out = out };
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM, (uint16_t)family, 0, 0);
	int err;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, nftnl_set_get_str(set, NFTNL_SET_TABLE));
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, nftnl_set_get_str(set, NFTNL_SET_NAME));
	err = netlink_ask(NETLINK_NETFILTER, nlh, true, take_elements, &c, NULL);
	if (!err && c.n) {
		out->element = calloc(c.n, sizeof(*out->element));
		err = out->element ? 0 : -ENOMEM;
	}
	if (!err && c.n)
		qsort(c.mark, c.n, sizeof(*c.mark), by_key);
	if (!err && flags & NFT_SET_INTERVAL && !(flags & NFT_SET_CONCAT)) {
		out->n = join(c.mark, c.n, out->len, out->element);
	} else if (!err) {
		for (out->n = 0; out->n < c.n; out->n++)
			out->element[out->n] = c.mark[out->n].e;
	}
	for (size_t i = 0; err && i < c.n; i++) {
		free(c.mark[i].e.chain);
		free(c.mark[i].e.comment);
	}
	free(c.mark);
	return err;
}

/* ---- all sets ---- */

struct nft_set {
	struct nftnl_set *set;
	bool asked;
	int err;
	struct nft_elements elements;
};

static int compare_names(const char *family_a, const char *table_a, const char *name_a,
			 const char *family_b, const char *table_b, const char *name_b)
{
	int order = strcmp(name_a, name_b);

	if (!order)
		order = strcmp(table_a, table_b);
	return order ? order : strcmp(family_a, family_b);
}

static const char *set_family(const struct nftnl_set *set)
{
	return nft_family_name(nftnl_set_get_u32(set, NFTNL_SET_FAMILY));
}

static int by_name(const void *a, const void *b)
{
	const struct nftnl_set *x = ((const struct nft_set *)a)->set;
	const struct nftnl_set *y = ((const struct nft_set *)b)->set;

	return compare_names(set_family(x), nftnl_set_get_str(x, NFTNL_SET_TABLE),
			     nftnl_set_get_str(x, NFTNL_SET_NAME), set_family(y),
			     nftnl_set_get_str(y, NFTNL_SET_TABLE),
			     nftnl_set_get_str(y, NFTNL_SET_NAME));
}

static int take_set(const struct nlmsghdr *nlh, void *data)
{
	struct nft_sets *sets = data;
	struct nftnl_set *set = nftnl_set_alloc();
	struct nft_set *more = sets->set;
	bool good = set && !nftnl_set_nlmsg_parse(nlh, set) &&
		    nftnl_set_is_set(set, NFTNL_SET_TABLE) && nftnl_set_is_set(set, NFTNL_SET_NAME);

	if (good && sets->n == sets->room) {
		more = realloc(sets->set, (sets->room * 2 + 16) * sizeof(*more));
		if (more) {
			sets->set = more;
			sets->room = sets->room * 2 + 16;
		}
	}
	if (good && more)
		sets->set[sets->n++] = (struct nft_set){ .set = set };
	else if (set)
		nftnl_set_free(set);
	errno = ENOMEM;
	return set && more ? MNL_CB_OK : MNL_CB_ERROR;
}

/* One list of them all: the kernel takes its time to find a single one among many. */
static void list_sets(struct nft_sets *sets)
{
	char buf[256] __attribute__((aligned(8)));
	int err, tries = NETLINK_TRIES;

	do {
		struct nlmsghdr *nlh =
			nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSET, NFPROTO_UNSPEC, 0, 0);

		nft_sets_free(sets);
		sets->listed = true;
		err = netlink_ask(NETLINK_NETFILTER, nlh, true, take_set, sets, NULL);
	} while (err == -EINTR && --tries);
	if (sets->n)
		qsort(sets->set, sets->n, sizeof(*sets->set), by_name);
}

const struct nft_elements *nft_elements_get(struct nft_sets *sets, const char *family,
					    const char *table, const char *name)
{
	size_t from = 0, to;
	struct nft_set *found = NULL;

	if (!sets->listed)
		list_sets(sets);
	to = sets->n;
	while (from < to && !found) {
		size_t middle = from + (to - from) / 2;
		struct nftnl_set *set = sets->set[middle].set;
		int order = compare_names(family, table, name, set_family(set),
					  nftnl_set_get_str(set, NFTNL_SET_TABLE),
					  nftnl_set_get_str(set, NFTNL_SET_NAME));

		if (!order)
			found = &sets->set[middle];
		else if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	if (!found)
		return NULL;
	if (!found->asked) {
		found->asked = true;
		found->elements.len = nftnl_set_get_u32(found->set, NFTNL_SET_KEY_LEN);
		found->err = found->elements.len > NFT_KEY_MAX
				     ? -EMSGSIZE : read_elements(found->set, &found->elements);
	}
	return found->err ? NULL : &found->elements;
}

void nft_sets_free(struct nft_sets *sets)
{
	for (size_t i = 0; i < sets->n; i++) {
		nftnl_set_free(sets->set[i].set);
		for (size_t e = 0; e < sets->set[i].elements.n; e++) {
			free(sets->set[i].elements.element[e].chain);
			free(sets->set[i].elements.element[e].comment);
		}
		free(sets->set[i].elements.element);
	}
	free(sets->set);
	*sets = (struct nft_sets){ 0 };
}
