// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `hctrace explain [VERDICT]`: the catalogue, on stdout. */
#include "cmd_explain.h"

#include "render/text.h"
#include "values.h"
#include "diagnose/verdict.h"

#define DEFAULT_WIDTH 80
#define MAX_READABLE 100

static const char *verdict_name(size_t i)
{
	return i < VERDICT_COUNT ? verdict_info((enum verdict_id)i)->id : NULL;
}

static void list(struct text *t)
{
	text_print(t, STYLE_STRONG, "%-22s  %-21s  %-4s  %s\n", "VERDICT", "LOAD BALANCER SHOWS",
		   "STEP", "SUMMARY");
	for (int i = 0; i < VERDICT_COUNT; i++) {
		const struct verdict *v = verdict_info((enum verdict_id)i);

		fprintf(t->out, "%-22s  %-21s  %-4s  %s\n", v->id, v->code ? v->code : "-",
			*v->step ? v->step : "-", v->summary);
	}
	fputs("\nSTEP is that of the load balancer's procedure for unhealthy backend servers.\n"
	      "'hctrace explain VERDICT' says what one means, what proves it and what helps.\n",
	      t->out);
}

static void explain(struct text *t, const struct verdict *v)
{
	text_print(t, STYLE_STRONG, "%s", v->id);
	fprintf(t->out, ": %s\n\n", v->summary);
	text_paragraph(t, 2, "Meaning   ", STYLE_STRONG, v->meaning, true);
	text_paragraph(t, 2, "Evidence  ", STYLE_STRONG, v->evidence, true);
	text_paragraph(t, 2, "Fix       ", STYLE_STRONG, v->remedy, true);
	text_paragraph(t, 2, "Shown as  ", STYLE_STRONG,
		       v->code ? v->code : "nothing: the load balancer has no reason code for it",
		       true);
	if (*v->step)
		text_paragraph(t, 2, "Step      ", STYLE_STRONG, v->step, true);
}

int cmd_explain(const struct settings *settings)
{
	const char *name = settings->args[0], *nearest;
	struct text t;
	int id;

	text_init(&t, stdout, settings->color);
	if (t.width == 0)
		t.width = DEFAULT_WIDTH;
	if (t.width > MAX_READABLE)
		t.width = MAX_READABLE;
	if (!name) {
		list(&t);
		return EXIT_ALL_HEALTHY;
	}
	id = verdict_by_name(name);
	if (id < 0) {
		nearest = value_nearest(name, verdict_name);
		fprintf(stderr, "hctrace: unknown verdict '%s'", name);
		if (nearest)
			fprintf(stderr, "; did you mean %s?\n", nearest);
		else
			fputs("; 'hctrace explain' lists them all\n", stderr);
		return EXIT_USAGE;
	}
	explain(&t, verdict_info((enum verdict_id)id));
	return EXIT_ALL_HEALTHY;
}
