// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Open probes in little memory: the head, the parts that are not empty, and a packed timeline. */
#include "at_rest.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define HEAD offsetof(struct probe, route)
#define TIMELINE offsetof(struct probe, timeline)
#define FIRST_ROOM 64 /* of the timeline: a SYN, and what became of it */

#define AT(member) offsetof(struct probe, member)
#define FROM_TO(first, end) { AT(first), AT(end) - AT(first) }

/* What follows the head, part by part without gaps. */
static const struct part {
	size_t offset, size;
} parts[] = {
	FROM_TO(route, good_route),	FROM_TO(good_route, drop),
	FROM_TO(drop, last_drop),	FROM_TO(last_drop, icmp_sent),
	FROM_TO(icmp_sent, icmp_drop),	FROM_TO(icmp_drop, reset),
	FROM_TO(reset, too_big),	FROM_TO(too_big, dnat),	FROM_TO(dnat, snat),
	FROM_TO(snat, rule_end),	FROM_TO(rule_end, rule_nat),
	FROM_TO(rule_nat, libwrap),	FROM_TO(libwrap, http_request),
	FROM_TO(http_request, http_response), FROM_TO(http_response, answer),
	FROM_TO(answer, tls),	FROM_TO(tls, request_head), FROM_TO(request_head, first_bytes),
	FROM_TO(first_bytes, answer_head), FROM_TO(answer_head, netns_name),
	FROM_TO(netns_name, timeline),
};
#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

struct at_rest {
	uint8_t *timeline; /* entries, one behind the other */
	uint16_t timeline_len, timeline_room; /* bytes */
	uint16_t timeline_n; /* entries */
	uint16_t last; /* where the last one begins */
	uint32_t present; /* a bit per part that is not empty */
	uint32_t repeated; /* a bit per part that equals the one before it */
	/* the head, and the parts that are present and not repeated */
	_Alignas(struct probe) uint8_t bytes[];
};
_Static_assert(N_PARTS <= 32, "a bit each");

/* An entry of the timeline; its texts follow. */
struct entry {
	uint64_t time_ns;
	uint32_t repeats;
	uint8_t point;
	bool inside : 1, later_fragment : 1;
	uint8_t device_len, text_len;
};
#define MAX_ENTRY (sizeof(struct entry) + IFNAMSIZ + PROBE_TEXT_LEN)
_Static_assert(PROBE_MAX_TIMELINE * MAX_ENTRY <= UINT16_MAX, "timeline_room");

static bool is_empty(const void *bytes, size_t size)
{
	static const uint8_t nothing[sizeof(struct probe) - HEAD];

	return memcmp(bytes, nothing, size) == 0;
}

void at_rest_free(struct at_rest *r)
{
	if (!r)
		return;
	free(r->timeline);
	free(r);
}

const struct probe *at_rest_head(const struct at_rest *r)
{
	return (const struct probe *)r->bytes;
}

/* ---- timeline ---- */

/* Reads the entry at AT into OUT; returns where the next one begins. */
static size_t get_entry(const struct at_rest *r, size_t at, struct timeline_entry *out)
{
	struct entry e;

	memcpy(&e, r->timeline + at, sizeof(e));
	at += sizeof(e);
	out->time_ns = e.time_ns;
	out->repeats = e.repeats;
	out->point = e.point;
	out->inside = e.inside;
	out->later_fragment = e.later_fragment;
	memset(out->device, 0, sizeof(out->device));
	memcpy(out->device, r->timeline + at, e.device_len);
	at += e.device_len;
	memcpy(out->text, r->timeline + at, e.text_len);
	out->text[e.text_len] = '\0';
	return at + e.text_len;
}

/* Room for MORE bytes of timeline. */
static int make_room(struct at_rest *r, size_t more)
{
	size_t room = r->timeline_room ? r->timeline_room : FIRST_ROOM;
	uint8_t *grown;

	while (room < r->timeline_len + more)
		room *= 2;
	if (room == r->timeline_room)
		return 0;
	if (room > UINT16_MAX)
		room = UINT16_MAX;
	grown = realloc(r->timeline, room);
	if (!grown)
		return -ENOMEM;
	r->timeline = grown;
	r->timeline_room = (uint16_t)room;
	return 0;
}

static int append(struct at_rest *r, const struct timeline_entry *entry)
{
	struct entry e = { .time_ns = entry->time_ns, .repeats = entry->repeats,
			   .point = (uint8_t)entry->point, .inside = entry->inside,
			   .later_fragment = entry->later_fragment };

	e.device_len = (uint8_t)strnlen(entry->device, sizeof(entry->device));
	e.text_len = (uint8_t)strnlen(entry->text, sizeof(entry->text) - 1);
	if (make_room(r, sizeof(e) + e.device_len + e.text_len))
		return -ENOMEM;
	r->last = r->timeline_len;
	memcpy(r->timeline + r->timeline_len, &e, sizeof(e));
	r->timeline_len += sizeof(e);
	memcpy(r->timeline + r->timeline_len, entry->device, e.device_len);
	r->timeline_len += e.device_len;
	memcpy(r->timeline + r->timeline_len, entry->text, e.text_len);
	r->timeline_len += e.text_len;
	r->timeline_n++;
	return 0;
}

static int keep_timeline(struct at_rest *r, const struct probe *p)
{
	if (r->timeline_n) {
		uint32_t repeats = p->timeline[r->timeline_n - 1].repeats;

		memcpy(r->timeline + r->last + offsetof(struct entry, repeats), &repeats,
		       sizeof(repeats));
	}
	while (r->timeline_n < p->timeline_len) {
		if (append(r, &p->timeline[r->timeline_n])) {
			struct probe *head = (struct probe *)r->bytes;

			head->timeline_len = r->timeline_n;
			head->timeline_dropped += p->timeline_len - r->timeline_n;
			return -ENOMEM;
		}
	}
	return 0;
}

void at_rest_recall(const struct at_rest *r, struct probe *p)
{
	size_t at = 0;

	/* the last is at hand already, and may have been repeated since */
	for (size_t i = 0; i + 1 < r->timeline_n; i++)
		at = get_entry(r, at, &p->timeline[i]);
}

/* ---- parts ---- */

static void look_at_parts(const struct probe *p, uint32_t *present, uint32_t *repeated)
{
	const char *bytes = (const char *)p;

	*present = 0;
	*repeated = 0;
	for (size_t i = 0; i < N_PARTS; i++) {
		const struct part *part = &parts[i], *before = i ? &parts[i - 1] : NULL;

		if (is_empty(bytes + part->offset, part->size))
			continue;
		*present |= 1u << i;
		if (before && before->size == part->size &&
		    memcmp(bytes + before->offset, bytes + part->offset, part->size) == 0)
			*repeated |= 1u << i;
	}
}

static size_t size_of_parts(unsigned kept)
{
	size_t size = 0;

	for (size_t i = 0; i < N_PARTS; i++)
		if (kept & 1u << i)
			size += parts[i].size;
	return size;
}

int at_rest_keep(struct at_rest **r, const struct probe *p)
{
	uint32_t present, repeated;
	struct at_rest *rest = *r;
	uint8_t *at;

	if (!rest)
		rest = *r = calloc(1, sizeof(*rest) + HEAD);
	if (!rest)
		return -ENOMEM;
	look_at_parts(p, &present, &repeated);
	if (present != rest->present || repeated != rest->repeated) {
		rest = realloc(rest, sizeof(*rest) + HEAD + size_of_parts(present & ~repeated));
		if (!rest)
			return -ENOMEM;
		*r = rest;
		rest->present = present;
		rest->repeated = repeated;
	}
	memcpy(rest->bytes, p, HEAD);
	at = rest->bytes + HEAD;
	for (size_t i = 0; i < N_PARTS; i++) {
		if (!(present & ~repeated & 1u << i))
			continue;
		memcpy(at, (const char *)p + parts[i].offset, parts[i].size);
		at += parts[i].size;
	}
	return keep_timeline(rest, p);
}

void at_rest_wake(const struct at_rest *r, struct probe *p)
{
	const uint8_t *at = r->bytes + HEAD;
	char *bytes = (char *)p;

	memcpy(p, r->bytes, HEAD);
	memset(bytes + HEAD, 0, TIMELINE - HEAD);
	for (size_t i = 0; i < N_PARTS; i++) {
		if (r->repeated & 1u << i) {
			memcpy(bytes + parts[i].offset, bytes + parts[i - 1].offset, parts[i].size);
		} else if (r->present & 1u << i) {
			memcpy(bytes + parts[i].offset, at, parts[i].size);
			at += parts[i].size;
		}
	}
	if (r->timeline_n)
		get_entry(r, r->last, &p->timeline[r->timeline_n - 1]);
}
