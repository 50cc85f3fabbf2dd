// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the load balancer saw, as lines, and the sums. */
#include "load_truth.h"

#include <inttypes.h>
#include <time.h>

static const char *const names[SEEN_KINDS] = {
	[SEEN_CONNECTED] = "connected",
	[SEEN_HTTP] = "http",
	[SEEN_ANSWERED] = "answered",
	[SEEN_SILENT] = "silent",
	[SEEN_REFUSED] = "refused",
	[SEEN_UNREACHABLE] = "unreachable",
	[SEEN_TIMEOUT] = "timeout",
	[SEEN_RESPONSE_TIMEOUT] = "response-timeout",
	[SEEN_CLOSED] = "closed",
	[SEEN_RESET] = "reset",
	[SEEN_NOT_HTTP] = "not-http",
	[SEEN_SENT] = "sent",
	[SEEN_NOT_SENT] = "not-sent",
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

uint64_t load_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void load_truth_start(struct load_truth *truth, FILE *out)
{
	*truth = (struct load_truth){ .out = out };
	truth->wall_offset_us = (int64_t)(clock_ns(CLOCK_REALTIME) / 1000) -
				(int64_t)(load_now_ns() / 1000);
}

void load_truth_tell(struct load_truth *truth, const struct load_target *target,
		     const struct load_source *from, enum load_result result, uint64_t start_ns,
		     uint64_t end_ns)
{
	uint32_t lb = from->addr, to = target->addr;

	truth->seen[result]++;
	if (truth->out)
		fprintf(truth->out, "%" PRId64 " %u.%u.%u.%u %u %u.%u.%u.%u %u %s %s %" PRIu64 "\n",
			(int64_t)(start_ns / 1000) + truth->wall_offset_us,
			lb >> 24, lb >> 16 & 255, lb >> 8 & 255, lb & 255, from->port,
			to >> 24, to >> 16 & 255, to >> 8 & 255, to & 255, target->port,
			load_kind_name(target->kind), names[result], (end_ns - start_ns) / 1000);
}

uint64_t load_truth_told(const struct load_truth *truth)
{
	uint64_t told = 0;

	for (int i = 0; i < SEEN_KINDS; i++)
		told += truth->seen[i];
	return told;
}

void load_truth_sum(const struct load_truth *truth, FILE *to, uint64_t elapsed_ns)
{
	uint64_t told = load_truth_told(truth), sent = told - truth->seen[SEEN_NOT_SENT];
	double seconds = (double)elapsed_ns / 1e9;
	double cpu_us = (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e3;
	const char *comma = "";

	fprintf(to, "{\"probes\":%" PRIu64 ",\"seconds\":%.3f,\"rate\":%.0f,\"cpu_us\":%.2f,"
		    "\"results\":{",
		sent, seconds, seconds > 0 ? (double)sent / seconds : 0,
		told ? cpu_us / (double)told : 0);
	for (int i = 0; i < SEEN_KINDS; i++) {
		if (!truth->seen[i])
			continue;
		fprintf(to, "%s\"%s\":%" PRIu64, comma, names[i], truth->seen[i]);
		comma = ",";
	}
	fprintf(to, "}}\n");
}
