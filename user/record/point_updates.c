// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What became of points while a run went on. */
#include "point_updates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "stream/case_points.h"
#include "stream/case_text.h"

static int keep(struct point_updates *u, int64_t time_ns, const struct point_status *status)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -errno;
	fputs("points t=", out);
	text_put_time(out, time_ns);
	case_put_points(out, status, 1);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	free(u->line[status->point]);
	u->line[status->point] = text;
	return 0;
}

int point_updates_take(struct point_updates *u, const char *line, size_t len)
{
	struct point_status points[HCT_POINT_COUNT];
	char *copy = strndup(line, len), *words = copy;
	const char *bad;
	int64_t time_ns;
	size_t n = 0;
	int err;

	if (!copy)
		return -ENOMEM;
	text_word(&words); /* "points" */
	err = case_get_points(words, &time_ns, points, &n, &bad);
	for (size_t i = 0; !err && i < n; i++)
		err = keep(u, time_ns, &points[i]);
	free(copy);
	return err;
}

void point_updates_put(const struct point_updates *u, struct bytes *out)
{
	for (int i = 0; i < HCT_POINT_COUNT; i++) {
		if (!u->line[i])
			continue;
		put_byte(out, RECORD_HEAD);
		put_varint(out, strlen(u->line[i]));
		put_data(out, u->line[i], strlen(u->line[i]));
	}
}

void point_updates_free(struct point_updates *u)
{
	for (int i = 0; i < HCT_POINT_COUNT; i++)
		free(u->line[i]);
}
