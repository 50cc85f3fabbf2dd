// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A host that remembers its answers for a short time and asks only so often. */
#include "host_cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/ask.h"
#include "firewall/rule_packet.h"

#define MAX_AGE_NS UINT64_C(500000000)
/* Rules are read when a probe ends, and the next may end by others: one diagnosis shares them. */
#define MAX_AGE_RULES_NS UINT64_C(20000000)
#define PERIOD_NS UINT64_C(1000000000)
#define MAX_QUESTIONS 200 /* per period */
#define MAX_FOR_NEWS 50 /* of these, for answers that are remembered, but may have changed */
#define N_ENTRIES 32

enum question {
	NOTHING,
	LISTENERS,
	LISTENERS_IN,
	ROUTE_BACK,
	GATEWAY,
	FORWARD_ROUTE,
	WRAPPERS,
	CHAINS,
	RULES,
	RULE,
	SYSCTL,
	DEVICES,
	OWNER,
	NETNS_NAME,
	CONDITION,
	ADDRESS_NETNS,
	SOCKET_UNIT
};

/* Compared byte by byte: always zeroed before it is filled. */
struct key {
	enum question question;
	uint32_t number;
	uint32_t netns;
	uint8_t a[16], b[16];
	uint64_t handle;
	struct hct_tuple tuple;
	struct host_packet packet;
	char name[160];
};

struct entry {
	struct key key;
	uint64_t time_ns;
	int err;
	union {
		struct host_listeners listeners;
		struct host_route route;
		struct host_gateway gateway;
		struct host_forward_route forward_route;
		struct host_wrappers wrappers;
		struct host_chains chains;
		struct host_rules rules;
		struct host_rule rule;
		int64_t sysctl;
		struct host_devices devices;
		struct host_process owner;
		char netns_name[64];
		struct host_condition condition;
		uint32_t netns;
		char unit[64];
	};
};

struct host_cache {
	const struct host *real;
	struct host host;
	uint64_t now_ns;
	uint64_t event_ns; /* when what the questions are about happened */
	uint64_t period_ns; /* start of the present period */
	unsigned asked; /* in it */
	struct entry entries[N_ENTRIES];
};

static uint64_t max_age(enum question question)
{
	return question == RULES || question == RULE ? MAX_AGE_RULES_NS : MAX_AGE_NS;
}

/* The entry for KEY; *FRESH: it has the answer.  NULL: the period's questions are used up. */
static struct entry *look_up(struct host_cache *c, const struct key *key, bool *fresh)
{
	struct entry *oldest = &c->entries[0];

	for (size_t i = 0; i < N_ENTRIES; i++) {
		struct entry *entry = &c->entries[i];

		if (entry->key.question && memcmp(&entry->key, key, sizeof(*key)) == 0) {
			oldest = entry;
			*fresh = c->now_ns - entry->time_ns < max_age(key->question);
			if (*fresh)
				return entry;
			break;
		}
		if (!entry->key.question ||
		    (oldest->key.question && entry->time_ns < oldest->time_ns))
			oldest = entry;
	}
	*fresh = false;
	if (c->now_ns - c->period_ns >= PERIOD_NS) {
		c->period_ns = c->now_ns;
		c->asked = 0;
	}
	if (c->asked++ >= MAX_QUESTIONS)
		return NULL;
	oldest->key = *key;
	oldest->time_ns = c->now_ns;
	return oldest;
}

/*
 * Who listened before a probe came says nothing of why that was refused: ENTRY, which
 * is remembered, is asked for again, as long as there are not too many questions.
 */
static void renew(struct host_cache *c, struct entry *entry)
{
	uint8_t protocol = (uint8_t)(entry->key.number >> 16);
	uint16_t port = (uint16_t)entry->key.number;
	struct host_listeners now;
	int err;

	if (entry->time_ns >= c->event_ns || c->asked >= MAX_FOR_NEWS)
		return;
	c->asked++;
	err = entry->key.question == LISTENERS_IN ?
		      ask_listeners_in(c->real, entry->key.netns, protocol, port, &now) :
		      ask_listeners(c->real, protocol, port, &now);
	if (err == -ENODATA) /* a recording in which it was not asked again */
		return;
	entry->time_ns = c->now_ns;
	entry->err = err;
	entry->listeners = now;
}

static int listeners(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = LISTENERS;
	key.number = (uint32_t)protocol << 16 | port;
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_listeners(c->real, protocol, port, &entry->listeners);
	else
		renew(c, entry);
	*out = entry->listeners;
	return entry->err;
}

static int listeners_in(void *ctx, uint32_t netns, uint8_t protocol, uint16_t port,
			struct host_listeners *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = LISTENERS_IN;
	key.number = (uint32_t)protocol << 16 | port;
	key.netns = netns;
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_listeners_in(c->real, netns, protocol, port, &entry->listeners);
	else
		renew(c, entry);
	*out = entry->listeners;
	return entry->err;
}

static int route_back(void *ctx, const uint8_t target[16], const uint8_t lb[16],
		      struct host_route *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = ROUTE_BACK;
	memcpy(key.a, target, sizeof(key.a));
	memcpy(key.b, lb, sizeof(key.b));
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_route_back(c->real, target, lb, &entry->route);
	*out = entry->route;
	return entry->err;
}

static int gateway(void *ctx, const uint8_t target[16], const uint8_t lb[16], const char *device,
		   struct host_gateway *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = GATEWAY;
	memcpy(key.a, target, sizeof(key.a));
	memcpy(key.b, lb, sizeof(key.b));
	strncpy(key.name, device, sizeof(key.name) - 1);
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_gateway(c->real, target, lb, device, &entry->gateway);
	*out = entry->gateway;
	return entry->err;
}

static int forward_route(void *ctx, const uint8_t lb[16], const uint8_t target[16],
			 const char *device, uint32_t mark, struct host_forward_route *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = FORWARD_ROUTE;
	key.number = mark;
	memcpy(key.a, target, sizeof(key.a));
	memcpy(key.b, lb, sizeof(key.b));
	strncpy(key.name, device, sizeof(key.name) - 1);
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_forward_route(c->real, lb, target, device, mark,
					       &entry->forward_route);
	*out = entry->forward_route;
	return entry->err;
}

static int wrappers(void *ctx, uint32_t pid, const char *daemon, const uint8_t client[16],
		    struct host_wrappers *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = WRAPPERS;
	key.number = pid;
	memcpy(key.a, client, sizeof(key.a));
	strncpy(key.name, daemon, sizeof(key.name) - 1);
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_wrappers(c->real, pid, daemon, client, &entry->wrappers);
	*out = entry->wrappers;
	return entry->err;
}

static int chains(void *ctx, bool ipv6, const char *hook, struct host_chains *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = CHAINS;
	key.number = ipv6;
	strncpy(key.name, hook, sizeof(key.name) - 1);
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_chains(c->real, ipv6, hook, &entry->chains);
	*out = entry->chains;
	return entry->err;
}

static int rules(void *ctx, const struct host_packet *packet, struct host_rules *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = RULES;
	rule_packet_kind(packet, &key.packet);
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_rules(c->real, packet, &entry->rules);
	*out = entry->rules;
	out->age_ns += c->now_ns - entry->time_ns;
	return entry->err;
}

static int rule(void *ctx, uint32_t netns, const char *family, const char *table,
		const char *chain, uint64_t handle, struct host_rule *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = RULE;
	key.netns = netns;
	key.handle = handle;
	snprintf(key.name, sizeof(key.name), "%s %s %s", family, table, chain);
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_rule(c->real, netns, family, table, chain, handle, &entry->rule);
	*out = entry->rule;
	return entry->err;
}

static int sysctl(void *ctx, const char *name, int64_t *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = SYSCTL;
	strncpy(key.name, name, sizeof(key.name) - 1);
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_sysctl(c->real, name, &entry->sysctl);
	*out = entry->sysctl;
	return entry->err;
}

static int devices(void *ctx, struct host_devices *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = DEVICES;
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_devices(c->real, &entry->devices);
	*out = entry->devices;
	return entry->err;
}

static int owner(void *ctx, const struct hct_tuple *tuple, struct host_process *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = OWNER;
	key.tuple = *tuple;
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_owner(c->real, tuple, &entry->owner);
	*out = entry->owner;
	return entry->err;
}

static int netns_name(void *ctx, uint32_t netns, char out[64])
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = NETNS_NAME;
	key.number = netns;
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_netns_name(c->real, netns, entry->netns_name);
	memcpy(out, entry->netns_name, sizeof(entry->netns_name));
	return entry->err;
}

static int condition(void *ctx, uint32_t pid, struct host_condition *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = CONDITION;
	key.number = pid;
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_condition(c->real, pid, &entry->condition);
	*out = entry->condition;
	return entry->err;
}

static int address_netns(void *ctx, const uint8_t addr[16], uint32_t *out)
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = ADDRESS_NETNS;
	memcpy(key.a, addr, sizeof(key.a));
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_address_netns(c->real, addr, &entry->netns);
	*out = entry->netns;
	return entry->err;
}

static int socket_unit(void *ctx, uint16_t port, char out[64])
{
	struct host_cache *c = ctx;
	struct entry *entry;
	struct key key;
	bool fresh;

	memset(&key, 0, sizeof(key));
	key.question = SOCKET_UNIT;
	key.number = port;
	entry = look_up(c, &key, &fresh);
	if (!entry)
		return -EBUSY;
	if (!fresh)
		entry->err = ask_socket_unit(c->real, port, entry->unit);
	memcpy(out, entry->unit, sizeof(entry->unit));
	return entry->err;
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

struct host_cache *host_cache_new(const struct host *real)
{
	struct host_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->real = real;
	c->host.ops = &ops;
	c->host.ctx = c;
	return c;
}

void host_cache_free(struct host_cache *c)
{
	free(c);
}

void host_cache_now(struct host_cache *c, uint64_t now_ns)
{
	c->now_ns = now_ns;
}

void host_cache_event(struct host_cache *c, uint64_t time_ns)
{
	c->event_ns = time_ns;
}

const struct host *host_cache_host(struct host_cache *c)
{
	return &c->host;
}
