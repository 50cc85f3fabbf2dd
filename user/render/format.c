// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers, addresses and times as text. */
#include "format.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_SEC INT64_C(1000000000)

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_v4(const uint8_t addr[16])
{
	return memcmp(addr, v4_mapped, sizeof(v4_mapped)) == 0;
}

size_t format_number(char out[NUMBER_TEXT_LEN], uint64_t n)
{
	char digits[NUMBER_TEXT_LEN];
	size_t len = 0;

	do {
		digits[len++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	for (size_t i = 0; i < len; i++)
		out[i] = digits[len - 1 - i];
	out[len] = '\0';
	return len;
}

/* By hand: of the time that a probe's line takes, inet_ntop() was a good part. */
static void format_v4(char out[ADDR_TEXT_LEN], const uint8_t bytes[4])
{
	for (size_t i = 0; i < 4; i++) {
		out += format_number(out, bytes[i]);
		*out++ = i < 3 ? '.' : '\0';
	}
}

const char *format_addr(char out[ADDR_TEXT_LEN], const uint8_t addr[16])
{
	if (is_v4(addr))
		format_v4(out, addr + 12);
	else
		inet_ntop(AF_INET6, addr, out, ADDR_TEXT_LEN);
	return out;
}

const char *format_endpoint(char out[ENDPOINT_TEXT_LEN], const uint8_t addr[16], uint16_t port)
{
	bool brackets = port && !is_v4(addr);
	size_t n = 0;

	if (brackets)
		out[n++] = '[';
	format_addr(out + n, addr);
	n += strlen(out + n);
	if (brackets)
		out[n++] = ']';
	if (port) {
		out[n++] = ':';
		format_number(out + n, port);
	}
	return out;
}

const char *format_prefix(char out[PREFIX_TEXT_LEN], const struct prefix *prefix)
{
	bool v4 = is_v4(prefix->addr) && prefix->len >= 96;
	char text[ADDR_TEXT_LEN];

	snprintf(out, PREFIX_TEXT_LEN, "%s/%u", format_addr(text, prefix->addr),
		 v4 ? prefix->len - 96u : prefix->len);
	return out;
}

const char *format_code_range(char out[16], const struct code_range *range)
{
	if (range->first == range->last)
		snprintf(out, 16, "%d", range->first);
	else
		snprintf(out, 16, "%d-%d", range->first, range->last);
	return out;
}

const char *format_span(char out[SPAN_TEXT_LEN], uint64_t ns)
{
	uint64_t us = ns / 1000, ms = us / 1000, s = ms / 1000;

	if (us < 1000)
		snprintf(out, SPAN_TEXT_LEN, "0.%03" PRIu64 " ms", us);
	else if (us < 10000)
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 ".%02" PRIu64 " ms", ms, us % 1000 / 10);
	else if (us < 100000)
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 ".%" PRIu64 " ms", ms, us % 1000 / 100);
	else if (ms < 1000)
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 " ms", ms);
	else if (ms < 10000)
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 ".%02" PRIu64 " s", s, ms % 1000 / 10);
	else if (s < 60)
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			 s % 3600 / 60);
	return out;
}

const char *format_setting(char out[SPAN_TEXT_LEN], uint64_t ns)
{
	if (ns % NS_PER_SEC == 0)
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 " s", ns / NS_PER_SEC);
	else if (ns % 1000000 == 0)
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 " ms", ns / 1000000);
	else
		snprintf(out, SPAN_TEXT_LEN, "%" PRIu64 ".%06" PRIu64 " ms", ns / 1000000,
			 ns % 1000000);
	return out;
}

/* Seconds, and in *NS the rest, which is never negative. */
static time_t split_wall(int64_t wall_ns, int64_t *ns)
{
	int64_t s = wall_ns / NS_PER_SEC;

	*ns = wall_ns % NS_PER_SEC;
	if (*ns < 0) {
		*ns += NS_PER_SEC;
		s--;
	}
	return s;
}

/* N in WIDTH digits, with zeros in front, behind OUT; returns where it ends. */
static char *put_digits(char *out, unsigned n, unsigned width)
{
	for (unsigned i = width; i > 0; i--) {
		out[i - 1] = (char)('0' + n % 10);
		n /= 10;
	}
	out[width] = '\0';
	return out + width;
}

static char *put_time_of_day(char *out, const struct tm *tm)
{
	out = put_digits(out, (unsigned)tm->tm_hour, 2);
	*out++ = ':';
	out = put_digits(out, (unsigned)tm->tm_min, 2);
	*out++ = ':';
	return put_digits(out, (unsigned)tm->tm_sec, 2);
}

const char *format_clock(char out[CLOCK_TEXT_LEN], int64_t wall_ns)
{
	int64_t ns;
	time_t s = split_wall(wall_ns, &ns);
	struct tm tm;
	char *end;

	if (!localtime_r(&s, &tm))
		memset(&tm, 0, sizeof(tm));
	end = put_time_of_day(out, &tm);
	*end++ = '.';
	put_digits(end, (unsigned)(ns / 1000000), 3);
	return out;
}

const char *format_iso(char out[ISO_TEXT_LEN], int64_t wall_ns)
{
	int64_t ns;
	time_t s = split_wall(wall_ns, &ns);
	struct tm tm;
	char *end;

	if (!gmtime_r(&s, &tm))
		memset(&tm, 0, sizeof(tm));
	end = out + strftime(out, ISO_TEXT_LEN, "%Y-%m-%dT", &tm);
	end = put_time_of_day(end, &tm);
	*end++ = '.';
	strcpy(put_digits(end, (unsigned)(ns / 1000), 6), "Z");
	return out;
}

/* Code points that do not stay in their place: C1 controls, marks and overrides of direction. */
static bool is_harmful(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* Length of the well-formed UTF-8 sequence (RFC 3629) at TEXT, 0 when it is not one. */
static size_t utf8_length(const unsigned char *text)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	uint32_t c = text[0] & (0xff >> (len + 1));

	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || is_harmful(c))
		return 0;
	return len;
}

const char *format_safe(char *out, size_t size, const char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t n = 0;

	while (*in) {
		size_t len = *in < 0x80 ? 1 : utf8_length(in);

		if (n + (len ? len : 1) >= size)
			break;
		if (len == 0 || *in < 0x20 || *in == 0x7f) {
			out[n++] = '?';
			in++;
			continue;
		}
		memcpy(out + n, in, len);
		n += len;
		in += len;
	}
	if (size)
		out[n] = '\0';
	return out;
}

const char *format_table(char out[TABLE_TEXT_LEN], uint32_t table)
{
	switch (table) { /* RT_TABLE_* of linux/rtnetlink.h */
	case 253:
		return "default";
	case 254:
		return "main";
	case 255:
		return "local";
	}
	snprintf(out, TABLE_TEXT_LEN, "%u", table);
	return out;
}
