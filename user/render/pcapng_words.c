// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a pcapng file says in words. */
#include "pcapng_words.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "stream/points.h"

/* The points that meet a packet, and what it did there; of others they are NULL. */
static const struct {
	const char *what;
	const char *preposition; /* before the device */
	const char *elsewhere; /* in place of a device, for the interface's name */
} places[HCT_POINT_COUNT] = {
	[HCT_POINT_XDP] = { "Arrived, before the stack", "at", "device" },
	[HCT_POINT_RECEIVE] = { "Arrived", "at", "device" },
	[HCT_POINT_TC_INGRESS] = { "Arrived", "at", "device" },
	[HCT_POINT_TC_EGRESS] = { "Left", "by", "device" },
	[HCT_POINT_TRANSMIT] = { "Left", "by", "device" },
	[HCT_POINT_DROP] = { "Dropped by the kernel", "at", "kernel" },
	[HCT_POINT_XDP_VERDICT] = { "Kept from the stack by an XDP program", "at", "device" },
	[HCT_POINT_TRANSLATION] = { "Met with other addresses (NAT)", "at", "kernel" },
};

static void say(struct hold *h, struct held *item, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends to what is said with ITEM; without memory less is said. */
static void say(struct hold *h, struct held *item, const char *format, ...)
{
	char text[WORDS_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	held_say(h, item, text);
}

/* TEXT made safe to print, its newlines kept. */
static const char *safe_lines(char *out, size_t size, const char *text)
{
	format_safe(out, size, text);
	for (size_t i = 0; out[i]; i++)
		if (text[i] == '\n')
			out[i] = '\n';
	return out;
}

/* ---- interfaces ---- */

void words_interface_name(char out[WORDS_LEN], enum hct_point point, const char *device,
			  bool inside)
{
	const char *other = places[point].elsewhere;
	char safe[IFNAMSIZ];

	format_safe(safe, sizeof(safe), device);
	snprintf(out, WORDS_LEN, "%s%s%s %s%s", safe, point == HCT_POINT_DROP && *safe ? " kernel" : "",
		 *safe ? "" : other, point_name(point), inside ? ", inside" : "");
}

void words_interface_description(char out[WORDS_LEN], enum hct_point point, const char *device,
				 bool inside)
{
	char safe[IFNAMSIZ];

	format_safe(safe, sizeof(safe), device);
	snprintf(out, WORDS_LEN, "%s%s%s: %s%s", point_name(point), *safe ? " at " : "", safe,
		 point_contract(point),
		 inside ? "; in another network namespace than the watched one" : "");
}

/* ---- packets ---- */

bool words_is_packet(const struct obs *o)
{
	/* of a later fragment only its coming is known */
	return o->point < HCT_POINT_COUNT && places[o->point].what &&
	       !(o->carriage & HCT_FRAGMENT_LATER);
}

/* Where ITEM was met; TEXT: what it is, "" unknown; NETNS: the name of the other namespace. */
static void say_place(struct hold *h, struct held *item, const char *text, const char *netns)
{
	char device[IFNAMSIZ], at[IFNAMSIZ + 8] = "", inside[80] = "", name[64];
	char safe[PROBE_TEXT_LEN];

	format_safe(device, sizeof(device), item->device);
	if (*device)
		snprintf(at, sizeof(at), " %s %s", places[item->point].preposition, device);
	format_safe(name, sizeof(name), *netns ? netns : "another network namespace");
	if (item->inside)
		snprintf(inside, sizeof(inside), " in %s", name);
	format_safe(safe, sizeof(safe), text);
	say(h, item, "%s%s%s (%s)%s%s", places[item->point].what, at, inside,
	    point_name(item->point), *safe ? ": " : "", safe);
}

/* Why the kernel dropped ITEM, in the kernel's own names. */
static void say_reason(struct hold *h, struct held *item)
{
	char safe[WORDS_LEN / 2];

	if (item->reason)
		say(h, item, "reason: %s", format_safe(safe, sizeof(safe), item->reason));
	if (item->function)
		say(h, item, "function: %s", format_safe(safe, sizeof(safe), item->function));
}

void words_of_packet(struct hold *h, struct held *item)
{
	say_place(h, item, "", "");
	say_reason(h, item);
}

/* Does ENTRY tell of a packet, which is in the file by itself? */
static bool is_packet(const struct timeline_entry *entry)
{
	return places[entry->point].what && !entry->later_fragment;
}

/* What the timeline says of ITEM; "": nothing, or the same as of the one before. */
static const char *text_of(const struct probe *p, const struct held *item)
{
	for (size_t i = 0; i < p->timeline_len; i++) {
		const struct timeline_entry *entry = &p->timeline[i];

		if (entry->time_ns == item->time_ns && entry->point == item->point &&
		    strncmp(entry->device, item->device, sizeof(entry->device)) == 0)
			return entry->text;
	}
	return "";
}

/* The packet that ENTRY, which is of a socket, a process or a route, comes behind. */
static struct held *nearest(const struct held_flow *flow, const struct timeline_entry *entry)
{
	struct held *item = flow->packets->flow_prev; /* utlist: the last */

	while (item != flow->packets && item->time_ns > entry->time_ns)
		item = item->flow_prev;
	return item;
}

static void say_event(struct hold *h, struct held_flow *flow, const struct probe *p,
		      const struct timeline_entry *entry)
{
	uint64_t after = entry->time_ns > p->start_ns ? entry->time_ns - p->start_ns : 0;
	char span[SPAN_TEXT_LEN], safe[PROBE_TEXT_LEN], name[64], times[32] = "";

	if (entry->repeats)
		snprintf(times, sizeof(times), " (%u times)", entry->repeats + 1);
	format_safe(name, sizeof(name), p->inner_name[0] ? p->inner_name : "the container");
	say(h, nearest(flow, entry), "then, +%s: %s (%s)%s%s%s", format_span(span, after),
	    format_safe(safe, sizeof(safe), entry->text), point_name(entry->point),
	    entry->inside ? " in " : "", entry->inside ? name : "", times);
}

/* "iptables-nft, table filter, chain INPUT, rule 3, handle 7: -s 100.125.0.0/16 -j DROP" */
static void say_rule(struct hold *h, struct held *item, const struct where *where)
{
	char rule[WORDS_LEN], safe[WORDS_LEN], number[32] = "", handle[40] = "";

	if (!where->table[0] && !where->chain[0] && !where->text[0])
		return;
	if (where->rule)
		snprintf(number, sizeof(number), ", rule %" PRIu32, where->rule);
	if (where->handle)
		snprintf(handle, sizeof(handle), ", handle %" PRIu64, where->handle);
	snprintf(rule, sizeof(rule), "rule: %s%s%s%s%s%s%s%s%s%s%s%s%s", where->backend,
		 where->family[0] ? ", family " : "", where->family,
		 where->table[0] ? ", table " : "", where->table,
		 where->chain[0] ? ", chain " : "", where->chain, number, handle,
		 where->policy ? ", the chain's policy" : "", where->text[0] ? ": " : "",
		 where->text,
		 where->named && where->confidence != CONFIDENCE_CERTAIN ? " (likely)" : "");
	held_say(h, item, safe_lines(safe, sizeof(safe), rule));
}

/* The packet that the diagnosis is about, where it was dropped; else the last. */
static struct held *culprit(const struct held_flow *flow, const struct probe *p)
{
	struct held *item;

	for (item = flow->packets; item; item = item->flow_next)
		if (p->drop.seen && item->point == HCT_POINT_DROP &&
		    item->time_ns == p->drop.time_ns)
			return item;
	return flow->packets->flow_prev;
}

static void verdict_text(char out[WORDS_LEN], const struct diagnosis *d)
{
	const struct verdict *info = verdict_info(d->verdict);

	snprintf(out, WORDS_LEN, "%s; %s, %s%s%s%s%s", info->id, outcome_name(d->outcome),
		 confidence_name(d->confidence), d->code ? "; code " : "", d->code ? d->code : "",
		 info->step[0] ? "; step " : "", info->step);
}

static void say_lines(struct hold *h, struct held *item, const char *label, const char *text)
{
	char safe[WORDS_LEN];

	if (*text)
		say(h, item, "%s: %s", label, safe_lines(safe, WORDS_LEN - 16, text));
}

void words_of_probe(struct hold *h, struct held_flow *flow, const struct probe *p,
		    const struct diagnosis *d)
{
	struct held *last = flow->packets->flow_prev, *item;
	char text[WORDS_LEN], fix[FIX_TEXT_LEN];

	for (item = flow->packets; item; item = item->flow_next) {
		say_place(h, item, text_of(p, item), p->inner_name);
		say_reason(h, item);
	}
	say_rule(h, culprit(flow, p), &d->where);
	for (size_t i = 0; i < p->timeline_len; i++)
		if (!is_packet(&p->timeline[i]))
			say_event(h, flow, p, &p->timeline[i]);
	if (p->timeline_dropped)
		say(h, last, "and %u more events, not kept", p->timeline_dropped);
	if (p->missing)
		say(h, last, "lost: %" PRIu64 " events of this probe", p->missing);
	verdict_text(text, d);
	say(h, last, "verdict: %s", text);
	say_lines(h, last, "why", d->why);
	say_lines(h, last, "fix", fix_text(fix, &d->fix));
	say_lines(h, last, "see", d->fix.show.text);
	say_lines(h, last, "undo", d->fix.undo.text);
	say_lines(h, last, "note", d->note);
}

void words_of_no_verdict(struct hold *h, struct held_flow *flow)
{
	struct held *item = flow->packets->flow_prev;

	if (!item->words)
		words_of_packet(h, item);
	held_say(h, item, "no verdict: a user's request, or not over when the run ended");
}

/* ---- records ---- */

/* Fields "NAME=value", one after another, each with its NUL. */
struct record {
	size_t len;
	char fields[6 * WORDS_LEN]; /* of seven at most, three of which are short */
};

static void add_field(struct record *r, const char *name, const char *text)
{
	size_t room = sizeof(r->fields) - r->len;
	char safe[WORDS_LEN];
	int n;

	if (!*text)
		return;
	safe_lines(safe, sizeof(safe), text);
	for (char *c = safe; *c; c++)
		if (*c == '\n')
			*c = ' ';
	n = snprintf(r->fields + r->len, room, "%s=%s", name, safe);
	if (n > 0 && (size_t)n < room)
		r->len += (size_t)n + 1;
}

/* PRIORITY is one of syslog(3). */
static void put_record(struct hold *h, struct record *r, const char *message, const char *priority,
		       uint64_t time_ns)
{
	add_field(r, "MESSAGE", message);
	add_field(r, "PRIORITY", priority);
	add_field(r, "SYSLOG_IDENTIFIER", "hctrace");
	hold_record(h, time_ns, r->fields, r->len);
}

/* ADDR and PORT, of which no-probe may know neither. */
static const char *endpoint(char out[ENDPOINT_TEXT_LEN + 8], const char *any,
			    const uint8_t addr[16], uint16_t port)
{
	static const uint8_t nothing[16];

	if (memcmp(addr, nothing, sizeof(nothing)) != 0)
		return format_endpoint(out, addr, port);
	snprintf(out, ENDPOINT_TEXT_LEN + 8, port ? "%s, port %u" : "%s", any, port);
	return out;
}

void words_record_probe(struct hold *h, const struct probe *p, const struct diagnosis *d)
{
	bool ports = p->tuple.protocol == IPPROTO_TCP || p->tuple.protocol == IPPROTO_UDP;
	char lb[ENDPOINT_TEXT_LEN + 8], target[ENDPOINT_TEXT_LEN + 8];
	char message[WORDS_LEN], verdict[WORDS_LEN];
	struct record r = { 0 };
	char fix[FIX_TEXT_LEN];

	verdict_text(verdict, d);
	add_field(&r, "HCTRACE_VERDICT", verdict);
	add_field(&r, "HCTRACE_WHY", d->why);
	add_field(&r, "HCTRACE_FIX", fix_text(fix, &d->fix));
	add_field(&r, "HCTRACE_NOTE", d->note);
	snprintf(message, sizeof(message), "%s > %s: %s: %s",
		 endpoint(lb, "any node", p->tuple.lb, ports ? ntohs(p->tuple.lb_port) : 0),
		 endpoint(target, "any target", p->tuple.target,
			  ports ? ntohs(p->tuple.target_port) : 0),
		 verdict_info(d->verdict)->id, d->why);
	put_record(h, &r, message, d->outcome == OUTCOME_PASS ? "6" : "4", p->end_ns);
}

void words_record_lost(struct hold *h, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct record r = { 0 };
	char message[WORDS_LEN];

	snprintf(message, sizeof(message),
		 "%" PRIu64 " events of %s were lost: packets can be missing", count,
		 point_name(point));
	put_record(h, &r, message, "4", time_ns);
}

void words_record_note(struct hold *h, const char *text, uint64_t time_ns)
{
	struct record r = { 0 };

	put_record(h, &r, text, "4", time_ns);
}
