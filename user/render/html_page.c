// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Writes the page: page.html, with its {{names}} filled in. */
#include "html.h"

#include <string.h>

#include "base/finish_output.h"
#include "page.h" /* made from user/render/page/ by the Makefile */

static void style(struct html_state *s, FILE *out)
{
	fputs(page_css, out);
}

static void script(struct html_state *s, FILE *out)
{
	fputs(page_js, out);
}

static void style_hash(struct html_state *s, FILE *out)
{
	fputs(page_css_hash, out);
}

static void script_hash(struct html_state *s, FILE *out)
{
	fputs(page_js_hash, out);
}

static const struct slot {
	const char *name;
	void (*write)(struct html_state *s, FILE *out);
} slots[] = {
	{ "style", style },
	{ "style-hash", style_hash },
	{ "script", script },
	{ "script-hash", script_hash },
	{ "title", html_title },
	{ "headline", html_headline },
	{ "totals", html_totals },
	{ "run", html_run },
	{ "banners", html_banners },
	{ "causes", html_cards },
	{ "targets", html_targets },
	{ "failures", html_failures },
	{ "left-out", html_left_out },
	{ "data", html_data },
};

static void fill(struct html_state *s, const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (strlen(slots[i].name) == len && strncmp(slots[i].name, name, len) == 0)
			slots[i].write(s, s->out);
}

void html_page(struct html_state *s)
{
	const char *at = page_html, *open, *close;

	html_order(s);
	while ((open = strstr(at, "{{")) && (close = strstr(open, "}}"))) {
		fwrite(at, 1, (size_t)(open - at), s->out);
		fill(s, open + 2, (size_t)(close - open - 2));
		at = close + 2;
	}
	fputs(at, s->out);
	flush_output(s->out);
}
