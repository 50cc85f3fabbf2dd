// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The html renderer: what it keeps of a long run, and what it says of a damaged recording. */
#include "samples.h"

#include <stdio.h>

#include "render/html.h"

#define LONG_RUN 200000

static void open_page(struct fixture *f)
{
	open_fixture(f, &render_html, (char *[]){ "hctrace", "report", "FILE", NULL });
	start(f);
}

/* A probe each 5 s; every tenth is dropped by the firewall. */
static void probe_number(struct fixture *f, uint64_t number, const char *target, uint16_t port)
{
	bool fails = number % 10 == 9;
	struct diagnosis d = { .verdict = VERDICT_HEALTHY };
	struct probe p;

	if (fails)
		set_firewall_drop(&p, &d);
	set_probe(&p, "100.125.10.5", target, port);
	if (!fails)
		set_http(&p, 200);
	p.id = number + 1;
	p.start_ns += number * 5 * SEC;
	p.end_ns = p.start_ns + 3 * MS;
	if (!fails) {
		p.synack_ns += number * 5 * SEC;
		p.first_byte_ns += number * 5 * SEC;
	}
	f->renderer->on.probe(f->ctx, &p, &d);
}

static void end(struct fixture *f, uint64_t probes, uint64_t failed)
{
	const struct totals totals = {
		.probes = probes,
		.passed = probes - failed,
		.failed = failed,
		.start_ns = START,
		.end_ns = START + probes * 5 * SEC,
	};

	f->renderer->on.end(f->ctx, &totals);
}

static void assert_says(struct fixture *f, const char *text)
{
	if (!strstr(printed(f), text))
		fail_msg("the page does not say: %s", text);
}

static void html_long_run_is_bounded(void **state)
{
	struct fixture f = { 0 };

	open_page(&f);
	for (uint64_t i = 0; i < LONG_RUN; i++)
		probe_number(&f, i, "192.168.0.10", 80);
	end(&f, LONG_RUN, LONG_RUN / 10);
	assert_true(strlen(printed(&f)) < 1500000);
	assert_says(&f, "hold all 200,000 probes");
	assert_says(&f, "of 20,000 that did not pass and ");
	assert_says(&f, "192.168.0.10:80: 20,000 of 200,000 probes failed: firewall dropped it");
	close_fixture(&f);
}

/* One probe each of thousands of ports: the target that is really checked stays. */
static void html_port_scan_hides_nothing(void **state)
{
	struct fixture f = { 0 };
	uint64_t number = 0;

	open_page(&f);
	for (unsigned port = 1; port < 20000; port++) {
		probe_number(&f, 9, "192.168.0.20", (uint16_t)port);
		if (port % 20 == 0)
			probe_number(&f, number++, "192.168.0.10", 80);
	}
	end(&f, 20999, 0);
	assert_true(strlen(printed(&f)) < 3000000);
	assert_says(&f, ">192.168.0.10:80 (http) <");
	assert_says(&f, "Not shown, for want of room: ");
	assert_says(&f, "of rarer causes found no room here");
	close_fixture(&f);
}

static void html_without_an_end(void **state)
{
	struct fixture f = { 0 };

	open_page(&f);
	probe_number(&f, 0, "192.168.0.10", 80);
	render_html.close(f.ctx);
	assert_says(&f, "The recording stops without an end");
	assert_says(&f, "The only probe passed.");
	fclose(f.out);
	free(f.text);
}

static void html_damaged_recording(void **state)
{
	static const struct recording_gap gaps[] = {
		{ .file = "a<b", .from_ns = START, .to_ns = START + 60 * SEC, .records = 4711,
		  .why = "the disk was full" },
		{ .bytes = 1, .why = "damaged at byte 12" },
	};
	static const struct recording_state states[] = {
		{ .name = "routes", .time_ns = START, .text = "default via <x>\nline\n", .len = 21 },
		{ .name = "routes", .at_end = true, .text = "default via <x>\nline\n", .len = 21 },
		{ .name = "rules", .at_end = true, .text = "-P INPUT \xff", .len = 10 },
	};
	const char *const files[] = { "one.rec", "two&.rec" };
	const struct recording_info info = {
		.files = files, .n_files = 2, .start_ns = START, .end_ns = START + 90 * SEC,
		.gaps = gaps, .n_gaps = 2, .states = states, .n_states = 3,
	};
	struct fixture f = { 0 };

	open_page(&f);
	probe_number(&f, 0, "192.168.0.10", 80);
	f.renderer->recording(f.ctx, &info);
	end(&f, 1, 0);
	assert_says(&f, "The recording stops without an end");
	assert_says(&f, "The beginning of the run is missing");
	assert_says(&f, ": the disk was full; 4,711 records missing (a&lt;b)</li>");
	assert_says(&f, "damaged at byte 12; 1 byte unreadable</li>");
	assert_says(&f, "one.rec, two&amp;.rec");
	assert_says(&f, "routes, at the start");
	assert_says(&f, "<pre>default via &lt;x&gt;\nline\n</pre>");
	assert_says(&f, "<pre>-P INPUT ?</pre>");
	assert_says(&f, "1 more did not change.");
	assert_says(&f, "<strong>1 point of observation missing</strong></summary>");
	assert_says(&f, "<code>drop</code> not attached (not permitted); costs ");
	close_fixture(&f);
}

static void html_nothing_came(void **state)
{
	struct fixture f = { 0 };

	open_page(&f);
	end_empty(&f, (struct totals){ .start_ns = START, .end_ns = START + 60 * SEC }, &devices);
	assert_says(&f, "any target: no probe arrived");
	assert_says(&f, "<p class=\"why\">No probe from ");
	close_fixture(&f);
}

static void html_text_is_escaped(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	html_text(out, "<a href=\"x\">'&\n\x01\xff\xe2\x80\xa8</a>");
	putc('|', out);
	html_json(out, "{\"a\":\"</script>&'\xe2\x80\xa8\xe2\x80\xa9\xe2\x82\xac\"}");
	putc('|', out);
	html_count(out, 1234567, "probe", "probes");
	fclose(out);
	assert_string_equal(text,
		"&lt;a href=&quot;x&quot;&gt;&#39;&amp;\n?????&lt;/a&gt;|"
		"{\"a\":\"\\u003c/script\\u003e\\u0026\\u0027\\u2028\\u2029\xe2\x82\xac\"}|"
		"1,234,567 probes");
	free(text);
}

/* A text that is longer than a piece is cut between characters. */
static void html_long_text_keeps_characters(void **state)
{
	char in[4000], *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i + 3 <= sizeof(in); i += 3)
		memcpy(in + i, "\xe2\x82\xac", 3);
	html_long_text(out, in, sizeof(in) / 3 * 3);
	fclose(out);
	assert_int_equal(len, sizeof(in) / 3 * 3);
	assert_memory_equal(text, in, len);
	free(text);
}

static void html_axis_doubles(void **state)
{
	struct html_axis a = { .start_ns = START, .width_ns = MS };

	a.lost[0] = 1;
	a.lost[1] = 2;
	a.lost[239] = 4;
	assert_int_equal(html_axis_reach(&a, START + 239 * MS), 0);
	assert_int_equal(html_axis_reach(&a, START + 240 * MS), 1);
	assert_int_equal(a.lost[0], 3);
	assert_int_equal(a.lost[119], 4);
	assert_int_equal(a.lost[239], 0);
	assert_int_equal(html_axis_index(&a, START - 1), 0);
	assert_int_equal(html_axis_index(&a, START + 240 * MS), 120);
	/* a time that a hostile recording claims */
	html_axis_reach(&a, UINT64_MAX);
	assert_true(html_axis_index(&a, UINT64_MAX) < HTML_BUCKETS);
}

static void html_percentiles(void **state)
{
	static struct html_bucket b[HTML_BUCKETS];

	for (uint64_t us = 1; us <= 100; us++)
		html_bucket_answer(&b[us % 2], us * 10);
	html_bucket_answer(&b[1], UINT64_MAX);
	b[1].failed = 3;
	b[1].verdict = VERDICT_NO_LISTENER;
	html_buckets_merge(b);
	assert_in_range(html_bucket_percentile(&b[0], 50), 440, 560);
	assert_in_range(html_bucket_percentile(&b[0], 95), 830, 1064);
	assert_int_equal(b[0].max_us, UINT32_MAX);
	assert_int_equal(b[0].verdict, VERDICT_NO_LISTENER);
	assert_int_equal(b[0].failed, 3);
	assert_int_equal(html_bucket_percentile(&b[1], 50), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html_long_run_is_bounded),
		cmocka_unit_test(html_port_scan_hides_nothing),
		cmocka_unit_test(html_without_an_end),
		cmocka_unit_test(html_damaged_recording),
		cmocka_unit_test(html_nothing_came),
		cmocka_unit_test(html_text_is_escaped),
		cmocka_unit_test(html_long_text_keeps_characters),
		cmocka_unit_test(html_axis_doubles),
		cmocka_unit_test(html_percentiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
