// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A host that answers from a recording. */
#include "host_replay.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ANSWERS 65536 /* for one record */

struct host_replay {
	struct host host;
	struct answer *answers; /* in the order in which they were given */
	bool *used;
	size_t n, room;
	uint32_t netns;
	const char *netns_name;
};

/*
 * The first answer to QUESTION that was not handed out yet.  By question, not
 * by place alone: another version may ask other things.
 */
static const struct answer *take(struct host_replay *r, const struct answer *question)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->used[i] || r->answers[i].kind != question->kind ||
		    strcmp(r->answers[i].question, question->question) != 0)
			continue;
		r->used[i] = true;
		return &r->answers[i];
	}
	return NULL;
}

static int listeners(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	const struct answer *a;
	struct answer q;

	question_listeners(&q, protocol, port);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->listeners;
	return a->err;
}

static int listeners_in(void *ctx, uint32_t netns, uint8_t protocol, uint16_t port,
			struct host_listeners *out)
{
	const struct answer *a;
	struct answer q;

	question_listeners_in(&q, netns, protocol, port);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->listeners;
	return a->err;
}

static int route_back(void *ctx, const uint8_t target[16], const uint8_t lb[16],
		      struct host_route *out)
{
	const struct answer *a;
	struct answer q;

	question_route_back(&q, target, lb);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->route;
	return a->err;
}

static int gateway(void *ctx, const uint8_t target[16], const uint8_t lb[16], const char *device,
		   struct host_gateway *out)
{
	const struct answer *a;
	struct answer q;

	question_gateway(&q, target, lb, device);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->gateway;
	return a->err;
}

static int forward_route(void *ctx, const uint8_t lb[16], const uint8_t target[16],
			 const char *device, uint32_t mark, struct host_forward_route *out)
{
	const struct answer *a;
	struct answer q;

	question_forward_route(&q, lb, target, device, mark);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->forward_route;
	return a->err;
}

static int wrappers(void *ctx, uint32_t pid, const char *daemon, const uint8_t client[16],
		    struct host_wrappers *out)
{
	const struct answer *a;
	struct answer q;

	question_wrappers(&q, pid, daemon, client);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->wrappers;
	return a->err;
}

static int chains(void *ctx, bool ipv6, const char *hook, struct host_chains *out)
{
	const struct answer *a;
	struct answer q;

	question_chains(&q, ipv6, hook);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->chains;
	return a->err;
}

static int rules(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	const struct answer *a;
	struct answer q;

	question_rules(&q, packet);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->rules;
	return a->err;
}

static int rule(void *ctx, uint32_t netns, const char *family, const char *table,
		const char *chain, uint64_t handle, struct host_rule *out)
{
	const struct answer *a;
	struct answer q;

	question_rule(&q, netns, family, table, chain, handle);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->rule;
	return a->err;
}

static int sysctl(void *ctx, const char *name, int64_t *out)
{
	const struct answer *a;
	struct answer q;

	question_sysctl(&q, name);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->sysctl.value;
	return a->err;
}

static int devices(void *ctx, struct host_devices *out)
{
	const struct answer *a;
	struct answer q;

	question_devices(&q);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->devices;
	return a->err;
}

static int owner(void *ctx, const struct hct_tuple *tuple, struct host_process *out)
{
	const struct answer *a;
	struct answer q;

	question_owner(&q, tuple);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->owner;
	return a->err;
}

static int netns_name(void *ctx, uint32_t netns, char out[64])
{
	struct host_replay *r = ctx;
	const struct answer *a;
	struct answer q;

	question_netns_name(&q, netns);
	a = take(ctx, &q);
	if (a) {
		memcpy(out, a->netns_name.name, sizeof(a->netns_name.name));
		return a->err;
	}
	if (netns != r->netns || !r->netns_name || !r->netns_name[0])
		return -ENODATA;
	strncpy(out, r->netns_name, 63);
	out[63] = '\0';
	return 0;
}

static int condition(void *ctx, uint32_t pid, struct host_condition *out)
{
	const struct answer *a;
	struct answer q;

	question_condition(&q, pid);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->condition;
	return a->err;
}

static int address_netns(void *ctx, const uint8_t addr[16], uint32_t *out)
{
	const struct answer *a;
	struct answer q;

	question_address_netns(&q, addr);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	*out = a->address_netns.netns;
	return a->err;
}

static int socket_unit(void *ctx, uint16_t port, char out[64])
{
	const struct answer *a;
	struct answer q;

	question_socket_unit(&q, port);
	a = take(ctx, &q);
	if (!a)
		return -ENODATA;
	memcpy(out, a->socket_unit.name, sizeof(a->socket_unit.name));
	return a->err;
}

static const struct host_ops ops = {
	.listeners = listeners,
	.listeners_in = listeners_in,
	.route_back = route_back,
	.gateway = gateway,
	.forward_route = forward_route,
	.wrappers = wrappers,
	.chains = chains,
	.rules = rules,
	.rule = rule,
	.sysctl = sysctl,
	.devices = devices,
	.owner = owner,
	.netns_name = netns_name,
	.condition = condition,
	.address_netns = address_netns,
	.socket_unit = socket_unit,
};

struct host_replay *host_replay_new(void)
{
	struct host_replay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->host.ops = &ops;
	r->host.ctx = r;
	return r;
}

void host_replay_free(struct host_replay *r)
{
	if (!r)
		return;
	free(r->answers);
	free(r->used);
	free(r);
}

const struct host *host_replay_host(struct host_replay *r)
{
	return &r->host;
}

static int grow(struct host_replay *r)
{
	size_t room = r->room ? r->room * 2 : 8;
	struct answer *answers;
	bool *used;

	if (r->n < r->room)
		return 0;
	if (room > MAX_ANSWERS)
		return -E2BIG;
	answers = realloc(r->answers, room * sizeof(*answers));
	if (!answers)
		return -ENOMEM;
	r->answers = answers;
	used = realloc(r->used, room * sizeof(*used));
	if (!used)
		return -ENOMEM;
	r->used = used;
	r->room = room;
	return 0;
}

int host_replay_add(struct host_replay *r, const struct answer *answer)
{
	int err = grow(r);

	if (err)
		return err;
	r->answers[r->n] = *answer;
	r->used[r->n++] = false;
	return 0;
}

const struct answer *host_replay_answers(const struct host_replay *r, size_t *n)
{
	*n = r->n;
	return r->answers;
}

void host_replay_clear(struct host_replay *r)
{
	r->n = 0;
}

void host_replay_netns(struct host_replay *r, uint32_t netns, const char *name)
{
	r->netns = netns;
	r->netns_name = name;
}
