// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Objects as the json renderer prints them, so that the page says what JSON says. */
#include "html.h"

#include <stdlib.h>
#include <string.h>

#include "render.h"

struct html_json {
	FILE *out;
	char *text;
	size_t len;
	void *ctx;
};

struct html_json *html_json_open(const struct settings *settings)
{
	struct html_json *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->out = open_memstream(&j->text, &j->len);
	j->ctx = j->out ? render_json.open(j->out, settings) : NULL;
	if (!j->ctx) {
		html_json_close(j);
		return NULL;
	}
	return j;
}

void html_json_close(struct html_json *j)
{
	if (!j)
		return;
	if (j->ctx)
		render_json.close(j->ctx);
	if (j->out)
		fclose(j->out);
	free(j->text);
	free(j);
}

void *html_json_ctx(struct html_json *j)
{
	return j->ctx;
}

const char *html_json_taken(struct html_json *j)
{
	size_t len;

	if (fflush(j->out))
		return "null";
	len = j->len;
	rewind(j->out);
	if (!len || j->text[len - 1] != '\n')
		return "null";
	j->text[len - 1] = '\0';
	return j->text;
}
