// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Time in equal pieces, and what happened in one of them. */
#include "html.h"

#include <string.h>

/*
 * Answer times, log-linear: SUB_BINS to each power of two of µs, exact below
 * SUB_BINS µs; a percentile is off by at most half of a bin, 12 %.
 */
#define SUB_BITS 2
#define SUB_BINS (1u << SUB_BITS)
#define MAX_EXPONENT (HTML_BINS / SUB_BINS)

unsigned html_axis_reach(struct html_axis *a, uint64_t when_ns)
{
	unsigned times = 0;

	while (when_ns > a->start_ns && (when_ns - a->start_ns) / a->width_ns >= HTML_BUCKETS) {
		for (size_t i = 0; i < HTML_BUCKETS; i++)
			a->lost[i] = i < HTML_BUCKETS / 2 ? a->lost[2 * i] + a->lost[2 * i + 1] : 0;
		a->width_ns *= 2;
		times++;
	}
	return times;
}

size_t html_axis_index(const struct html_axis *a, uint64_t when_ns)
{
	uint64_t i;

	if (when_ns <= a->start_ns)
		return 0;
	i = (when_ns - a->start_ns) / a->width_ns;
	return i < HTML_BUCKETS ? (size_t)i : HTML_BUCKETS - 1;
}

static uint16_t add_bins(uint16_t a, uint16_t b)
{
	return a + b > UINT16_MAX ? UINT16_MAX : (uint16_t)(a + b);
}

static void merge(struct html_bucket *a, const struct html_bucket *b)
{
	a->passed += b->passed;
	a->failed += b->failed;
	a->unknown += b->unknown;
	a->states |= b->states;
	if (b->failed || b->unknown)
		a->verdict = b->verdict;
	if (b->max_us > a->max_us)
		a->max_us = b->max_us;
	for (size_t i = 0; i < HTML_BINS; i++)
		a->bins[i] = add_bins(a->bins[i], b->bins[i]);
}

void html_buckets_merge(struct html_bucket *b)
{
	for (size_t i = 0; i < HTML_BUCKETS / 2; i++) {
		merge(&b[2 * i], &b[2 * i + 1]);
		if (i)
			b[i] = b[2 * i];
	}
	memset(b + HTML_BUCKETS / 2, 0, HTML_BUCKETS / 2 * sizeof(*b));
}

void html_bucket_answer(struct html_bucket *b, uint64_t us)
{
	unsigned exponent, bin;

	if (us < SUB_BINS) {
		bin = (unsigned)us;
	} else {
		exponent = 63 - (unsigned)__builtin_clzll(us);
		bin = (exponent - 1) * SUB_BINS +
		      (unsigned)((us >> (exponent - SUB_BITS)) & (SUB_BINS - 1));
		if (exponent > MAX_EXPONENT)
			bin = HTML_BINS - 1;
	}
	b->bins[bin] = add_bins(b->bins[bin], 1);
	if (us > b->max_us)
		b->max_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* The middle of a bin. */
static uint64_t bin_value(unsigned bin)
{
	unsigned exponent = bin / SUB_BINS + 1, shift = exponent - SUB_BITS;

	if (bin < SUB_BINS)
		return bin;
	return ((uint64_t)(SUB_BINS + bin % SUB_BINS) << shift) +
	       (shift ? UINT64_C(1) << (shift - 1) : 0);
}

uint64_t html_bucket_percentile(const struct html_bucket *b, unsigned percent)
{
	uint64_t n = 0, rank, seen = 0;

	for (unsigned i = 0; i < HTML_BINS; i++)
		n += b->bins[i];
	rank = (n * percent + 99) / 100;
	for (unsigned i = 0; n && i < HTML_BINS; i++) {
		seen += b->bins[i];
		if (seen >= rank)
			return bin_value(i) < b->max_us ? bin_value(i) : b->max_us;
	}
	return 0;
}
