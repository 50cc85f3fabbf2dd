// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is probed here, and when its probes stop. */
#include "services.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "hash.h"

#define MAX_SERVICES 4096
#define MAX_LOOKED_AT 256
#define ASKED_TEXT_LEN 160
#define WAITING_NS UINT64_C(20000000000)
#define PATIENCE_SLACK_NS UINT64_C(100000000) /* longer than a probe is waited for */

struct entry {
	UT_hash_handle hh;
	struct service service; /* its tuple is the key */
};

struct services {
	const struct settings *settings;
	struct entry *by_tuple;
	uint64_t next_ns; /* no service is due before */
	char asked[ASKED_TEXT_LEN]; /* "GET /a, POST /b": what users' requests were, the first ones */
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
	unsigned hash = hash_words(key, sizeof(*key));
	struct entry *entry;

	HASH_FIND_BYHASHVALUE(hh, s->by_tuple, key, sizeof(*key), hash, entry);
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
	if (service->expected)
		return true;
	if (!service->probes)
		return false;
	if (s->settings->n_ports)
		return true;
	/* somebody's ping or a scan is no check: it has to have come for a while */
	if (service->tuple.protocol != IPPROTO_TCP && service->tuple.protocol != IPPROTO_UDP &&
	    !(s->settings->protocols & HCT_PROTO_ICMP))
		return false;
	return service->probes >= retries;
}

/* A port scan brings many that nobody will miss: they go first, the oldest of them. */
static bool forget_one(struct services *s)
{
	struct entry *entry, *next;
	unsigned n = 0;

	HASH_ITER(hh, s->by_tuple, entry, next) {
		if (!entry->service.expected && !can_fall_silent(s, &entry->service)) {
			remove_entry(s, entry);
			return true;
		}
		if (++n == MAX_LOOKED_AT)
			break;
	}
	return false;
}

static struct entry *add(struct services *s, const struct hct_tuple *key)
{
	unsigned hash = hash_words(key, sizeof(*key));
	struct entry *entry;

	if (HASH_COUNT(s->by_tuple) >= MAX_SERVICES && !forget_one(s))
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->service.tuple = *key;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, s->by_tuple, &entry->service.tuple,
				    sizeof(entry->service.tuple), hash, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry;
}

/* The settings' window, or that of a longer interval that was learned. */
static uint64_t window_of(const struct services *s, const struct service *service)
{
	struct settings settings = *s->settings;

	if (service->interval_ns > settings.interval_ns)
		settings.interval_ns = service->interval_ns;
	return services_window_ns(&settings);
}

static uint64_t due_at(const struct services *s, const struct service *service)
{
	uint64_t due, patience = s->settings->timeout_ns + PATIENCE_SLACK_NS;

	if (!can_fall_silent(s, service))
		return UINT64_MAX;
	due = service->last_ns + window_of(s, service);
	/* many wait for a check to end, and then for their interval: the window has room for half of one */
	if (service->took_ns > s->settings->interval_ns / 2)
		due += service->took_ns;
	if (service->waits) /* it may not give its connection up as soon as the check */
		due += WAITING_NS;
	/* what is under way is waited for; not without end, as of users there may always be one */
	if (service->under_way && service->begun_ns > service->last_ns &&
	    service->begun_ns + patience > due && service->begun_ns < due + 2 * patience)
		return service->begun_ns + patience;
	/* what is under way may yet turn out to be a probe, once its timeout is over */
	if (service->begun_ns <= due && service->begun_ns + patience > due &&
	    service->begun_ns > service->last_ns)
		due = service->begun_ns + patience;
	return due;
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

/* What stands for a port (for anything, when none was named) until its first probe; NULL: none. */
static struct entry *find_expected(const struct services *s, const struct hct_tuple *tuple)
{
	struct hct_tuple key = { .protocol = expected_protocol(s->settings) };
	struct entry *entry;

	key.target_port = s->settings->n_ports ? tuple->target_port : 0;
	entry = find(s, &key);
	return entry && entry->service.expected ? entry : NULL;
}

static void note_begun(struct service *service, uint64_t start_ns, bool followed)
{
	if (start_ns < service->begun_ns)
		return;
	if (followed || start_ns > service->begun_ns)
		service->under_way = followed;
	service->begun_ns = start_ns;
}

void services_saw(struct services *s, const struct hct_tuple *tuple, uint64_t start_ns,
		  bool followed)
{
	struct entry *expected = find_expected(s, tuple);
	struct hct_tuple key = key_of(tuple);
	struct entry *entry = find(s, &key);

	if (expected)
		note_begun(&expected->service, start_ns, followed);
	if (!entry)
		entry = add(s, &key);
	if (entry)
		note_begun(&entry->service, start_ns, followed);
}

static void note_over(struct services *s, struct service *service, uint64_t start_ns)
{
	if (!service || !service->under_way || start_ns < service->begun_ns)
		return;
	service->under_way = false;
	note_due(s, service);
}

void services_over(struct services *s, const struct hct_tuple *tuple, uint64_t start_ns)
{
	struct entry *expected = find_expected(s, tuple);

	if (expected)
		note_over(s, &expected->service, start_ns);
	note_over(s, services_find(s, tuple), start_ns);
}

/* Keeps the request of P among those that users ask for, while there is room. */
static void keep_asked(struct services *s, const struct http_request *request)
{
	char text[64];
	size_t used = strlen(s->asked);

	if (!request->valid || request->forwarded)
		return;
	snprintf(text, sizeof(text), "%.15s %.40s", request->method, request->path);
	if (strstr(s->asked, text) || used + 2 + strlen(text) >= sizeof(s->asked))
		return;
	snprintf(s->asked + used, sizeof(s->asked) - used, "%s%s", used ? ", " : "", text);
}

void services_asked(struct services *s, const struct probe *p, uint64_t n)
{
	struct entry *expected = find_expected(s, &p->tuple);
	struct service *service = services_find(s, &p->tuple);

	if (expected)
		expected->service.others += n;
	if (service && (!expected || service != &expected->service))
		service->others += n;
	keep_asked(s, &p->http_request);
}

const char *services_asked_for(const struct services *s)
{
	return s->asked;
}

void services_probed(struct services *s, struct service *service, const struct probe *p)
{
	struct entry *expected = find_expected(s, &p->tuple);

	if (expected && &expected->service != service)
		remove_entry(s, expected);
	if (!service)
		return;
	service->probes++;
	service->others = 0;
	service->waits = p->request_ns && !p->confirmed_ns && !p->next_ns && !p->lb_fin_ns &&
			 !p->lb_rst_ns && !p->host_fin_ns && !p->host_rst_ns;
	if (p->http_request.valid)
		service->http = true;
	if (p->start_ns > service->last_ns) {
		service->last_ns = p->start_ns;
		service->took_ns = p->end_ns > p->start_ns ? p->end_ns - p->start_ns : 0;
	}
	service->reported = false;
	note_due(s, service);
}

void services_learn(struct services *s, struct service *service, uint64_t interval_ns)
{
	if (!service || interval_ns <= service->interval_ns)
		return;
	service->interval_ns = interval_ns;
	note_due(s, service);
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
	if (s->settings->probe_from) /* who sends them knows when none comes */
		return NULL;
	HASH_ITER(hh, s->by_tuple, entry, next) {
		if (due_at(s, &entry->service) <= now_ns && entry->service.expected &&
		    entry->service.others) {
			entry->service.others = 0;
			entry->service.last_ns = now_ns;
		}
		if (due_at(s, &entry->service) <= now_ns) {
			entry->service.reported = true;
			s->next_ns = now_ns; /* there may be more */
			return &entry->service;
		}
		note_due(s, &entry->service);
	}
	return NULL;
}
