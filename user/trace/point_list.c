// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What became of each observation point. */
#include "point_list.h"

#include <stdarg.h>
#include <stdio.h>

#include "stream/names.h"

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
			list->points[i].attached = attached;
			list->points[i].detail = detail;
		}
		return;
	}
	list->points[list->n++] = (struct point_status){ point, attached, detail };
}
