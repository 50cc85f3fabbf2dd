// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The pcapng renderer: what Wireshark opens.  An interface per observation
 * point and device; each packet says as a comment where it was met, a drop its
 * reason, and a probe's last packet the verdict.
 *
 * What happened to a socket, a route or a process is a comment of the packet
 * before it, rather than a packet of its own: that would be one which never
 * was, counted by every statistic and taken for a segment by TCP's analysis,
 * while a comment stays with its stream under every filter.  What belongs to no
 * packet at all (lost events, a probe that never came) is a journal record.
 */
#include "render.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "pcapng_hold.h"
#include "pcapng_nat.h"
#include "pcapng_words.h"
#include "pcapng_write.h"
#include "stream/points.h"

#ifndef HCT_VERSION
#define HCT_VERSION "unknown"
#endif

#define SNAP_LENGTH 65575 /* the longest IPv6 packet */
#define SECTION_ROOM 8192 /* for the comment as it is when the run is over */
#define MAX_INTERFACES_SEEN 4096 /* then a point's further devices share one */

struct interface {
	UT_hash_handle hh;
	struct interface_key {
		char device[IFNAMSIZ];
		uint8_t point;
		bool inside;
	} key;
	uint32_t number;
};

struct pcapng_state {
	FILE *out;
	struct pcapng *writer;
	struct hold hold;
	struct interface *interfaces;
	int64_t wall_offset_ns;
	off_t section_at; /* where it can be written again; -1: it cannot */
	bool has_section;
	char os[80];
	uint64_t lost[HCT_POINT_COUNT];
	uint64_t unheld; /* packets that found no memory */
	char missing[1024]; /* points that could not be watched */
	char recording[1024]; /* what is to be said of the recording */
};

static void *open_pcapng(FILE *out, const struct settings *settings)
{
	struct pcapng_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->out = out;
	s->section_at = -1;
	s->writer = pcapng_new(out);
	if (!s->writer) {
		free(s);
		return NULL;
	}
	hold_init(&s->hold, settings->timeout_ns);
	return s;
}

static void close_pcapng(void *ctx)
{
	struct pcapng_state *s = ctx;
	struct interface *interface, *next;

	HASH_ITER(hh, s->interfaces, interface, next) {
		HASH_DEL(s->interfaces, interface);
		free(interface);
	}
	hold_clear(&s->hold);
	pcapng_free(s->writer);
	free(s);
}

static void append(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *out, size_t size, const char *format, ...)
{
	size_t len = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + len, size - len, format, args);
	va_end(args);
}

/* ---- the section ---- */

static void section_comment(const struct pcapng_state *s, char *out, size_t size)
{
	static const char about[] =
		"Written by hctrace from what it observed in the kernel. Addresses, ports, flags, "
		"sequence numbers and the captured payload are the packets' own; the rest of their "
		"headers (TTL, IP id, window, TCP options) is filled in. Not every packet of a "
		"connection is here, only those that tell how the health check went. A packet that "
		"was met at several points is here once for each, with the same packet id, which "
		"TCP analysis takes for retransmissions. Comments say where a packet was met, and "
		"with the last one of a probe its verdict: frame.comment contains \"verdict\".";
	bool any = false;

	snprintf(out, size, "%s", about);
	append(out, size, "\nLost events:");
	for (int i = 0; i < HCT_POINT_COUNT; i++) {
		if (!s->lost[i])
			continue;
		append(out, size, "%s %" PRIu64 " of %s", any ? "," : "", s->lost[i],
		       point_name(i));
		any = true;
	}
	append(out, size, any ? "; packets can be missing." : " none.");
	if (s->section_at < 0)
		append(out, size, " (So far: what was lost later is told where it happened.)");
	if (s->unheld)
		append(out, size, "\nLeft out for lack of memory: %" PRIu64 " packets.", s->unheld);
	if (s->missing[0])
		append(out, size, "\nNot watched: %s.", s->missing);
	if (s->recording[0])
		append(out, size, "\nThe recording: %s.", s->recording);
}

/* Where OUT's next byte goes, if that can be written again later; else -1. */
static off_t rewritable(FILE *out)
{
	int flags = fcntl(fileno(out), F_GETFL);

	return flags >= 0 && !(flags & O_APPEND) ? ftello(out) : -1;
}

static void put_section(struct pcapng_state *s)
{
	char comment[SECTION_ROOM / 2];
	const struct pcapng_section section = {
		.os = s->os[0] ? s->os : "Linux",
		.application = "hctrace " HCT_VERSION,
		.comment = comment,
		.room = s->section_at >= 0 ? SECTION_ROOM : 0,
	};

	section_comment(s, comment, sizeof(comment));
	pcapng_section(s->writer, &section);
}

static void need_section(struct pcapng_state *s)
{
	if (s->has_section)
		return;
	s->has_section = true;
	s->section_at = rewritable(s->out);
	put_section(s);
}

/* The same again, now that it is known what was lost. */
static void complete_section(struct pcapng_state *s)
{
	off_t end;

	need_section(s);
	end = s->section_at >= 0 ? ftello(s->out) : -1;
	if (end < 0 || fseeko(s->out, s->section_at, SEEK_SET))
		return;
	put_section(s);
	fseeko(s->out, end, SEEK_SET);
}

/* ---- interfaces ---- */

static void declare(struct pcapng_state *s, const struct interface_key *key)
{
	char name[WORDS_LEN], description[WORDS_LEN];
	const struct pcapng_interface interface = {
		.name = name,
		.description = description,
		.link_type = PCAPNG_LINK_RAW,
		.snap_length = SNAP_LENGTH,
	};

	words_interface_name(name, key->point, key->device, key->inside);
	words_interface_description(description, key->point, key->device, key->inside);
	need_section(s);
	pcapng_interface(s->writer, &interface);
}

static struct interface *find_interface(const struct pcapng_state *s,
					const struct interface_key *key)
{
	struct interface *interface;

	HASH_FIND(hh, s->interfaces, key, sizeof(*key), interface);
	return interface;
}

/* The interface of O, declared where it is new; NULL: no memory. */
static const struct interface *interface_of(struct pcapng_state *s, const struct obs *o,
					    bool inside)
{
	struct interface *interface;
	struct interface_key key;

	memset(&key, 0, sizeof(key)); /* it is hashed */
	key.point = (uint8_t)o->point;
	key.inside = inside;
	snprintf(key.device, sizeof(key.device), "%.*s", IFNAMSIZ - 1, o->device);
	interface = find_interface(s, &key);
	if (!interface && HASH_COUNT(s->interfaces) >= MAX_INTERFACES_SEEN) {
		memset(key.device, 0, sizeof(key.device));
		interface = find_interface(s, &key);
	}
	if (interface)
		return interface;
	interface = calloc(1, sizeof(*interface));
	if (!interface)
		return NULL;
	interface->key = key;
	interface->number = HASH_COUNT(s->interfaces);
	HASH_ADD(hh, s->interfaces, key, sizeof(key), interface);
	if (!interface->hh.tbl) {
		free(interface);
		return NULL;
	}
	declare(s, &key);
	return interface;
}

/* ---- writing ---- */

static uint64_t wall_time(const struct pcapng_state *s, uint64_t mono_ns)
{
	int64_t ns = (int64_t)(mono_ns + (uint64_t)s->wall_offset_ns);

	return ns > 0 ? (uint64_t)ns : 0;
}

static void write_item(struct pcapng_state *s, const struct held *item)
{
	const struct pcapng_packet packet = {
		.interface = item->interface,
		.time_ns = wall_time(s, item->time_ns),
		.data = item->data,
		.len = (uint32_t)item->len,
		.original_len = item->original_len,
		.id = item->id,
		.comments = item->words,
		.comments_len = item->words_len,
	};

	need_section(s);
	if (item->flow)
		pcapng_packet(s->writer, &packet);
	else
		pcapng_journal(s->writer, packet.time_ns, item->words, item->words_len);
}

/* Writes what need not be held any longer at NOW_NS. */
static void release(struct pcapng_state *s, uint64_t now_ns)
{
	struct held *item;

	while ((item = hold_next(&s->hold, now_ns))) {
		if (item->flow && !item->flow->decided && !hold_is_full(&s->hold)) {
			words_of_no_verdict(&s->hold, item->flow);
			hold_decided(item->flow);
		}
		if (!item->words)
			words_of_packet(&s->hold, item);
		write_item(s, item);
		hold_release(&s->hold, item);
	}
}

/* ---- events ---- */

static void on_start(void *ctx, const struct stream_start *start)
{
	struct pcapng_state *s = ctx;
	char safe[256];

	s->wall_offset_ns = start->wall_offset_ns;
	if (start->kernel && *start->kernel)
		snprintf(s->os, sizeof(s->os), "Linux %s",
			 format_safe(safe, sizeof(s->os) - 8, start->kernel));
	for (size_t i = 0; i < start->n_points; i++) {
		const struct point_status *status = &start->points[i];

		if (status->attached)
			continue;
		append(s->missing, sizeof(s->missing), "%s%s", s->missing[0] ? ", " : "",
		       point_name(status->point));
		if (status->detail && *status->detail)
			append(s->missing, sizeof(s->missing), " (%s)",
			       format_safe(safe, sizeof(safe), status->detail));
	}
	need_section(s);
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct pcapng_state *s = ctx;
	const struct interface *interface;
	struct held_flow *flow;
	struct packet packet;
	struct hct_tuple tuple;

	release(s, o->time_ns);
	if (!words_is_packet(o))
		return;
	flow = hold_flow(&s->hold, o);
	if (!flow) {
		s->unheld++;
		return;
	}
	nat_learn(flow, o);
	tuple = nat_addresses(flow, o);
	packet_build(&packet, o, &tuple, &flow->request);
	interface = interface_of(s, o, o->netns != flow->netns);
	if (!interface || hold_packet(&s->hold, flow, o, interface->number, &packet))
		s->unheld++;
}

static void on_probe(void *ctx, const struct probe *p, const struct diagnosis *d)
{
	struct pcapng_state *s = ctx;
	struct flow_key key = exchange_key(p->flow_id, &p->tuple, p->exchange);
	struct held_flow *flow = hold_find(&s->hold, &key);

	if (d->verdict == VERDICT_NO_PROBE || !flow || !flow->packets || flow->decided) {
		words_record_probe(&s->hold, p, d);
		return;
	}
	words_of_probe(&s->hold, flow, p, d);
	hold_decided(flow);
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct pcapng_state *s = ctx;

	if (point >= HCT_POINT_COUNT)
		return;
	s->lost[point] += count;
	words_record_lost(&s->hold, point, count, time_ns);
}

static void note_recording(struct pcapng_state *s, const char *what, uint64_t time_ns)
{
	char text[640];

	snprintf(text, sizeof(text), "the recording: %.500s", what);
	words_record_note(&s->hold, text, time_ns);
	append(s->recording, sizeof(s->recording), "%s%s", s->recording[0] ? "; " : "", what);
}

static void note_gap(struct pcapng_state *s, const struct recording_info *info,
		     const struct recording_gap *gap)
{
	char from[ISO_TEXT_LEN], to[ISO_TEXT_LEN], why[128], file[128], text[512];

	snprintf(text, sizeof(text), "%s, %s",
		 format_safe(file, sizeof(file), gap->file), format_safe(why, sizeof(why), gap->why));
	if (gap->records)
		append(text, sizeof(text), ", %" PRIu64 " records missing", gap->records);
	if (gap->bytes)
		append(text, sizeof(text), ", %" PRIu64 " bytes unreadable", gap->bytes);
	if (gap->from_ns)
		append(text, sizeof(text), ", from %s",
		       format_iso(from, (int64_t)gap->from_ns + info->wall_offset_ns));
	if (gap->to_ns)
		append(text, sizeof(text), ", to %s",
		       format_iso(to, (int64_t)gap->to_ns + info->wall_offset_ns));
	note_recording(s, text, info->end_ns);
}

/* What the recording lacks: records behind the last packet, and in the section's comment. */
static void on_recording(void *ctx, const struct recording_info *info)
{
	struct pcapng_state *s = ctx;

	for (size_t i = 0; i < info->n_gaps; i++)
		note_gap(s, info, &info->gaps[i]);
	if (!info->has_start)
		note_recording(s, "its beginning is not there", info->end_ns);
	if (!info->has_end)
		note_recording(s, "it stops without an end", info->end_ns);
}

static void on_end(void *ctx, const struct totals *totals)
{
	struct pcapng_state *s = ctx;

	if (totals->no_probe) {
		const struct probe nothing = { .start_ns = totals->start_ns,
					       .end_ns = totals->end_ns };

		words_record_probe(&s->hold, &nothing, totals->no_probe);
	}
	release(s, UINT64_MAX);
	complete_section(s);
}

const struct renderer render_pcapng = {
	.name = "pcapng",
	.binary = true,
	.open = open_pcapng,
	.on = {
		.start = on_start,
		.probe = on_probe,
		.lost = on_lost,
		.end = on_end,
	},
	.obs = on_obs,
	.recording = on_recording,
	.close = close_pcapng,
};
