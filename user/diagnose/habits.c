// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What comes from which node to which target, and how regularly. */
#include "habits.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "rhythm.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "hash.h"

#define MAX_PLACES 65536 /* targets, and pairs of node and target */
#define MAX_ALL_STREAMS 131072 /* of all places */
#define MAX_STREAMS 16 /* different requests remembered of a place */
#define MEMORY_PERIODS 10 /* what has not come for so long is no check any more */
/* Signatures of what brought no request. */
#define NO_CONTENT UINT64_C(1) /* it failed before: it may be any check's */
#define HANDSHAKE UINT64_C(2) /* a TCP check that passed */

/* Requests that are alike. */
struct stream {
	uint64_t signature;
	struct rhythm checks; /* at their time, or not known to be off it */
	struct rhythm others; /* off it */
	bool keeps; /* one of them left its connection open */
};

/* A target (node: zero), or what one node sends there. */
struct place {
	UT_hash_handle hh;
	struct hct_tuple key;
	uint64_t traffic_ns; /* when a user's request came last */
	size_t n, room;
	struct stream *streams;
};

struct habits {
	uint64_t interval_ns;
	struct place *by_key; /* the one heard of longest ago first */
	size_t n_streams; /* that there is room for */
};

struct habits *habits_new(uint64_t interval_ns)
{
	struct habits *h = calloc(1, sizeof(*h));

	if (h)
		h->interval_ns = interval_ns;
	return h;
}

static void free_place(struct habits *h, struct place *place)
{
	HASH_DEL(h->by_key, place);
	h->n_streams -= place->room;
	free(place->streams);
	free(place);
}

void habits_free(struct habits *h)
{
	struct place *place, *next;

	if (!h)
		return;
	HASH_ITER(hh, h->by_key, place, next)
		free_place(h, place);
	free(h);
}

/* FNV-1a */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	} while (*text++);
	return hash;
}

static uint64_t signature_of(const struct probe *p)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (!p->request_ns)
		return p->synack_ns && (p->ack_ns || p->lb_rst_ns) ? HANDSHAKE : NO_CONTENT;
	hash = hash_text(hash, probe_protocol(p));
	if (p->http_request.valid) {
		hash = hash_text(hash, p->http_request.method);
		hash = hash_text(hash, p->http_request.path);
		hash = hash_text(hash, p->http_request.host);
	}
	return hash > HANDSHAKE ? hash : hash + HANDSHAKE + 1;
}

static struct hct_tuple key_of(const struct probe *p, bool with_node)
{
	struct hct_tuple key = { .protocol = p->tuple.protocol };

	memcpy(key.target, p->tuple.target, sizeof(key.target));
	if (with_node)
		memcpy(key.lb, p->tuple.lb, sizeof(key.lb));
	if (p->tuple.protocol == IPPROTO_TCP || p->tuple.protocol == IPPROTO_UDP)
		key.target_port = p->tuple.target_port;
	return key;
}

static struct place *find_place(const struct habits *h, const struct hct_tuple *key)
{
	unsigned hash = hash_words(key, sizeof(*key));
	struct place *place;

	HASH_FIND_BYHASHVALUE(hh, h->by_key, key, sizeof(*key), hash, place);
	return place;
}

static bool add_place(struct habits *h, struct place *place)
{
	unsigned hash = hash_words(&place->key, sizeof(place->key));

	HASH_ADD_KEYPTR_BYHASHVALUE(hh, h->by_key, &place->key, sizeof(place->key), hash, place);
	return place->hh.tbl != NULL;
}

/* What was heard of longest ago makes room: a check comes again, a scan does not. */
static void forget_oldest(struct habits *h)
{
	if (HASH_COUNT(h->by_key) >= MAX_PLACES || h->n_streams >= MAX_ALL_STREAMS)
		free_place(h, h->by_key);
}

/* The place of KEY, which becomes the one heard of last.  NULL: no memory. */
static struct place *make_place(struct habits *h, const struct hct_tuple *key)
{
	struct place *place = find_place(h, key);

	if (place) {
		HASH_DEL(h->by_key, place);
	} else {
		forget_oldest(h);
		place = calloc(1, sizeof(*place));
		if (!place)
			return NULL;
		place->key = *key;
	}
	if (add_place(h, place))
		return place;
	h->n_streams -= place->room;
	free(place->streams);
	free(place);
	return NULL;
}

static struct stream *find_stream(const struct place *place, uint64_t signature)
{
	for (size_t i = 0; place && i < place->n; i++)
		if (place->streams[i].signature == signature)
			return &place->streams[i];
	return NULL;
}

/* What is seldom goes first: users ask for much, a check for the same again and again. */
static struct stream *least_regular(struct place *place)
{
	struct stream *least = &place->streams[0];

	for (size_t i = 1; i < place->n; i++) {
		struct stream *s = &place->streams[i];
		uint64_t last = rhythm_last_ns(&s->checks);

		if (s->checks.n < least->checks.n ||
		    (s->checks.n == least->checks.n && last < rhythm_last_ns(&least->checks)))
			least = s;
	}
	return least;
}

static struct stream *make_stream(struct habits *h, struct place *place, uint64_t signature)
{
	struct stream *s = find_stream(place, signature);

	if (s)
		return s;
	if (place->n == place->room && place->room < MAX_STREAMS) {
		size_t room = place->room ? place->room * 2 : 1;
		struct stream *more = realloc(place->streams, room * sizeof(*more));

		if (!more)
			return NULL;
		h->n_streams += room - place->room;
		place->streams = more;
		place->room = room;
	}
	s = place->n < place->room ? &place->streams[place->n++] : least_regular(place);
	memset(s, 0, sizeof(*s));
	s->signature = signature;
	return s;
}

/* A stream with a steady period that still lasts at AT_NS. */
static bool is_check(const struct stream *s, uint64_t at_ns)
{
	uint64_t period = rhythm_period_ns(&s->checks), last = rhythm_last_ns(&s->checks);

	return period && (at_ns <= last || at_ns - last < MEMORY_PERIODS * period);
}

/* The stream of NODE in which P is due.  What brought no content fits any of them. */
static struct stream *due_stream(const struct place *node, uint64_t signature, uint64_t at_ns)
{
	struct stream *s = find_stream(node, signature);

	if (s && rhythm_expects(&s->checks, at_ns))
		return s;
	if (signature != NO_CONTENT)
		return NULL;
	for (size_t i = 0; node && i < node->n; i++)
		if (rhythm_expects(&node->streams[i].checks, at_ns))
			return &node->streams[i];
	return NULL;
}

static unsigned count_mixture(const struct place *node, uint64_t signature, uint64_t at_ns,
			      uint64_t window_ns)
{
	unsigned n = 0;

	for (size_t i = 0; node && i < node->n; i++) {
		const struct stream *s = &node->streams[i];

		if (s->signature != signature && s->signature != NO_CONTENT)
			n += rhythm_recent(&s->checks, at_ns, window_ns) > 0;
	}
	return n;
}

/* Like the check, for a request of SIGNATURE: the steady stream that it would belong to. */
static void look_at_stream(const struct stream *s, uint64_t at_ns, struct habit_view *view)
{
	uint64_t period = rhythm_period_ns(&s->checks);

	if (!period || rhythm_is_over(&s->checks, at_ns))
		return;
	view->period_ns = period;
	view->off_time = !view->on_time;
	view->keeps = s->keeps;
	view->crowd = rhythm_recent(&s->others, at_ns, period);
}

void habits_look(struct habits *h, const struct probe *p, struct habit_view *view)
{
	uint64_t signature = signature_of(p), at_ns = p->start_ns;
	struct hct_tuple node_key = key_of(p, true), target_key = key_of(p, false);
	const struct place *node = find_place(h, &node_key), *target = find_place(h, &target_key);
	const struct stream *own = find_stream(node, signature);
	uint64_t last_ns;

	memset(view, 0, sizeof(*view));
	for (size_t i = 0; target && i < target->n; i++) {
		const struct stream *s = &target->streams[i];

		/* a failure to connect shows no content: it may be any check's */
		if (s->signature == NO_CONTENT || !is_check(s, at_ns))
			continue;
		view->check_known = true;
		view->like_check |= s->signature == signature;
	}
	view->on_time = due_stream(node, signature, at_ns) != NULL;
	for (size_t i = 0; node && i < node->n; i++)
		if (node->streams[i].signature == signature || signature == NO_CONTENT)
			look_at_stream(&node->streams[i], at_ns, view);
	last_ns = own ? rhythm_last_ns(&own->checks) : 0;
	view->again = last_ns && at_ns > last_ns + h->interval_ns * 3 / 4 &&
		      at_ns < last_ns + h->interval_ns * 5 / 4;
	view->mixture = count_mixture(node, signature, at_ns, h->interval_ns);
	view->has_traffic = target && target->traffic_ns;
}

/*
 * A check whose interval was changed looks like requests in between, until
 * these have a steady period of their own: then that is the check's.
 */
static void learn_anew(struct stream *s)
{
	struct rhythm both = s->others;

	for (unsigned i = 0; i < s->checks.n && s->others.n; i++)
		if (s->checks.at_ns[i] > s->others.at_ns[0])
			rhythm_add(&both, s->checks.at_ns[i]);
	if (both.n < 5 || !rhythm_period_ns(&both))
		return;
	s->checks = both;
	memset(&s->others, 0, sizeof(s->others));
}

static void note_at_node(struct habits *h, struct place *node, uint64_t signature,
			 const struct probe *p, const struct habit_view *view)
{
	uint64_t at_ns = p->start_ns;
	struct stream *s = due_stream(node, signature, at_ns);

	if (!s)
		s = make_stream(h, node, signature);
	if (!s)
		return;
	if (view->off_time) {
		rhythm_add(&s->others, at_ns);
		learn_anew(s);
		return;
	}
	if (rhythm_is_over(&s->checks, at_ns) && !view->on_time)
		memset(&s->checks, 0, sizeof(s->checks));
	rhythm_add(&s->checks, at_ns);
	s->keeps |= probe_stays_open(p);
}

/* Carries what this node's requests of SIGNATURE are up to the target, for its other nodes. */
static void note_at_target(struct habits *h, struct place *target, const struct place *node,
			   uint64_t signature)
{
	const struct stream *s = find_stream(node, signature);
	struct stream *known;

	if (!s || signature == NO_CONTENT || !rhythm_period_ns(&s->checks))
		return;
	known = make_stream(h, target, signature);
	if (known)
		known->checks = s->checks;
}

void habits_note(struct habits *h, const struct probe *p, const struct habit_view *view,
		 bool traffic)
{
	struct hct_tuple node_key = key_of(p, true), target_key = key_of(p, false);
	struct place *target = make_place(h, &target_key), *node = make_place(h, &node_key);
	uint64_t signature = signature_of(p);

	if (!target || !node)
		return;
	if (traffic)
		target->traffic_ns = p->start_ns;
	if (!view)
		return;
	note_at_node(h, node, signature, p, view);
	note_at_target(h, target, node, signature);
}
