// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names in text, and text as its tools write it. */
#include <stdlib.h>
#include <string.h>

#include "redact_http.h"
#include "redact_scan.h"
#include "redact_words.h"

/* ---- what names look like ---- */

bool scan_url(struct scan *s)
{
	size_t scheme = strncasecmp(s->at, "https://", 8) == 0 ? 8 :
			strncasecmp(s->at, "http://", 7) == 0 ? 7 : 0;
	size_t host, path;
	struct scan inner;
	char name[64];

	if (!scheme)
		return false;
	fwrite(s->at, 1, scheme, s->out);
	host = strcspn(s->at + scheme, "/?#\"' \t\n,;)");
	inner = (struct scan){ s->r, s->out, s->at + scheme, s->at + scheme };
	if (host && !scan_address(&inner)) {
		size_t port = strcspn(s->at + scheme, ":/?#\"' \t\n,;)");

		fputs(pseudo_name(redact_names(s->r), NAME_HOST, s->at + scheme, port < host ? port : host),
		      s->out);
	}
	s->at += scheme + host;
	path = strcspn(s->at, "\"' \t\n,;)");
	if (path) {
		redact_http_path(s->r, s->at, path, name, sizeof(name));
		fputs(name, s->out);
	}
	s->at += path;
	return true;
}

static size_t mail_part(const char *text)
{
	size_t n = 0;

	while (is_word_char(text[n]) || (text[n] && strchr(".+-", text[n])))
		n++;
	return n;
}

bool scan_mail(struct scan *s)
{
	size_t user = mail_part(s->at), host;

	if (!user || s->at[user] != '@')
		return false;
	host = mail_part(s->at + user + 1);
	if (!host)
		return false;
	fputs(pseudo_name(redact_names(s->r), NAME_MAIL, s->at, user + 1 + host), s->out);
	s->at += user + 1 + host;
	return true;
}

/* The longest known name that begins here and ends where a word does. */
bool scan_name(struct scan *s)
{
	size_t longest = pseudo_name_longest(redact_names(s->r)), len = 0;

	while (len < longest && s->at[len] && s->at[len] != '\n')
		len++;
	for (; len; len--) {
		const char *pseudo;

		if (is_word_char(s->at[len]) && is_word_char(s->at[len - 1]))
			continue;
		if (pseudo_name_kept(redact_names(s->r), s->at, len))
			return false;
		pseudo = pseudo_name_known(redact_names(s->r), s->at, len);
		if (!pseudo)
			continue;
		if (redact_is_syntax(s->at, len))
			return false;
		fputs(pseudo, s->out);
		s->at += len;
		return true;
	}
	return false;
}

void redact_plain_step(struct scan *s)
{
	if (at_word_start(s) && (scan_url(s) || scan_address(s) || scan_mail(s) || scan_name(s)))
		return;
	do
		putc(*s->at++, s->out);
	while (is_word_char(s->at[-1]) && is_word_char(*s->at));
}

/* ---- the kinds of text ---- */

static void addresses_text(struct scan *s)
{
	while (*s->at) {
		if (at_word_start(s) && scan_address(s))
			continue;
		do
			putc(*s->at++, s->out);
		while (is_word_char(s->at[-1]) && is_word_char(*s->at));
	}
}

static void plain_text(struct scan *s)
{
	while (*s->at)
		redact_plain_step(s);
}

/* users:(("nginx",pid=812,fd=6)) */
static void listeners_text(struct scan *s)
{
	while (*s->at) {
		const char *end = *s->at == '"' ? strchr(s->at + 1, '"') : NULL;

		if (!end) {
			redact_plain_step(s);
			continue;
		}
		fprintf(s->out, "\"%s\"",
			pseudo_name(redact_names(s->r), NAME_PROCESS, s->at + 1,
				    (size_t)(end - s->at - 1)));
		s->at = end + 1;
	}
}

/* "link-netns web", and lines of "alias", which people write */
static void links_text(struct scan *s)
{
	while (*s->at) {
		size_t word = strcspn(s->at, " \n"), next, len;
		enum name_class class = NAME_NETNS;

		if (at_word_start(s) && word == 5 && strncmp(s->at, "alias", 5) == 0)
			class = NAME_TEXT;
		else if (!at_word_start(s) || word != 10 || strncmp(s->at, "link-netns", 10) != 0) {
			redact_plain_step(s);
			continue;
		}
		next = word + strspn(s->at + word, " ");
		len = class == NAME_TEXT ? strcspn(s->at + next, "\n") : strcspn(s->at + next, " \n");
		fwrite(s->at, 1, next, s->out);
		if (len)
			fputs(pseudo_name(redact_names(s->r), class, s->at + next, len), s->out);
		s->at += next + len;
	}
}

char *redact_text(struct redact *r, enum redact_text_kind kind, const char *text)
{
	static void (*const by_kind[])(struct scan *s) = {
		[REDACT_ADDRESSES] = addresses_text, [REDACT_PLAIN] = plain_text,
		[REDACT_RULES] = redact_rules_text,  [REDACT_LISTENERS] = listeners_text,
		[REDACT_LINKS] = links_text,	     [REDACT_WRAPPERS] = redact_wrappers_text,
	};
	char *out = NULL;
	size_t len = 0;
	struct scan s = { r, open_memstream(&out, &len), text, text };

	if (!s.out)
		return NULL;
	by_kind[kind](&s);
	if (fclose(s.out)) {
		free(out);
		return NULL;
	}
	return out;
}

/* Which sections there are; of another nobody can tell what it holds. */
static const struct {
	const char *name; /* its start */
	enum redact_text_kind kind;
} sections[] = {
	{ "system", REDACT_PLAIN },
	{ "addresses", REDACT_LINKS },
	{ "links", REDACT_LINKS },
	{ "routes", REDACT_PLAIN },
	{ "routing rules", REDACT_PLAIN },
	{ "neighbours", REDACT_PLAIN },
	{ "listeners", REDACT_LISTENERS },
	{ "queueing disciplines", REDACT_PLAIN },
	{ "firewall rules", REDACT_RULES },
	{ "sysctls", REDACT_PLAIN },
	{ "hosts.allow", REDACT_WRAPPERS },
	{ "hosts.deny", REDACT_WRAPPERS },
};

char *redact_state(struct redact *r, const struct recording_state *state)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (strncmp(sections[i].name, state->name, strlen(sections[i].name)) == 0 &&
		    strlen(state->name) < strlen(sections[i].name) + 24)
			return redact_text(r, sections[i].kind, state->text);
	return NULL;
}
