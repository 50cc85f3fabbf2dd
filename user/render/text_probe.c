// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One finished probe as text: a line; and when it did not pass, its timeline, cause and fix. */
#include "text_fix.h"
#include "text_state.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "diagnose/answer.h"
#include "diagnose/kind.h"
#include "format.h"
#include "stream/points.h"

#define INDENT 5
#define RESULT_WIDTH 18
#define TELL_AGAIN_NS (300 * UINT64_C(1000000000)) /* by then it has left the screen */

/*
 * A cause that was told in full.  Probes repeat every few seconds: until it
 * changes, or some minutes later, a reference to it will do.
 */
struct told {
	struct told_key {
		uint8_t lb[16];
		uint8_t target[16];
		__be16 port;
		uint8_t protocol;
		uint8_t verdict;
	} key;
	uint64_t start_ns;
	uint64_t why, advice; /* what was told, as hashes: the cause; fix and note */
	UT_hash_handle hh;
};
#define MAX_TOLD 16384 /* what was told longest ago is told in full again */

void text_forget_told(struct text_state *s)
{
	struct told *told, *next;

	HASH_ITER(hh, s->told, told, next) {
		HASH_DEL(s->told, told);
		free(told);
	}
}

static bool has_ports(const struct probe *p)
{
	return p->tuple.protocol == IPPROTO_TCP || p->tuple.protocol == IPPROTO_UDP;
}

/* A new one has a start_ns of 0.  NULL: no memory. */
static struct told *find_told(struct text_state *s, const struct probe *p,
			      const struct diagnosis *d)
{
	struct told_key key;
	struct told *told;

	memset(&key, 0, sizeof(key));
	memcpy(key.lb, p->tuple.lb, sizeof(key.lb));
	memcpy(key.target, p->tuple.target, sizeof(key.target));
	key.port = has_ports(p) ? p->tuple.target_port : 0;
	key.protocol = p->tuple.protocol;
	key.verdict = (uint8_t)d->verdict;
	HASH_FIND(hh, s->told, &key, sizeof(key), told);
	if (told)
		return told;
	if (HASH_COUNT(s->told) >= MAX_TOLD) {
		told = s->told; /* the oldest */
		HASH_DEL(s->told, told);
		free(told);
	}
	told = calloc(1, sizeof(*told));
	if (!told)
		return NULL;
	told->key = key;
	HASH_ADD(hh, s->told, key, sizeof(key), told);
	if (!told->hh.tbl) {
		free(told);
		return NULL;
	}
	return told;
}

/* FNV-1a */
#define NO_HASH UINT64_C(0xcbf29ce484222325)
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	} while (*text++);
	return hash;
}

/* What was told before and holds for P, too; NULL: nothing, and P's cause counts as told now. */
static const struct told *was_told(struct text_state *s, const struct probe *p,
				   const struct diagnosis *d)
{
	char fix[FIX_TEXT_LEN];
	uint64_t advice = hash_text(hash_text(NO_HASH, fix_text(fix, &d->fix)), d->note);
	struct told *told = find_told(s, p, d);

	if (!told)
		return NULL;
	if (told->start_ns && p->start_ns - told->start_ns < TELL_AGAIN_NS &&
	    told->advice == advice)
		return told;
	told->start_ns = p->start_ns;
	told->why = hash_text(NO_HASH, d->why);
	told->advice = advice;
	return NULL;
}

static bool is_http(const struct probe *p)
{
	return strncmp(probe_protocol(p), "http", 4) == 0;
}

/* An endpoint, of which no-probe may know neither address nor port. */
static void put_endpoint(char out[ENDPOINT_TEXT_LEN], const char *any, const uint8_t addr[16],
			 uint16_t port)
{
	static const uint8_t nothing[16];

	if (memcmp(addr, nothing, sizeof(nothing)) != 0)
		format_endpoint(out, addr, port);
	else if (port)
		snprintf(out, ENDPOINT_TEXT_LEN, "%s:%u", any, port);
	else
		snprintf(out, ENDPOINT_TEXT_LEN, "%s", any);
}

/* "100.125.10.5 > 192.168.0.10:80"; the load balancer's port only where it was asked for. */
static void print_endpoints(struct text_state *s, const struct probe *p)
{
	uint16_t lb_port = has_ports(p) && s->settings->verbose ? ntohs(p->tuple.lb_port) : 0;
	uint16_t target_port = has_ports(p) ? ntohs(p->tuple.target_port) : 0;
	char lb[ENDPOINT_TEXT_LEN], target[ENDPOINT_TEXT_LEN];
	int width;

	put_endpoint(lb, "any node", p->tuple.lb, lb_port);
	put_endpoint(target, "any target", p->tuple.target, target_port);
	width = fprintf(s->t.out, "%s > %s", lb, target);
	if (width > s->endpoints_width)
		s->endpoints_width = width;
	fprintf(s->t.out, "%*s", s->endpoints_width - width, "");
}

/* What came of it: "200 in 0.8 ms", or the verdict. */
static void print_result(struct text_state *s, const struct probe *p, const struct diagnosis *d,
			 bool more_follows)
{
	char answer[SPAN_TEXT_LEN], result[64];
	bool has_code, is_sure;
	uint64_t ns;
	enum style style = d->outcome == OUTCOME_FAIL ? STYLE_BAD : STYLE_WARN;

	if (d->verdict != VERDICT_HEALTHY) {
		snprintf(result, sizeof(result), "%s", verdict_info(d->verdict)->id);
	} else {
		style = STYLE_PLAIN;
		if (!probe_answer_time(p, &ns))
			strcpy(result, p->tuple.protocol == IPPROTO_UDP ? "not refused" : "ok");
		else if (p->http_response.valid)
			snprintf(result, sizeof(result), "%d in %s", p->http_response.status,
				 format_span(answer, ns));
		else
			snprintf(result, sizeof(result), "answered in %s", format_span(answer, ns));
	}
	has_code = d->code && d->verdict != VERDICT_HEALTHY;
	is_sure = d->confidence == CONFIDENCE_CERTAIN || d->verdict == VERDICT_HEALTHY;
	text_print(&s->t, style, "%-*s", more_follows || has_code || !is_sure ? RESULT_WIDTH : 0,
		   result);
	if (has_code)
		fprintf(s->t.out, "  %s", d->code);
	if (!is_sure)
		fprintf(s->t.out, "  %s", confidence_name(d->confidence));
}

static void print_line(struct text_state *s, const struct probe *p, const struct diagnosis *d)
{
	static const struct {
		const char *word;
		enum style style;
	} outcomes[] = {
		[OUTCOME_PASS] = { "PASS", STYLE_GOOD },
		[OUTCOME_FAIL] = { "FAIL", STYLE_BAD },
		[OUTCOME_UNKNOWN] = { "????", STYLE_WARN },
	};
	const struct http_request *request = &p->http_request;
	/* That nothing came was found out at the end of the wait. */
	uint64_t when_ns = d->verdict == VERDICT_NO_PROBE ? p->end_ns : p->start_ns;
	bool has_request = is_http(p) && request->valid;
	char clock[CLOCK_TEXT_LEN], safe[sizeof(request->path)];

	fprintf(s->t.out, "%s  ", format_clock(clock, (int64_t)when_ns + s->wall_offset_ns));
	text_print(&s->t, outcomes[d->outcome].style, "%s", outcomes[d->outcome].word);
	fputs("  ", s->t.out);
	print_endpoints(s, p);
	fprintf(s->t.out, "  %-5s ", probe_protocol(p));
	print_result(s, p, d, has_request || p->has_process);
	if (has_request) {
		fprintf(s->t.out, "  %s", format_safe(safe, sizeof(safe), request->method));
		fprintf(s->t.out, " %s", format_safe(safe, sizeof(safe), request->path));
		if (p->http_response.valid && d->verdict != VERDICT_HEALTHY)
			fprintf(s->t.out, " %d", p->http_response.status);
	}
	if (p->has_process)
		fprintf(s->t.out, "  %s[%" PRIu32 "]", format_safe(safe, sizeof(safe), p->comm),
			p->pid);
}

/* Who speaks in the timeline, in the admin's words. */
static const char *label(char out[32], const struct timeline_entry *entry)
{
	static const char *const labels[HCT_POINT_COUNT] = {
		[HCT_POINT_XDP] = "xdp", [HCT_POINT_RECEIVE] = "in", [HCT_POINT_TC_INGRESS] = "in",
		[HCT_POINT_TC_EGRESS] = "out", [HCT_POINT_TRANSMIT] = "out",
		[HCT_POINT_NETFILTER] = "netfilter", [HCT_POINT_ROUTE] = "routing",
		[HCT_POINT_TRANSLATION] = "nat", [HCT_POINT_NFT_TRACE] = "nftables",
		[HCT_POINT_DROP] = "kernel", [HCT_POINT_SOCKET_STATE] = "socket",
		[HCT_POINT_RESET_SENT] = "kernel", [HCT_POINT_RESET_RECEIVED] = "socket",
		[HCT_POINT_RETRANSMIT_SYNACK] = "socket", [HCT_POINT_RETRANSMIT] = "socket",
		[HCT_POINT_ICMP_SENT] = "kernel", [HCT_POINT_APP_READ] = "process",
		[HCT_POINT_LIBWRAP] = "libwrap", [HCT_POINT_ACCEPTED] = "process",
		[HCT_POINT_XDP_VERDICT] = "xdp",
	};
	const char *word = entry->point < HCT_POINT_COUNT ? labels[entry->point] : NULL;
	bool at_device = entry->device[0] && (entry->point == HCT_POINT_XDP ||
					      entry->point == HCT_POINT_XDP_VERDICT ||
					      entry->point == HCT_POINT_RECEIVE ||
					      entry->point == HCT_POINT_TC_INGRESS ||
					      entry->point == HCT_POINT_TC_EGRESS ||
					      entry->point == HCT_POINT_TRANSLATION ||
					      entry->point == HCT_POINT_TRANSMIT);

	if (!word)
		word = point_name(entry->point);
	snprintf(out, 32, "%s%s%s", at_device ? entry->device : "", at_device ? " " : "", word);
	return out;
}

static void print_timeline(struct text_state *s, const struct probe *p)
{
	for (size_t i = 0; i < p->timeline_len; i++) {
		const struct timeline_entry *entry = &p->timeline[i];
		char who[32], after[SPAN_TEXT_LEN], safe[PROBE_TEXT_LEN], device[32];

		/* Events of several CPUs can be a hair out of order. */
		format_span(after, entry->time_ns > p->start_ns ? entry->time_ns - p->start_ns : 0);
		format_safe(device, sizeof(device), label(who, entry));
		fprintf(s->t.out, "%*s+%-10s %-11s %s", INDENT, "", after, device,
			format_safe(safe, sizeof(safe), entry->text));
		if (entry->inside)
			fprintf(s->t.out, " [in %s]",
				p->inner_name[0] ? format_safe(safe, sizeof(safe), p->inner_name) :
						   "the container");
		if (entry->repeats == 1)
			fputs(" (twice)", s->t.out);
		else if (entry->repeats)
			fprintf(s->t.out, " (%u times)", entry->repeats + 1);
		fputc('\n', s->t.out);
	}
	if (p->timeline_dropped)
		fprintf(s->t.out, "%*s... and %u more, not kept\n", INDENT, "",
			p->timeline_dropped);
}

/* Which request it is, of a connection that is kept. */
static void print_place(struct text_state *s, const struct probe *p)
{
	if (p->exchange > 1)
		fprintf(s->t.out, "%*srequest %" PRIu32 " on its connection\n", INDENT, "",
			p->exchange);
	else if (p->midway)
		fprintf(s->t.out, "%*son a connection that was there before\n", INDENT, "");
}

void text_probe(struct text_state *s, const struct probe *p, const struct diagnosis *d)
{
	bool healthy = d->verdict == VERDICT_HEALTHY;
	const struct told *told = NULL;
	char clock[CLOCK_TEXT_LEN];

	if ((!healthy || d->note[0]) && !s->settings->verbose)
		told = was_told(s, p, d);
	print_line(s, p, d);
	if (told)
		fprintf(s->t.out, "  (same as at %s)",
			format_clock(clock, (int64_t)told->start_ns + s->wall_offset_ns));
	fputc('\n', s->t.out);
	if (s->settings->verbose && told_by_text(p->told_by))
		fprintf(s->t.out, "%*skind %s, %s\n", INDENT, "",
			told_by_is_users(p->told_by) ? "a user's request" : "a probe",
			told_by_text(p->told_by));
	if (!told && (d->outcome != OUTCOME_PASS || s->settings->verbose)) {
		print_place(s, p);
		print_timeline(s, p);
	}
	if (!healthy && d->why[0] && !(told && told->why == hash_text(NO_HASH, d->why)))
		text_paragraph(&s->t, INDENT, "why  ", STYLE_STRONG, d->why, true);
	if (!healthy && !told)
		text_fix(&s->t, INDENT, &d->fix);
	if (d->note[0] && !told)
		text_paragraph(&s->t, INDENT, "note ", STYLE_WARN, d->note, true);
}
