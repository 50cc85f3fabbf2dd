// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The static key nft_trace_enabled: global, and on while a rule "meta nftrace set"
 * is anywhere.  Such a rule marks packets of its own namespace only, and in ours
 * there are none.
 */
#include "nft_key.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "host/netns.h"
#include "nft_table.h"

struct nft_key {
	struct mnl_socket *tables; /* owns them, and keeps their namespace */
};

static int make_table(void *ctx)
{
	const struct nft_watch any = { .protocol = IPPROTO_TCP };
	struct nft_key *key = ctx;

	return nft_table_make(&any, 1, &key->tables);
}

int nft_key_turn(struct nft_key **out)
{
	struct nft_key *key = calloc(1, sizeof(*key));
	int err = key ? netns_visit_new(make_table, key) : -ENOMEM;

	if (err) {
		free(key);
		return err;
	}
	*out = key;
	return 0;
}

void nft_key_release(struct nft_key *key)
{
	if (!key)
		return;
	mnl_socket_close(key->tables);
	free(key);
}
