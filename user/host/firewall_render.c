// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules of nftables in nft's syntax, for where nft is not installed. */
#include <errno.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "chains.h"
#include "firewall_statement.h"
#include "netlink.h"

#define UNKNOWN "…"

struct reader {
	struct fw_texts *texts;
	const char *family, *table;
	struct nft_sets sets;
	int err;
};

/* ---- the statements of a rule ---- */

void render_put(struct render_rule *r, const char *format, ...)
{
	size_t left = sizeof(r->text) - r->used;
	va_list args;
	int len;

	if (r->n == RENDER_STATEMENTS || left < 2) {
		r->cut = true;
		return;
	}
	va_start(args, format);
	len = vsnprintf(r->text + r->used, left, format, args);
	va_end(args);
	r->at[r->n++] = r->used;
	r->used += len < 0 ? 0 : (size_t)len < left ? (size_t)len + 1 : left;
}

void render_unknown(struct render_rule *r)
{
	render_put(r, UNKNOWN);
}

/* What says which protocol it is goes without saying where a field of it is asked for. */
void render_imply(struct render_rule *r, size_t *dependency)
{
	if (*dependency)
		r->text[r->at[*dependency - 1]] = '\0';
	*dependency = 0;
}

static void join(const struct render_rule *r, char *out, size_t size)
{
	size_t used = 0;

	const char *last = "";

	out[0] = '\0';
	for (size_t i = 0; i < r->n && used < size; i++) {
		const char *text = r->text + r->at[i];

		/* One for all that stands side by side and is not known. */
		if (!*text || (!strcmp(text, UNKNOWN) && !strcmp(last, UNKNOWN)))
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", text);
		last = text;
	}
	if (r->cut && used < size)
		snprintf(out + used, size - used, " " UNKNOWN);
}

/* ---- rules ---- */

static void put_comment(struct render_rule *r, const struct nftnl_rule *nft)
{
	uint32_t len = 0;
	const uint8_t *data = nftnl_rule_is_set(nft, NFTNL_RULE_USERDATA)
				      ? nftnl_rule_get_data(nft, NFTNL_RULE_USERDATA, &len) : NULL;

	/* A type, a length and the value each: nftnl_udata. */
	for (uint32_t at = 0; data && at + 2 <= len; at += 2u + data[at + 1])
		if (data[at] == NFTNL_UDATA_RULE_COMMENT && data[at + 1] <= len - at - 2)
			render_put(r, "comment \"%.*s\"", (int)data[at + 1], data + at + 2);
}

int render_rule(const char *family, const char *table, struct nft_sets *sets,
		const struct nftnl_rule *nft, char *out, size_t size)
{
	struct render_rule r = { .family = family, .table = table, .sets = sets,
				 .v6 = !strcmp(family, "ip6"),
				 .told = !strncmp(family, "ip", 2) };
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(nft);
	struct nftnl_expr *e;

	if (!iter)
		return -ENOMEM;
	while ((e = nftnl_expr_iter_next(iter)))
		render_expression(&r, e);
	nftnl_expr_iter_destroy(iter);
	put_comment(&r, nft);
	join(&r, out, size);
	return 0;
}

static int add_rule(struct reader *r, const struct nftnl_rule *nft)
{
	char text[RENDER_TEXT_LEN];
	int err = render_rule(r->family, r->table, &r->sets, nft, text, sizeof(text));

	return err ? err : fw_texts_add(r->texts, nftnl_rule_get_u64(nft, NFTNL_RULE_HANDLE), text);
}

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_rule *nft = nftnl_rule_alloc();
	const char *table = NULL;

	if (nft && !nftnl_rule_nlmsg_parse(nlh, nft))
		table = nftnl_rule_get_str(nft, NFTNL_RULE_TABLE);
	if (table && !strcmp(table, r->table) &&
	    !strcmp(nft_family_name(nftnl_rule_get_u32(nft, NFTNL_RULE_FAMILY)), r->family))
		r->err = add_rule(r, nft);
	if (nft)
		nftnl_rule_free(nft);
	errno = nft ? -r->err : ENOMEM;
	return nft && !r->err ? MNL_CB_OK : MNL_CB_ERROR;
}

int fw_render_table(struct fw_texts *texts, const char *family, const char *table)
{
	struct reader r = { .texts = texts, .family = family, .table = table };
	char buf[256] __attribute__((aligned(8)));
	int err, tries = NETLINK_TRIES;

	do {
		struct nlmsghdr *nlh =
			nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, NFPROTO_UNSPEC, 0, 0);

		texts->n = 0;
		nft_sets_free(&r.sets);
		err = netlink_ask(NETLINK_NETFILTER, nlh, true, take_rule, &r, NULL);
	} while (err == -EINTR && --tries);
	nft_sets_free(&r.sets);
	return err;
}
