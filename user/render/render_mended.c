// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What ended a failure. */
#include "render_mended.h"

#include <inttypes.h>
#include <string.h>

#include "base/finish_output.h"
#include "format.h"
#include "json_write.h"
#include "text.h"

#define LOOKED_AT "addresses, routes, neighbours, listeners, queueing disciplines, firewall rules, " \
		  "sysctls, hosts.allow and hosts.deny"

static void put_json(FILE *out, const struct run_identity *self, const struct mended *m)
{
	struct json_writer w;
	char time[ISO_TEXT_LEN];

	json_init(&w, out);
	json_open_object(&w, NULL);
	json_head(&w, "recovered", self ? self->host : NULL, self ? self->run : NULL);
	json_string(&w, "alias", "mended"); /* its type in 0.1 */
	json_string(&w, "time", format_iso(time, m->healthy_wall_ns));
	json_uint(&w, "failed", m->failed);
	json_string(&w, "failed_last", m->failed ? format_iso(time, m->failed_wall_ns) : NULL);
	if (!m->changes) {
		json_null(&w, "changes");
	} else {
		json_open_array(&w, "changes");
		for (size_t i = 0; i < m->changes->n; i++) {
			const struct change *c = &m->changes->c[i];

			json_open_object(&w, NULL);
			json_string(&w, "state", c->state);
			json_string(&w, c->added ? "added" : "removed", c->line);
			json_close_object(&w);
		}
		json_close_array(&w);
		json_uint(&w, "more", m->changes->more);
	}
	json_close_object(&w);
	json_end_line(&w);
}

static void put_change(const struct text *t, const struct change *c)
{
	char line[256];

	text_print((struct text *)t, c->added ? STYLE_GOOD : STYLE_BAD, "    %c %s\n",
		   c->added ? '+' : '-', format_safe(line, sizeof(line), c->line));
}

static void put_text(FILE *out, const struct settings *settings, const struct mended *m)
{
	char failed[CLOCK_TEXT_LEN], healthy[CLOCK_TEXT_LEN];
	const char *state = "";
	struct text t;

	text_init(&t, out, settings->color);
	if (!m->failed) {
		fputs("\nHealthy from the start: nothing had to change.\n", out);
		return;
	}
	text_print(&t, STYLE_STRONG, "\nHealthy after %" PRIu64 " failed probe%s.", m->failed,
		   m->failed == 1 ? "" : "s");
	fprintf(out, "  Between the last that failed (%s) and the one that passed (%s)",
		format_clock(failed, m->failed_wall_ns), format_clock(healthy, m->healthy_wall_ns));
	if (!m->changes) {
		fputs(" the host's state could not be read.\n", out);
		return;
	}
	if (!m->changes->n) {
		fputs("\nnothing changed that hctrace looks at: " LOOKED_AT ".\n"
		      "So it was the service itself, or something else.\n", out);
		return;
	}
	fputs(" this changed:\n", out);
	for (size_t i = 0; i < m->changes->n; i++) {
		if (strcmp(state, m->changes->c[i].state) != 0)
			fprintf(out, "  %s\n", m->changes->c[i].state);
		state = m->changes->c[i].state;
		put_change(&t, &m->changes->c[i]);
	}
	if (m->changes->more)
		fprintf(out, "    and %zu more lines\n", m->changes->more);
}

void render_mended(FILE *out, const struct settings *settings, const struct mended *m)
{
	if (settings->json)
		put_json(out, settings->self, m);
	else
		put_text(out, settings, m);
	flush_output(out);
}
