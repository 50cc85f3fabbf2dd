// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The root causes, a card each, the most important first. */
#include "html.h"

#include <inttypes.h>

#include "format.h"

#define SHOWN_AT_ONCE 6

static void put_part(FILE *out, const char **comma, const char *label, const char *text)
{
	if (!text[0])
		return;
	fprintf(out, "%s%s", *comma, label);
	html_text(out, text);
	*comma = ", ";
}

/* The rule or policy, as far as it is known which. */
static void put_rule(FILE *out, const char **comma, const struct where *w)
{
	char number[48] = "";

	if (w->policy)
		put_part(out, comma, "", "the chain's policy");
	if (w->rule)
		snprintf(number, sizeof(number), "%" PRIu32, w->rule);
	put_part(out, comma, "rule ", number);
	number[0] = '\0';
	if (w->handle)
		snprintf(number, sizeof(number), "%" PRIu64, w->handle);
	put_part(out, comma, "handle ", number);
	if (w->text[0]) {
		fprintf(out, "%s<code>", *comma);
		html_text(out, w->text);
		fputs("</code>", out);
		*comma = ", ";
	}
	if (w->named && w->confidence != CONFIDENCE_CERTAIN)
		put_part(out, comma, "that it was this one is ", confidence_name(w->confidence));
}

static void put_where(FILE *out, const struct where *w)
{
	const char *comma = "";

	if (!w->layer[0] && !w->device[0])
		return;
	fputs("<div><dt>Where</dt><dd>", out);
	put_part(out, &comma, "", w->layer);
	put_part(out, &comma, "", w->backend);
	put_part(out, &comma, "hook ", w->hook);
	if (w->table[0] && w->family[0])
		html_printf(out, "%stable %s %s", comma, w->family, w->table);
	else
		put_part(out, &comma, "table ", w->table);
	put_part(out, &comma, "chain ", w->chain);
	put_rule(out, &comma, w);
	put_part(out, &comma, "device ", w->device);
	put_part(out, &comma, "kernel's reason ", w->reason);
	put_part(out, &comma, "in ", w->function);
	fputs("</dd></div>\n", out);
}

static const char *class_of(const struct html_cause *c)
{
	if (c->d.outcome == OUTCOME_PASS)
		return "note";
	return c->d.outcome == OUTCOME_FAIL ? "fail" : "unknown";
}

static void put_heading(FILE *out, const struct html_cause *c)
{
	static const char *const marks[] = {
		[OUTCOME_PASS] = "!", [OUTCOME_FAIL] = "&#10005;", [OUTCOME_UNKNOWN] = "?",
	};
	const char *class = class_of(c);

	fprintf(out, "<h3><span class=\"mark %s\" aria-hidden=\"true\">%s</span> ", class,
		marks[c->d.outcome]);
	html_service(out, &c->service);
	if (c->protocol[0])
		html_printf(out, " (%s)", c->protocol);
	fputs(": ", out);
	if (c->d.outcome == OUTCOME_PASS)
		fputs("healthy, but &hellip;", out);
	else
		html_text(out, verdict_info(c->d.verdict)->summary);
	fputs("</h3>\n", out);
}

static void put_badges(FILE *out, const struct html_cause *c)
{
	const struct verdict *info = verdict_info(c->d.verdict);

	fputs("<p class=\"badges\">", out);
	fprintf(out, "<span class=\"badge %s\">%s</span>", class_of(c),
		c->d.outcome == OUTCOME_PASS ? "note" : info->id);
	if (c->going_on)
		fputs("<span class=\"badge\">going on</span>", out);
	else if (c->d.outcome != OUTCOME_PASS)
		fputs("<span class=\"badge\">over</span>", out);
	if (c->d.outcome != OUTCOME_PASS) {
		fputs("<span>", out);
		if (c->d.code)
			html_printf(out, "%s · ", c->d.code);
		if (info->step[0])
			html_printf(out, "step %s · ", info->step);
		fprintf(out, "%s</span>", confidence_name(c->d.confidence));
	}
	fputs("</p>\n", out);
}

static void put_extent(struct html_state *s, FILE *out, const struct html_cause *c)
{
	fputs("<div><dt>When</dt><dd>", out);
	if (c->d.verdict == VERDICT_NO_PROBE) {
		fputs("after ", out);
		html_time(s, out, c->last_ns);
		if (c->count > 1)
			html_printf(out, ", %" PRIu64 " times in all", c->count);
	} else {
		html_count(out, c->count, "probe", "probes");
		fprintf(out, " from %s%zu node%s, ", c->more_nodes ? "more than " : "", c->n_nodes,
			c->n_nodes == 1 ? "" : "s");
		html_time(s, out, c->first_ns);
		if (c->count > 1) {
			fputs(" to ", out);
			html_time(s, out, c->last_ns);
		}
	}
	fputs("</dd></div>\n", out);
}

static void put_command(FILE *out, const char *label, const struct command *command)
{
	if (!command_is_set(command))
		return;
	fprintf(out, "<div class=\"fix command\"><span class=\"label\">%s</span><pre><code>", label);
	html_text(out, command->text);
	fputs("</code></pre></div>\n", out);
}

/* Only commands get a button to copy them, which page.js adds to .command. */
static void put_fix(FILE *out, const struct fix *fix)
{
	put_command(out, "Run", &fix->command);
	if (fix->advice[0]) {
		fprintf(out, "<div class=\"fix\"><span class=\"label\">%s</span><p>",
			command_is_set(&fix->command) ? "Also" : "Fix");
		html_text(out, fix->advice);
		fputs("</p></div>\n", out);
	}
	put_command(out, "Shown by", &fix->show);
	put_command(out, "Undo", &fix->undo);
}

static void put_card(struct html_state *s, FILE *out, const struct html_cause *c)
{
	const char *why = c->d.outcome == OUTCOME_PASS ? c->d.note : c->d.why;

	fprintf(out, "<article class=\"cause %s\" data-verdict=\"%s\" data-target=\"", class_of(c),
		verdict_info(c->d.verdict)->id);
	html_service(out, &c->service);
	fputs("\">\n", out);
	put_heading(out, c);
	put_badges(out, c);
	fputs("<p class=\"why\">", out);
	html_text(out, why);
	fputs("</p>\n", out);
	if (c->d.outcome != OUTCOME_PASS)
		put_fix(out, &c->d.fix);
	fputs("<dl class=\"facts\">\n", out);
	put_extent(s, out, c);
	put_where(out, &c->d.where);
	fputs("</dl>\n</article>\n", out);
}

void html_cards(struct html_state *s, FILE *out)
{
	if (!s->causes.n)
		fputs("<p>Nothing failed.</p>\n", out);
	for (size_t i = 0; i < s->causes.n; i++) {
		if (i == SHOWN_AT_ONCE)
			fprintf(out, "<details class=\"more\"><summary>%zu more</summary>\n",
				s->causes.n - i);
		put_card(s, out, &s->causes.c[i]);
	}
	if (s->causes.n > SHOWN_AT_ONCE)
		fputs("</details>\n", out);
	if (s->causes.left_out) {
		fputs("<p class=\"quiet\">", out);
		html_count(out, s->causes.left_out, "probe", "probes");
		fputs(" of rarer causes found no room here.</p>\n", out);
	}
}
