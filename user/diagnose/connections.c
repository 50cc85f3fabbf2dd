// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is known of connections that are kept, from one request to the next. */
#include "connections.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "hash.h"

#define MAX_CONNECTIONS 4096 /* a load balancer has a few for each target */

struct connection {
	UT_hash_handle hh;
	struct flow_key key;
	struct probe_translation dnat;
	uint32_t inner_netns;
	bool has_process;
	uint32_t pid;
	char comm[HCT_COMM_LEN];
};

struct connections {
	struct connection *by_key; /* the one heard of longest ago first */
};

struct connections *connections_new(void)
{
	return calloc(1, sizeof(struct connections));
}

static void forget(struct connections *c, struct connection *one)
{
	HASH_DEL(c->by_key, one);
	free(one);
}

void connections_free(struct connections *c)
{
	struct connection *one, *next;

	if (!c)
		return;
	HASH_ITER(hh, c->by_key, one, next)
		forget(c, one);
	free(c);
}

static struct connection *find(const struct connections *c, const struct probe *p)
{
	struct flow_key key = flow_key(p->flow_id, &p->tuple);
	unsigned hash = hash_words(&key, sizeof(key));
	struct connection *one;

	HASH_FIND_BYHASHVALUE(hh, c->by_key, &key, sizeof(key), hash, one);
	return one;
}

void connections_keep(struct connections *c, const struct probe *p)
{
	struct connection *one = find(c, p);
	unsigned hash;

	if (one)
		forget(c, one);
	else if (HASH_COUNT(c->by_key) >= MAX_CONNECTIONS)
		forget(c, c->by_key);
	one = calloc(1, sizeof(*one));
	if (!one)
		return;
	one->key = flow_key(p->flow_id, &p->tuple);
	one->dnat = p->dnat;
	one->inner_netns = p->inner_netns;
	one->has_process = p->has_process;
	one->pid = p->pid;
	memcpy(one->comm, p->comm, sizeof(one->comm));
	hash = hash_words(&one->key, sizeof(one->key));
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, c->by_key, &one->key, sizeof(one->key), hash, one);
	if (!one->hh.tbl)
		free(one);
}

void connections_recall(const struct connections *c, struct probe *p)
{
	const struct connection *one = find(c, p);

	if (!one)
		return;
	p->dnat = one->dnat;
	p->inner_netns = one->inner_netns;
	p->has_process = one->has_process;
	p->process_accepted = one->has_process; /* whoever reads this request counts more */
	p->pid = one->pid;
	memcpy(p->comm, one->comm, sizeof(p->comm));
}
