// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What became of each observation point. */
#include "point_list.h"

#include <stdarg.h>
#include <stdio.h>

#include "stream/names.h"
#include "stream/points.h"

const char *point_detail(const char *format, ...)
{
	char text[192];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return names_intern(text);
}

void point_list_say(struct point_list *list, enum hct_point point, bool attached,
		    const char *detail)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->points[i].point != point)
			continue;
		if (attached || !list->points[i].attached) {
			if (attached != list->points[i].attached)
				list->changed |= UINT32_C(1) << point;
			list->points[i].attached = attached;
			list->points[i].detail = detail;
		}
		return;
	}
	list->points[list->n++] = (struct point_status){ point, attached, detail };
	list->changed |= UINT32_C(1) << point;
}

void point_list_refused(struct point_list *list, enum hct_point point, const char *detail)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->points[i].point != point || !list->points[i].attached)
			continue;
		list->points[i].detail = point_detail("%s elsewhere; %s", point_name(point), detail);
		list->changed |= UINT32_C(1) << point;
		return;
	}
	point_list_say(list, point, false, detail);
}

void point_list_gone(struct point_list *list, enum hct_point point, const char *detail)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->points[i].point != point || !list->points[i].attached)
			continue;
		list->points[i].attached = false;
		list->points[i].detail = detail;
		list->changed |= UINT32_C(1) << point;
	}
}

size_t point_list_changes(struct point_list *list, struct point_status out[HCT_POINT_COUNT])
{
	size_t n = 0;

	for (size_t i = 0; list->changed && i < list->n; i++)
		if (list->changed & UINT32_C(1) << list->points[i].point)
			out[n++] = list->points[i];
	list->changed = 0;
	return n;
}
