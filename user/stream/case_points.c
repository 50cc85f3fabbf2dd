// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Points that were lost or came back, as a case file's line has them. */
#include "case_points.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "case_text.h"
#include "names.h"
#include "points.h"

void case_put_points(FILE *out, const struct point_status *points, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(out, " %s=%s", point_name(points[i].point),
			points[i].attached ? "attached" : "missing");
		if (!points[i].detail)
			continue;
		fputs(" detail=", out);
		text_put(out, points[i].detail, strlen(points[i].detail));
	}
}

static int get_point(const char *name, const char *state, struct point_status *out)
{
	int point = point_by_name(name);

	if (strcmp(state, "attached") != 0 && strcmp(state, "missing") != 0)
		return -EINVAL;
	out->point = point < 0 ? HCT_POINT_COUNT : (enum hct_point)point;
	out->attached = strcmp(state, "attached") == 0;
	out->detail = NULL;
	return 0;
}

static int get_detail(const char *value, struct point_status *out)
{
	char text[512];

	if (text_get_string(value, text, sizeof(text)))
		return -EINVAL;
	out->detail = names_intern(text);
	return 0;
}

int case_get_points(char *words, int64_t *time_ns, struct point_status points[HCT_POINT_COUNT],
		    size_t *n, const char **bad)
{
	bool has_time = false, open = false; /* open: points[*n] may get a detail yet */
	char *word;

	*n = 0;
	while ((word = text_word(&words))) {
		char *value = text_value(word);
		int err = -EINVAL;

		*bad = word;
		if (value && strcmp(word, "t") == 0) {
			err = text_get_time(value, time_ns);
			has_time = true;
		} else if (value && strcmp(word, "detail") == 0) {
			err = open ? get_detail(value, &points[*n]) : -EINVAL;
		} else if (value) {
			if (open && points[*n].point < HCT_POINT_COUNT)
				++*n;
			open = *n < HCT_POINT_COUNT;
			err = open ? get_point(word, value, &points[*n]) : -EINVAL;
		}
		if (err)
			return err;
	}
	if (open && points[*n].point < HCT_POINT_COUNT)
		++*n;
	*bad = "a time";
	return has_time ? 0 : -EINVAL;
}
