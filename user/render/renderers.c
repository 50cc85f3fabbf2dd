// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The formats of a report: a row each. */
#include "render.h"

#include <string.h>

const struct renderer *const renderers[] = {
	&render_text,
	&render_json,
	&render_pcapng,
	&render_html,
	NULL,
};

const struct renderer *renderer_find(const char *name)
{
	for (size_t i = 0; renderers[i]; i++)
		if (strcmp(renderers[i]->name, name) == 0)
			return renderers[i];
	return NULL;
}
