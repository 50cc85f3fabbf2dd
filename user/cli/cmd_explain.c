// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `hctrace explain [VERDICT]`: the catalogue, or one load balancer's habits, on stdout. */
#include "cmd_explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/inbound.h"
#include "diagnose/verdict.h"
#include "presets.h"
#include "render/format.h"
#include "render/text.h"
#include "values.h"

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
	      "'hctrace explain VERDICT' says what one means, what proves it and what helps;\n"
	      "'hctrace explain PRESET' from where and by what a load balancer checks.\n",
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

static void put(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

static void explain_preset(struct text *t, const struct preset *p)
{
	struct settings s = { .preset = p };
	const struct preset_words *w = &p->words;
	char line[600] = "", manner[PRESET_MANNER_LEN], range[16], rule[INBOUND_LEN];

	text_print(t, STYLE_STRONG, "%s", p->name);
	fprintf(t->out, ": how it checks\n\n");
	for (size_t i = 0; p->from[i]; i++) {
		put(s.from_text, sizeof(s.from_text), "%s%s", i ? ", " : "", p->from[i]);
		prefix_parse(&s.from[s.n_from++], p->from[i]);
	}
	put(line, sizeof(line), "%s", s.from_text);
	if (p->in_subnet || !p->from[0])
		put(line, sizeof(line), "%s behind the name: %s:%s", line[0] ? ", or the network" :
		    p->in_subnet ? "the network" : "the address", p->name,
		    p->in_subnet ? "SUBNET" : "ADDR");
	text_paragraph(t, 2, "From      ", STYLE_STRONG, line, true);
	snprintf(line, sizeof(line), "every %u s, for at most %u s; %u in a row change the state",
		 p->interval_s, p->timeout_s, p->retries);
	text_paragraph(t, 2, "Checks    ", STYLE_STRONG, line, true);
	line[0] = '\0';
	for (size_t i = 0; i < MAX_EXPECT && p->expect[i].first; i++)
		put(line, sizeof(line), "%s%s", i ? ", " : "", format_code_range(range, &p->expect[i]));
	text_paragraph(t, 2, "Codes     ", STYLE_STRONG, line, true);
	preset_manner(manner, p);
	text_paragraph(t, 2, "Judges    ", STYLE_STRONG, manner, true);
	if (w->note)
		text_paragraph(t, 2, "Note      ", STYLE_STRONG, w->note, true);
	if (w->where)
		text_paragraph(t, 2, "Settings  ", STYLE_STRONG, w->where, true);
	if (!p->from[0])
		put(s.from_text, sizeof(s.from_text), p->in_subnet ? "SUBNET" : "ADDR");
	snprintf(line, sizeof(line), "%s%s%s: %s", w->group ? w->group : "what filters on the way",
		 w->acl ? " and " : "", w->acl ? w->acl : "", inbound_rule(rule, &s));
	text_paragraph(t, 2, "Let in    ", STYLE_STRONG, line, true);
}

int cmd_explain(const struct settings *settings)
{
	const char *name = settings->args[0], *nearest, *subnets;
	const struct preset *preset;
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
	preset = preset_find(name, &subnets);
	if (id < 0 && preset && subnets) {
		fprintf(stderr, "hctrace: explain takes the name alone: 'hctrace explain %s'\n",
			preset->name);
		return EXIT_USAGE;
	}
	if (id < 0 && preset) {
		explain_preset(&t, preset);
		return EXIT_ALL_HEALTHY;
	}
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
