// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Addresses, durations, times and foreign strings as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "render/format.h"

#define MS UINT64_C(1000000)
#define SEC UINT64_C(1000000000)
#define SOME_TIME INT64_C(1795334400123456789)

static void set_addr(uint8_t out[16], const char *text)
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET6, text, out) == 1)
		return;
	memset(out + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

static void addresses(void **state)
{
	char endpoint[ENDPOINT_TEXT_LEN], addr[ADDR_TEXT_LEN];
	uint8_t v4[16], v6[16], longest[16];

	set_addr(v4, "192.168.0.10");
	set_addr(v6, "2001:db8::1");
	memset(longest, 0xff, sizeof(longest));
	assert_string_equal(format_addr(addr, v4), "192.168.0.10");
	assert_string_equal(format_addr(addr, v6), "2001:db8::1");
	assert_string_equal(format_endpoint(endpoint, v4, 80), "192.168.0.10:80");
	assert_string_equal(format_endpoint(endpoint, v4, 0), "192.168.0.10");
	assert_string_equal(format_endpoint(endpoint, v6, 80), "[2001:db8::1]:80");
	assert_string_equal(format_endpoint(endpoint, v6, 0), "2001:db8::1");
	assert_string_equal(format_endpoint(endpoint, longest, 65535),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void prefixes(void **state)
{
	static const char *const texts[] = {
		"100.125.0.0/16", "0.0.0.0/0", "10.0.0.5/32", "2001:db8::/32", "::/0",
		"fd00::1/128", "128.0.0.0/1", "10.0.0.4/31",
	};
	char out[PREFIX_TEXT_LEN];
	struct prefix p;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(prefix_parse(&p, texts[i]), 0);
		assert_string_equal(format_prefix(out, &p), texts[i]);
	}
	assert_int_equal(prefix_parse(&p, "10.0.0.5"), 0);
	assert_string_equal(format_prefix(out, &p), "10.0.0.5/32");
}

static void no_prefixes(void **state)
{
	static const char *const texts[] = {
		"", "/", "/16", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ",
		"10.0.0/8", "10.0.0.1/8", "10.0.0.1/31", "2001:db8::/129", "2001:db8::1/64",
		"fd00::1/127", "elb",
		"10.0.0.0/99999999999999999999999",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/64",
	};
	struct prefix p;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_not_equal(prefix_parse(&p, texts[i]), 0);
}

static void spans(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} table[] = {
		{ 0, "0.000 ms" }, { 999, "0.000 ms" }, { 14123, "0.014 ms" },
		{ 800000, "0.800 ms" }, { 999999, "0.999 ms" }, { MS, "1.00 ms" },
		{ 9999999, "9.99 ms" }, { 10 * MS, "10.0 ms" }, { 99999999, "99.9 ms" },
		{ 100 * MS, "100 ms" }, { SEC - 1, "999 ms" }, { SEC, "1.00 s" },
		{ 1020 * MS, "1.02 s" }, { 10 * SEC, "10.0 s" }, { 60 * SEC - 1, "59.9 s" },
		{ 60 * SEC, "1 min 0 s" }, { 125 * SEC, "2 min 5 s" }, { 3600 * SEC, "1 h 0 min" },
		{ UINT64_MAX, "5124095 h 34 min" },
	};
	char out[SPAN_TEXT_LEN];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(format_span(out, table[i].ns), table[i].text);
}

static void settings(void **state)
{
	char out[SPAN_TEXT_LEN];

	assert_string_equal(format_setting(out, 5 * SEC), "5 s");
	assert_string_equal(format_setting(out, 90 * SEC), "90 s");
	assert_string_equal(format_setting(out, 1500 * MS), "1500 ms");
	assert_string_equal(format_setting(out, 1), "0.000001 ms");
}

static void times(void **state)
{
	char iso[ISO_TEXT_LEN], clock[CLOCK_TEXT_LEN];

	setenv("TZ", "UTC", 1);
	tzset();
	assert_string_equal(format_iso(iso, SOME_TIME), "2026-11-22T08:00:00.123456Z");
	assert_string_equal(format_iso(iso, 0), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(format_iso(iso, -1), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(format_clock(clock, SOME_TIME), "08:00:00.123");
	setenv("TZ", "CET-1", 1);
	tzset();
	assert_string_equal(format_clock(clock, SOME_TIME), "09:00:00.123");
	assert_string_equal(format_iso(iso, SOME_TIME), "2026-11-22T08:00:00.123456Z");
}

static void foreign_strings(void **state)
{
	static const struct {
		const char *in, *out;
	} table[] = {
		{ "", "" },
		{ "nginx", "nginx" },
		{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "a\tb\nc\rd\033[2J\x7f", "a?b?c?d?[2J?" },
		{ "\xff\xfe", "??" }, /* never in UTF-8 */
		{ "\xc3", "?" }, /* cut short */
		{ "\xe2\x82", "??" },
		{ "\xf0\x9f\x98", "???" },
		{ "\xc0\xaf", "??" }, /* overlong */
		{ "\xe0\x80\xaf", "???" },
		{ "\xf0\x80\x80\xaf", "????" },
		{ "\xed\xa0\x80", "???" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "????" }, /* beyond Unicode */
		{ "\xc2\x9b" "2J", "??2J" }, /* C1 control: CSI */
		{ "\xe2\x80\xae" "txt", "???txt" }, /* right-to-left override */
	};
	char out[64];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(format_safe(out, sizeof(out), table[i].in), table[i].out);
}

static void cut_strings(void **state)
{
	char out[8] = "1234567";

	assert_string_equal(format_safe(out, 4, "abcdef"), "abc");
	assert_string_equal(format_safe(out, 4, "ab\xc3\xa9"), "ab"); /* not half a character */
	assert_string_equal(format_safe(out, 5, "ab\xc3\xa9"), "ab\xc3\xa9");
	assert_string_equal(format_safe(out, 1, "abc"), "");
	strcpy(out, "x");
	format_safe(out, 0, "abc");
	assert_string_equal(out, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(no_prefixes),
		cmocka_unit_test(spans),
		cmocka_unit_test(settings),
		cmocka_unit_test(times),
		cmocka_unit_test(foreign_strings),
		cmocka_unit_test(cut_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
