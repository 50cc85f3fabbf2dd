/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parts of the html renderer share.
 *
 * Nothing can be written before the end of the run is known, so this renderer
 * collects; every collection here is bounded, whatever the recording holds.
 * Times are CLOCK_MONOTONIC nanoseconds unless said otherwise.
 */
#ifndef HCT_HTML_H
#define HCT_HTML_H

#include "diagnose/engine.h"
#include "record/recording_info.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define HTML_BUCKETS 240 /* columns of a chart */
#define HTML_BINS 104 /* of answer times, html_axis.c */
#define HTML_MAX_SERIES 128
#define HTML_MAX_CAUSES 256
#define HTML_MAX_SILENCES 64
#define HTML_CHANGES 32
#define HTML_CAUSE_NODES 8

/* What a health check is for: HTTP and TCP checks of one port are one. */
struct html_service {
	uint8_t addr[16];
	uint16_t port; /* host byte order; 0: ICMP, or of no-probe any */
	uint8_t transport; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP for both versions */
	uint8_t pad;
};

/* ---- html_axis.c: time in equal pieces, which double when the run outgrows them ---- */

struct html_bucket {
	uint32_t passed, failed, unknown;
	uint8_t verdict; /* of the last that did not pass */
	uint8_t states; /* bits 1 << enum target_state: held within it */
	uint32_t max_us;
	uint16_t bins[HTML_BINS];
};

struct html_axis {
	uint64_t start_ns, width_ns;
	uint64_t lost[HTML_BUCKETS]; /* events */
};

/* How often the pieces of A have to double before WHEN_NS fits in; they are doubled. */
unsigned html_axis_reach(struct html_axis *a, uint64_t when_ns);
/* The piece that WHEN_NS lies in; what is before the first or behind the last counts there. */
size_t html_axis_index(const struct html_axis *a, uint64_t when_ns);
/* Merges the pairs of the HTML_BUCKETS at B. */
void html_buckets_merge(struct html_bucket *b);
void html_bucket_answer(struct html_bucket *b, uint64_t us);
/* About how long PERCENT of the answers took at most, µs; 0: there were none. */
uint64_t html_bucket_percentile(const struct html_bucket *b, unsigned percent);

/* ---- html_series.c: a target as one node sees it ---- */

struct html_series_key {
	struct html_service service;
	uint8_t lb[16];
};

struct html_change {
	uint64_t when_ns;
	enum target_state state;
};

struct html_series {
	UT_hash_handle hh;
	struct html_series_key key;
	uint32_t id; /* never used again */
	struct target target; /* as the engine told it last; counted here until then */
	enum target_state state; /* up to FILLED buckets are marked with it */
	size_t filled;
	struct html_change changes[HTML_CHANGES]; /* a ring: the latest */
	size_t n_changes;
	uint32_t last_cause; /* of its last probe; 0: it passed */
	enum verdict_id last_verdict;
	struct html_bucket buckets[HTML_BUCKETS];
};

struct html_series_set {
	struct html_series *by_key;
	uint32_t last_id;
	/* pairs of target and node that found no room, each counted when it was put aside */
	uint64_t others, others_probes, others_failed;
};

struct html_state;
struct html_service html_service_of(const struct probe *p);
/* The series of P, a new one where there is room; NULL: there is none. */
struct html_series *html_series_of(struct html_state *s, const struct probe *p);
/* Adds a finished probe to SERIES. */
void html_series_count(struct html_state *s, struct html_series *series, const struct probe *p,
		       const struct diagnosis *d);
/* What the engine tells of a target. */
void html_series_target(struct html_state *s, const struct target *t);
/* Marks the buckets up to WHEN_NS with the state that was held. */
void html_series_fill(const struct html_axis *a, struct html_series *series, uint64_t when_ns);
/* Does SERIES belong to SERVICE?  Port or address 0 of SERVICE: any. */
bool html_series_in(const struct html_series *series, const struct html_service *service);
void html_series_free(struct html_series_set *set);

/* ---- html_cause.c: every distinct cause, with how often it was met ---- */

struct html_cause {
	uint32_t id; /* never used again */
	struct html_service service;
	char protocol[8];
	struct diagnosis d; /* the latest */
	uint64_t count, first_ns, last_ns;
	uint8_t nodes[HTML_CAUSE_NODES][16]; /* the first */
	size_t n_nodes; /* at most HTML_CAUSE_NODES are told apart */
	bool more_nodes;
	bool going_on; /* set by html_causes_sort() */
	unsigned rank; /* set by it, 0 the gravest */
};

struct html_causes {
	struct html_cause *c;
	size_t n;
	uint32_t last_id;
	uint64_t left_out; /* probes of causes that found no room */
};

/* Counts why P failed, or what is to be noted of it; returns the cause's id, 0: none. */
uint32_t html_cause_count(struct html_causes *causes, const struct probe *p,
			  const struct diagnosis *d);
/* The most important first. */
void html_causes_sort(struct html_state *s);

/* ---- html_keep.c: the probes that are shown one by one ---- */

struct html_kept;
struct html_keep;
struct html_keep *html_keep_new(void);
void html_keep_free(struct html_keep *k); /* accepts NULL */
/* Keeps a copy of P for as long as its turn is; CHANGE: it is the first of its kind in a row. */
void html_keep_probe(struct html_keep *k, uint32_t series, bool change, const struct probe *p,
		     const struct diagnosis *d);
/* All that are kept, each once, the earliest first; the caller frees the array.  NULL: none. */
struct html_kept **html_keep_all(const struct html_keep *k, size_t *n);
const struct probe *html_kept_probe(const struct html_kept *kept);
const struct diagnosis *html_kept_diagnosis(const struct html_kept *kept);

/* ---- html_json.c: objects as the json renderer prints them ---- */

struct html_json;
struct html_json *html_json_open(const struct settings *settings);
void html_json_close(struct html_json *j); /* accepts NULL */
void *html_json_ctx(struct html_json *j); /* for render_json.on */
/* What was printed since the last time, without its newline; valid until the next. */
const char *html_json_taken(struct html_json *j);

/* ---- the whole ---- */

struct html_state {
	FILE *out;
	const struct settings *settings;
	struct html_json *json;
	char kernel[72];
	char netns_name[64];
	int64_t wall_offset_ns;
	char *points; /* the list of points as HTML */
	size_t missing; /* points that are not attached, and that verdicts hang on */
	char *gaps, *files; /* what is missing of the recording, and what else it holds, as HTML */
	bool cut_off; /* the recording has no end */
	char *start, *end; /* objects */
	bool started, ended;
	struct totals totals; /* of END, or counted here until then */
	uint64_t lost[HCT_POINT_COUNT];
	struct html_axis axis;
	struct html_series_set series;
	struct html_causes causes;
	struct html_keep *keep;
	struct html_silence {
		struct html_service service;
		uint64_t from_ns, to_ns;
	} silences[HTML_MAX_SILENCES]; /* a ring: the latest */
	size_t n_silences;
	/* filled at the end, html_order() */
	struct html_series *order[HTML_MAX_SERIES];
	size_t n_order;
	struct html_kept **kept;
	size_t n_kept;
};

/* html_order.c */
/* Sorts series by target, the worst first, and gathers what html_page() tells of. */
void html_order(struct html_state *s);

/* A target with the nodes that probe it. */
struct html_group {
	struct html_series **series;
	size_t n;
	size_t unhealthy; /* nodes that should show it as unhealthy */
	uint64_t unhealthy_ns; /* since when the first of them should */
	uint64_t flips_ns; /* when a node will, if this goes on; 0: none will */
	const char *code; /* what they show then; NULL: not known */
	bool healthy; /* a node should show it as healthy */
	bool silent;
	uint64_t last_ns; /* of the last probe */
	uint64_t probes, passed, failed, unknown;
	const char *protocol;
	uint64_t interval_ns, timeout_ns; /* as learned; 0: not */
};

/* The group that starts at series FIRST of the order; the next one starts at FIRST + n. */
struct html_group html_group_at(const struct html_state *s, size_t first);

/* html_text.c: all that goes into the page passes one of these */
/* TEXT, which may be hostile, as text or attribute of HTML; its newlines are kept. */
void html_text(FILE *out, const char *text);
void html_long_text(FILE *out, const char *text, size_t len); /* of any length */
void html_printf(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "12,345 probes", "1 probe" */
void html_count(FILE *out, uint64_t n, const char *singular, const char *plural);
/* <time> in UTC, to the second; the page's script can turn it into another zone. */
void html_time(const struct html_state *s, FILE *out, uint64_t mono_ns);
/* "192.168.0.10:80", or "any target"; of a service. */
void html_service(FILE *out, const struct html_service *service);
/* A JSON text, so that nothing in it ends the <script> it stands in. */
void html_json(FILE *out, const char *json);

/* html_page.c: writes the page to S->out. */
void html_page(struct html_state *s);
/* What can stand at a {{name}} of page.html: */
/* html_data.c: everything that the script draws from */
void html_data(struct html_state *s, FILE *out);
/* html_top.c */
void html_title(struct html_state *s, FILE *out);
void html_headline(struct html_state *s, FILE *out);
void html_totals(struct html_state *s, FILE *out);
/* html_cards.c */
void html_cards(struct html_state *s, FILE *out);
/* html_lists.c */
void html_targets(struct html_state *s, FILE *out);
void html_failures(struct html_state *s, FILE *out);
void html_left_out(struct html_state *s, FILE *out);
/* html_recording.c: keeps what INFO says */
void html_recording(struct html_state *s, const struct recording_info *info);
/* html_run.c: what was recorded */
char *html_points(const struct stream_start *start); /* to be freed; NULL: no memory */
size_t html_missing_points(const struct stream_start *start);
void html_run(struct html_state *s, FILE *out);
void html_banners(struct html_state *s, FILE *out);

#endif
