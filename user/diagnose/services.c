// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is probed here, and when its probes stop. */
#include "services.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define MAX_SERVICES 4096

struct entry {
	UT_hash_handle hh;
	struct service service; /* its tuple is the key */
};

struct services {
	const struct settings *settings;
	struct entry *by_tuple;
	uint64_t next_ns; /* no service is due before */
};

struct services *services_new(const struct settings *settings)
{
	struct services *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->settings = settings;
	s->next_ns = UINT64_MAX;
	return s;
}

static void remove_entry(struct services *s, struct entry *entry)
{
	HASH_DEL(s->by_tuple, entry);
	free(entry);
}

void services_free(struct services *s)
{
	struct entry *entry, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->by_tuple, entry, next)
		remove_entry(s, entry);
	free(s);
}

static struct hct_tuple key_of(const struct hct_tuple *tuple)
{
	struct hct_tuple key = { .protocol = tuple->protocol };

	memcpy(key.target, tuple->target, sizeof(key.target));
	if (tuple->protocol == IPPROTO_TCP || tuple->protocol == IPPROTO_UDP)
		key.target_port = tuple->target_port;
	return key;
}

static struct entry *find(const struct services *s, const struct hct_tuple *key)
{
	struct entry *entry;

	HASH_FIND(hh, s->by_tuple, key, sizeof(*key), entry);
	return entry;
}

static struct entry *add(struct services *s, const struct hct_tuple *key)
{
	struct entry *entry;

	if (HASH_COUNT(s->by_tuple) >= MAX_SERVICES)
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->service.tuple = *key;
	HASH_ADD(hh, s->by_tuple, service.tuple, sizeof(entry->service.tuple), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry;
}

static uint8_t expected_protocol(const struct settings *settings)
{
	if (settings->protocols == HCT_PROTO_UDP)
		return IPPROTO_UDP;
	if (settings->protocols == HCT_PROTO_ICMP)
		return IPPROTO_ICMP;
	return IPPROTO_TCP;
}

uint64_t services_window_ns(const struct settings *settings)
{
	return settings->interval_ns * (settings->retries ? settings->retries : 1) +
	       settings->interval_ns / 2;
}

static bool can_fall_silent(const struct services *s, const struct service *service)
{
	unsigned retries = s->settings->retries > 2 ? s->settings->retries : 2;

	if (service->reported)
		return false;
	if (service->expected || s->settings->n_ports)
		return true;
	/* somebody's ping or a scan is no check: it has to have come for a while */
	if (service->tuple.protocol != IPPROTO_TCP && service->tuple.protocol != IPPROTO_UDP &&
	    !(s->settings->protocols & HCT_PROTO_ICMP))
		return false;
	return service->probes >= retries;
}

static uint64_t due_at(const struct services *s, const struct service *service)
{
	return can_fall_silent(s, service) ? service->last_ns + services_window_ns(s->settings)
					   : UINT64_MAX;
}

static void note_due(struct services *s, const struct service *service)
{
	uint64_t due = due_at(s, service);

	if (due < s->next_ns)
		s->next_ns = due;
}

void services_start(struct services *s, uint64_t now_ns)
{
	struct hct_tuple key = { .protocol = expected_protocol(s->settings) };
	size_t n = s->settings->n_ports ? s->settings->n_ports : 1;

	for (size_t i = 0; i < n && i < MAX_PORTS; i++) {
		struct entry *entry;

		key.target_port = s->settings->n_ports ? htons(s->settings->ports[i]) : 0;
		entry = find(s, &key);
		if (!entry)
			entry = add(s, &key);
		if (!entry)
			return;
		entry->service.expected = true;
		entry->service.last_ns = now_ns;
		note_due(s, &entry->service);
	}
}

/* The first probe of a port (of anything, when none was named) ends its being only expected. */
static void fulfil(struct services *s, const struct hct_tuple *tuple)
{
	struct hct_tuple key = { .protocol = expected_protocol(s->settings) };
	struct entry *entry;

	key.target_port = s->settings->n_ports ? tuple->target_port : 0;
	entry = find(s, &key);
	if (entry && entry->service.expected)
		remove_entry(s, entry);
}

struct service *services_saw(struct services *s, const struct hct_tuple *tuple, uint64_t start_ns)
{
	struct hct_tuple key = key_of(tuple);
	struct entry *entry = find(s, &key);

	fulfil(s, tuple);
	if (!entry)
		entry = add(s, &key);
	if (!entry)
		return NULL;
	entry->service.probes++;
	if (start_ns > entry->service.last_ns)
		entry->service.last_ns = start_ns;
	entry->service.reported = false;
	note_due(s, &entry->service);
	return &entry->service;
}

struct service *services_find(struct services *s, const struct hct_tuple *tuple)
{
	struct hct_tuple key = key_of(tuple);
	struct entry *entry = find(s, &key);

	return entry ? &entry->service : NULL;
}

uint64_t services_next(const struct services *s)
{
	return s->next_ns;
}

const struct service *services_silent(struct services *s, uint64_t now_ns)
{
	struct entry *entry, *next;

	if (now_ns < s->next_ns)
		return NULL;
	s->next_ns = UINT64_MAX;
	HASH_ITER(hh, s->by_tuple, entry, next) {
		if (due_at(s, &entry->service) <= now_ns) {
			entry->service.reported = true;
			s->next_ns = now_ns; /* there may be more */
			return &entry->service;
		}
		note_due(s, &entry->service);
	}
	return NULL;
}
