// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hosts.allow and hosts.deny, rule by rule, as libwrap reads them. */
#include "wrappers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "open_below.h"
#include "wrappers_match.h"

#define ALLOW_PATH "/etc/hosts.allow"
#define DENY_PATH "/etc/hosts.deny"
#define BLANKS " \t\r\n"
#define LINE_SIZE 2048 /* libwrap's buffer for a rule */

/* A file of rules being read. */
struct table {
	const char *path;
	bool grants; /* what a rule without options does */
	FILE *file;
	uint32_t line;
	char text[LINE_SIZE]; /* the rule as written */
};

struct judgement {
	struct matcher matcher;
	struct host_wrappers *out;
	bool answered;
	/* What the answer could be, with all that is not known. */
	bool may_grant;
	bool may_deny;
};

enum progress { GO_ON, DECIDED, BROKEN };

/*
 * Reads a rule into table->text, lines that end in a backslash joined, its
 * newline kept.  A line is cut at a NUL, and then joined with the next.
 * Returns false at the end of the file.
 */
static bool read_rule(struct table *t)
{
	char *p = t->text;
	size_t left = sizeof(t->text);
	bool ended = true; /* the line before, by a newline */

	while (left > 1 && fgets(p, left, t->file)) {
		size_t len = strlen(p);

		t->line += ended;
		ended = len && p[len - 1] == '\n';
		if (ended) {
			if (len == 1 || p[len - 2] != '\\')
				return true;
			len -= 2;
		}
		p += len;
		left -= len;
		*p = '\0';
	}
	return p > t->text;
}

static void answer(struct judgement *j, const struct table *t, bool granted)
{
	struct host_wrappers *out = j->out;

	if (granted)
		j->may_grant = true;
	else
		j->may_deny = true;
	if (j->answered)
		return;
	j->answered = true;
	out->granted = granted;
	if (!t)
		return;
	snprintf(out->file, sizeof(out->file), "%s", t->path);
	out->line = t->line;
	snprintf(out->text, sizeof(out->text), "%.*s", (int)sizeof(out->text) - 1, t->text);
	for (size_t len = strlen(out->text); len && strchr(BLANKS, out->text[len - 1]); len--)
		out->text[len - 1] = '\0';
}

static enum progress judge_rule(struct judgement *j, struct table *t)
{
	char rule[LINE_SIZE], *clients, *options;
	enum options_effect effect = OPTIONS_NONE;
	struct match match;

	if (t->text[0] == '#' || !t->text[strspn(t->text, BLANKS)])
		return GO_ON;
	memcpy(rule, t->text, strlen(t->text) + 1);
	clients = wrappers_split(rule, ':');
	if (!clients)
		return GO_ON;
	options = wrappers_split(clients, ':');
	match = match_daemons(&j->matcher, rule);
	if (match.yes || !match.sure)
		match = match_and(match, match_clients(&j->matcher, clients));
	if (!match.yes && match.sure)
		return GO_ON;
	if (options)
		effect = wrappers_options(options);

	if (match.yes)
		answer(j, t, effect == OPTIONS_ALLOW || (effect != OPTIONS_DENY && t->grants));
	else if (effect == OPTIONS_ALLOW || (effect != OPTIONS_DENY && t->grants))
		j->may_grant = true;
	else
		j->may_deny = true;
	if (effect != OPTIONS_COMMAND)
		return match.sure ? DECIDED : GO_ON;
	/* When the command fails, libwrap leaves this file: hosts.deny refuses nobody then. */
	if (!t->grants)
		j->may_grant = true;
	return GO_ON;
}

static enum progress judge_table(struct judgement *j, struct table *t)
{
	enum progress progress = GO_ON;

	while (progress == GO_ON && read_rule(t)) {
		/* Too long, or the last line, no newline: libwrap gives up on the file. */
		if (t->text[strlen(t->text) - 1] != '\n')
			return BROKEN;
		progress = judge_rule(j, t);
	}
	return progress;
}

int wrappers_judge(const struct wrappers_query *query, struct host_wrappers *out)
{
	struct judgement j = { .out = out };
	struct table tables[] = { { .path = ALLOW_PATH, .grants = true }, { .path = DENY_PATH } };
	enum progress progress = GO_ON;

	memset(out, 0, sizeof(*out));
	matcher_init(&j.matcher, query);
	for (size_t i = 0; i < 2 && progress != DECIDED; i++) {
		struct table *t = &tables[i];

		t->file = query->open(query->ctx, t->path);
		if (!t->file && errno != ENOENT)
			return -errno;
		progress = GO_ON;
		if (t->file) {
			progress = judge_table(&j, t);
			fclose(t->file);
		}
		/* A broken hosts.allow grants nothing; a broken hosts.deny refuses. */
		if (progress == BROKEN && !t->grants) {
			answer(&j, t, false);
			progress = DECIDED;
		}
	}
	if (progress != DECIDED)
		answer(&j, NULL, true);
	out->uncertain = j.may_grant && j.may_deny;
	return 0;
}

static FILE *open_in_root(void *ctx, const char *path)
{
	return open_below(*(int *)ctx, path);
}

int wrappers_read(uint32_t pid, const char *daemon, const uint8_t client[16],
		  struct host_wrappers *out)
{
	char text[INET6_ADDRSTRLEN];
	struct wrappers_query query = { .daemon = daemon, .client = text, .open = open_in_root };
	int root, err;

	memset(out, 0, sizeof(*out));
	root = open_root(pid);
	if (root < 0)
		return root;
	query.ctx = &root;
	inet_ntop(AF_INET6, client, text, sizeof(text));
	err = wrappers_judge(&query, out);
	close(root);
	return err;
}
