/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Numbers, addresses and times as text.  Every function writes to OUT, which
 * the caller owns, terminates it and, unless said otherwise,
 * returns it.
 */
#ifndef HCT_FORMAT_H
#define HCT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

#define ADDR_TEXT_LEN 46 /* INET6_ADDRSTRLEN */
#define ENDPOINT_TEXT_LEN 56
#define PREFIX_TEXT_LEN 52
#define TABLE_TEXT_LEN 16
#define SPAN_TEXT_LEN 32
#define CLOCK_TEXT_LEN 16
#define ISO_TEXT_LEN 32
#define EXPECT_TEXT_LEN 72
#define NUMBER_TEXT_LEN 21

/* N in decimal; returns its length. */
size_t format_number(char out[NUMBER_TEXT_LEN], uint64_t n);
/* "192.168.0.10" for a v4-mapped ADDR, else "2001:db8::1". */
const char *format_addr(char out[ADDR_TEXT_LEN], const uint8_t addr[16]);
/* "192.168.0.10:80", "[2001:db8::1]:80"; PORT (host byte order) 0: the address alone. */
const char *format_endpoint(char out[ENDPOINT_TEXT_LEN], const uint8_t addr[16], uint16_t port);
/* "100.125.0.0/16": the length is that of the family, not of the v4-mapped form. */
const char *format_prefix(char out[PREFIX_TEXT_LEN], const struct prefix *prefix);
/* "200", "300-399". */
const char *format_code_range(char out[16], const struct code_range *range);
/* A measured time, cut to three digits or so: "0.014 ms", "12.3 ms", "1.02 s", "2 min 5 s". */
const char *format_span(char out[SPAN_TEXT_LEN], uint64_t ns);
/* A setting, exactly as long as it was given: "5 s", "1500 ms". */
const char *format_setting(char out[SPAN_TEXT_LEN], uint64_t ns);
/* CLOCK_REALTIME as local time of day: "14:03:07.120". */
const char *format_clock(char out[CLOCK_TEXT_LEN], int64_t wall_ns);
/* CLOCK_REALTIME as ISO 8601, UTC: "2026-11-22T08:00:00.123456Z". */
const char *format_iso(char out[ISO_TEXT_LEN], int64_t wall_ns);
/*
 * TEXT made fit for a terminal and for JSON: bytes of control characters, of
 * what turns the direction of writing, and that are not UTF-8 each become '?';
 * what does not fit in SIZE is cut between characters.
 */
const char *format_safe(char *out, size_t size, const char *text);

/* A routing table as ip-route(8) names it: "main", "local", "default", or its number. */
const char *format_table(char out[TABLE_TEXT_LEN], uint32_t table);

#endif
