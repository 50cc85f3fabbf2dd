// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* record_rate RECORDING: how fast a recording is read, without what is made of it. */
#include <stdio.h>
#include <time.h>

#include "record/record_read.h"
#include "stream/names.h"

struct counts {
	unsigned long obs, others;
};

static void on_start(void *ctx, const struct stream_start *start)
{
}

static void on_obs(void *ctx, const struct obs *o)
{
	struct counts *c = ctx;

	c->obs++;
}

static void on_lost(void *ctx, enum hct_point point, uint64_t count, uint64_t time_ns)
{
	struct counts *c = ctx;

	c->others++;
}

static void on_time(void *ctx, uint64_t now_ns)
{
	struct counts *c = ctx;

	c->others++;
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static const struct stream_sink sink = { on_start, on_obs, on_lost, on_time, on_time };
	struct record_reader *reader = NULL;
	struct counts counts = { 0 };
	int status = 2;
	double before;

	if (argc < 2) {
		fprintf(stderr, "Usage: record_rate RECORDING...\n");
		return 2;
	}
	before = cpu_seconds();
	status = record_reader_open(&reader, (const char *const *)argv + 1, (size_t)argc - 1);
	if (!status)
		status = record_reader_run(reader, &sink, &counts, NULL);
	if (!status)
		printf("%lu events, %.2f million a second of CPU time\n", counts.obs,
		       (double)counts.obs / 1e6 / (cpu_seconds() - before));
	record_reader_close(reader);
	names_free();
	return status;
}
