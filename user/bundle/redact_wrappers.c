// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines of hosts.allow and hosts.deny, of which only what their grammar says stays. */
#include <string.h>

#include "redact_scan.h"

static const char *const keywords[] = { "ALL", "LOCAL", "KNOWN", "UNKNOWN", "PARANOID", "EXCEPT" };
static const char *const options[] = { "allow", "deny", "spawn", "twist", "banners", "nice", "linger",
				       "user", "group", "umask", "setenv", "severity", "rfc931",
				       "keepalive", "aclexec" };

static bool is_in(const char *const *list, size_t n, const char *word, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == len && strncasecmp(list[i], word, len) == 0)
			return true;
	return false;
}
#define IS_IN(list, word, len) is_in(list, sizeof(list) / sizeof((list)[0]), word, len)

/* A host, an address, or a pattern of some. */
static void put_client(struct scan *s, const char *end)
{
	size_t len = (size_t)(end - s->at);

	if (IS_IN(keywords, s->at, len)) {
		fwrite(s->at, 1, len, s->out);
	} else {
		while (s->at < end && *s->at == '[')
			putc(*s->at++, s->out);
		if (!scan_address(s))
			scan_v4_start(s);
		while (s->at < end && (*s->at == ']' || *s->at == '/')) {
			size_t n = 1 + strspn(s->at + 1, "0123456789");

			fwrite(s->at, 1, n, s->out);
			s->at += n;
		}
		if (s->at < end)
			fputs(pseudo_name(redact_names(s->r), NAME_HOST, s->at, (size_t)(end - s->at)),
			      s->out);
	}
	s->at = end;
}

/* "daemon", "daemon@host"; a client as "user@host". */
static void put_word(struct scan *s, const char *end, bool daemon)
{
	size_t len = (size_t)(end - s->at);
	const char *at = memchr(s->at, '@', len);
	const char *name_end = at ? at : end;
	size_t name = (size_t)(name_end - s->at);

	if (at == s->at || (!daemon && !at)) {
		put_client(s, end);
		return;
	}
	if (IS_IN(keywords, s->at, name))
		fwrite(s->at, 1, name, s->out);
	else if (name)
		fputs(pseudo_name(redact_names(s->r), daemon ? NAME_PROCESS : NAME_USER, s->at, name),
		      s->out);
	s->at = name_end;
	if (at) {
		putc(*s->at++, s->out);
		put_client(s, end);
	}
}

/* Up to a ':' that ends the field; those within brackets do not. */
static const char *field_end(const char *at, const char *end)
{
	for (bool in = false; at < end; at++) {
		in = *at == '[' || (in && *at != ']');
		if (*at == ':' && !in)
			return at;
	}
	return end;
}

static void put_list(struct scan *s, const char *end, bool daemons)
{
	while (s->at < end) {
		const char *word = s->at;

		while (word < end && !strchr(" \t,\\\r", *word))
			word++;
		if (word > s->at)
			put_word(s, word, daemons);
		else
			putc(*s->at++, s->out);
	}
}

/* "spawn (mail -s %d admin@example.com)", or a command alone. */
static void put_option(struct scan *s, const char *end)
{
	size_t word;

	while (s->at < end && (*s->at == ' ' || *s->at == '\t'))
		putc(*s->at++, s->out);
	word = strspn(s->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	if (word > (size_t)(end - s->at))
		word = (size_t)(end - s->at);
	if (IS_IN(options, s->at, word)) {
		fwrite(s->at, 1, word, s->out);
		s->at += word;
		while (s->at < end && strchr(" \t=", *s->at))
			putc(*s->at++, s->out);
	}
	if (s->at < end)
		fputs(pseudo_name(redact_names(s->r), NAME_COMMAND, s->at, (size_t)(end - s->at)), s->out);
	s->at = end;
}

static void put_line(struct scan *s, const char *end)
{
	for (int field = 0; s->at < end; field++) {
		/* what an option says may hold colons, so it takes the rest */
		const char *stop = field < 2 ? field_end(s->at, end) : end;

		if (field < 2)
			put_list(s, stop, field == 0);
		else
			put_option(s, stop);
		if (s->at < end)
			putc(*s->at++, s->out);
	}
}

void redact_wrappers_text(struct scan *s)
{
	while (*s->at) {
		const char *end = s->at + strcspn(s->at, "\n");

		if (*s->at == '#')
			fputs("# (a comment)", s->out);
		else if (*s->at == '(' && strstr(s->at, " is not there)"))
			fwrite(s->at, 1, (size_t)(end - s->at), s->out);
		else if (strncmp(s->at, "(none)", 6) == 0)
			fputs("(none)", s->out);
		else
			put_line(s, end);
		s->at = end;
		if (*s->at)
			putc(*s->at++, s->out);
	}
}
