// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `hctrace check` for people. */
#include <stdlib.h>
#include <string.h>

#include "base/finish_output.h"
#include "check_output.h"
#include "cli/presets.h"
#include "render/format.h"
#include "render/text.h"
#include "render/text_fix.h"

#define LABEL_COLUMN 2
#define TEXT_COLUMN 10

struct check_text {
	struct text t;
	const char *step; /* whose title stands above */
};

static const struct {
	const char *word;
	enum style style;
} results[CHECK_RESULTS] = {
	[CHECK_NOTE] = { "note    ", STYLE_DIM },
	[CHECK_OK] = { "ok      ", STYLE_GOOD },
	[CHECK_UNREAD] = { "unread  ", STYLE_WARN },
	[CHECK_WARN] = { "warn    ", STYLE_WARN },
	[CHECK_FAIL] = { "FAIL    ", STYLE_BAD },
};

struct check_text *check_text_open(FILE *out, const struct settings *settings)
{
	struct check_text *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	text_init(&text->t, out, settings->color);
	text_print(&text->t, STYLE_STRONG, "Checks from %s", settings->from_text);
	for (size_t i = 0; i < settings->n_ports; i++)
		text_print(&text->t, STYLE_STRONG, "%s%u", i ? ", " : ", port ",
			   settings->ports[i]);
	fputc('\n', out);
	return text;
}

/* A step that has two rows in the table has one title. */
static const char *title_of(const char *step)
{
	for (size_t i = 0; i < n_check_steps; i++)
		if (!strcmp(check_steps[i].step, step))
			return check_steps[i].title;
	return "";
}

static void title(struct check_text *text, const char *step)
{
	if (text->step && !strcmp(text->step, step))
		return;
	text->step = step;
	fputc('\n', text->t.out);
	if (strcmp(step, "-"))
		text_print(&text->t, STYLE_STRONG, "Step %s: %s", step, title_of(step));
	else
		text_print(&text->t, STYLE_STRONG, "%s", title_of(step));
	fputc('\n', text->t.out);
}

void check_text_report(void *ctx, const struct finding *f)
{
	struct check_text *text = ctx;
	struct text *t = &text->t;

	title(text, f->step);
	text_paragraph(t, LABEL_COLUMN, results[f->result].word, results[f->result].style, f->what,
		       true);
	if (f->why[0])
		text_paragraph(t, TEXT_COLUMN, "", STYLE_PLAIN, f->why, true);
	text_fix(t, TEXT_COLUMN, &f->fix);
	flush_output(t->out);
}

void check_verdict(const struct check *done, char *out, size_t size)
{
	const unsigned *n = done->count;

	out[0] = '\0';
	if (n[CHECK_FAIL])
		check_add(out, size, "%u thing%s here make%s checks fail", n[CHECK_FAIL],
			  n[CHECK_FAIL] == 1 ? "" : "s", n[CHECK_FAIL] == 1 ? "s" : "");
	else
		check_add(out, size, "Nothing was found here that makes checks fail");
	if (n[CHECK_UNREAD])
		check_add(out, size, ", but %u thing%s could not be looked at", n[CHECK_UNREAD],
			  n[CHECK_UNREAD] == 1 ? "" : "s");
	if (n[CHECK_WARN])
		check_add(out, size, "; %u more may make checks fail", n[CHECK_WARN]);
	check_add(out, size, n[CHECK_FAIL] ? "." : "; watch them with 'hctrace live'.");
}

/* The given networks as options; the preset's own need none. */
static void add_sources(const struct settings *s, struct command *out)
{
	bool own = s->preset->from[0];
	char text[PREFIX_TEXT_LEN];

	if (s->preset != &presets[0])
		command_add(out, " --lb %s", s->preset->name);
	for (size_t i = 0; own && i < s->n_from; i++) {
		struct prefix known;

		own = s->preset->from[i] && !prefix_parse(&known, s->preset->from[i]) &&
		      memcmp(&known, &s->from[i], sizeof(known)) == 0;
	}
	for (size_t i = 0; !own && i < s->n_from; i++)
		command_add(out, " --from %s", format_prefix(text, &s->from[i]));
}

void check_probe_command(const struct settings *s, struct command *out)
{
	command_clear(out);
	command_add(out, "hctrace probe");
	add_sources(s, out);
	for (size_t i = 0; i < s->n_ports; i++)
		command_add(out, i ? ",%u" : " --port %u", s->ports[i]);
	if (s->check && strcmp(s->check, "several") != 0)
		command_add(out, " --protocol %s", s->check);
	if (s->n_interfaces == 1)
		command_add(out, " --interface %s", s->interfaces[0]);
	if (s->netns)
		command_add(out, " --netns %s", s->netns);
}

void check_text_close(struct check_text *text, const struct check *done)
{
	enum style style = done->count[CHECK_FAIL]	? STYLE_BAD :
			   done->count[CHECK_UNREAD] ? STYLE_WARN :
						       STYLE_GOOD;
	struct command command = { 0 };
	char verdict[160];

	if (!text)
		return;
	check_verdict(done, verdict, sizeof(verdict));
	check_probe_command(done->facts->settings, &command);
	fputc('\n', text->t.out);
	text_print(&text->t, style, "%s", verdict);
	fputc('\n', text->t.out);
	if (command_is_set(&command))
		fprintf(text->t.out, "To try it at once: %s\n", command.text);
	free(text);
}
