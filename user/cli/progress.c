// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A bar on a terminal's stderr for what takes longer than a second. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BEFORE_MS 1000
#define BETWEEN_MS 200
#define WIDTH 40

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void progress_start(struct progress *p, bool on)
{
	memset(p, 0, sizeof(*p));
	p->on = on && isatty(STDERR_FILENO);
	p->start_ms = now_ms();
}

void progress_show(struct progress *p, uint64_t done, uint64_t all)
{
	char bar[WIDTH + 1];
	uint64_t now;
	int filled;

	if (!p->on || !all)
		return;
	now = now_ms();
	if (now < p->start_ms + BEFORE_MS || now < p->last_ms + BETWEEN_MS)
		return;
	p->last_ms = now;
	p->shown = true;
	if (done > all)
		done = all;
	filled = (int)((double)done / (double)all * WIDTH);
	memset(bar, '.', WIDTH);
	memset(bar, '#', (size_t)filled);
	bar[WIDTH] = '\0';
	fprintf(stderr, "\rreading [%s] %3d%%", bar, (int)((double)done / (double)all * 100));
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r%*s\r", WIDTH + 20, "");
	p->shown = false;
}
