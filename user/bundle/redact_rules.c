// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Firewall rules, as nft(8) and iptables-save(8) write them, without what people wrote into them. */
#include <string.h>

#include "redact_scan.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Words whose value is somebody's. */
static const struct {
	const char *word;
	enum name_class class;
} owned[] = {
	{ "--comment", NAME_TEXT },	{ "--log-prefix", NAME_TEXT },
	{ "--nflog-prefix", NAME_TEXT },	{ "--ulog-prefix", NAME_TEXT },
	{ "--string", NAME_TEXT },	{ "--hex-string", NAME_TEXT },
	{ "--cmd-owner", NAME_PROCESS }, { "--uid-owner", NAME_USER },
	{ "--gid-owner", NAME_USER },	{ "--path", NAME_TEXT },
	{ "--bytecode", NAME_TEXT },	{ "--object-pinned", NAME_TEXT },
	{ "--name", NAME_TEXT },		{ "--hashlimit-name", NAME_TEXT },
	{ "--label", NAME_TEXT },		{ "--selctx", NAME_TEXT },
	{ "--u32", NAME_TEXT },		{ "skuid", NAME_USER },
	{ "skgid", NAME_USER },
};

/* The diagnosis knows by these whose rule it is. */
static const char *const phrases[] = { " has no endpoints", " traffic not accepted by " };

static bool is_number(const char *text, size_t len)
{
	return len && strspn(text, "0123456789-") >= len;
}

/* Bytes up to the closing quote, which is not among them. */
static size_t quoted_len(const char *text)
{
	size_t len = 0;

	while (text[len] && text[len] != '"' && text[len] != '\n')
		len += text[len] == '\\' && text[len + 1] && text[len + 1] != '\n' ? 2 : 1;
	return len;
}

/* An interface, or a pattern of some: "eth0", "veth*", "tun+". */
static bool is_interface(struct scan *s, const char *text, size_t len)
{
	if (len && (text[len - 1] == '*' || text[len - 1] == '+'))
		return memchr(text, ' ', len) == NULL && len < 16;
	return pseudo_name_kept(redact_names(s->r), text, len);
}

static bool follows(const struct scan *s, const char *word)
{
	const char *at = s->at;
	size_t len = strlen(word);

	while (at > s->start && strchr(" \"{,", at[-1]))
		at--;
	return (size_t)(at - s->start) >= len && strncmp(at - len, word, len) == 0;
}

/* After these a name of an interface stands. */
static bool is_behind_interface_word(const struct scan *s)
{
	static const char *const words[] = { "iif", "iifname", "oif", "oifname", "-i", "-o", "device",
					     "ibrname", "obrname", "sdifname", "!=" };

	for (size_t i = 0; i < N(words); i++)
		if (follows(s, words[i]))
			return true;
	return false;
}

static void put_value(struct scan *s, enum name_class class, const char *text, size_t len)
{
	const char *known = pseudo_name_known(redact_names(s->r), text, len);

	fputs(known && class != NAME_TEXT ? known : pseudo_name(redact_names(s->r), class, text, len),
	      s->out);
	for (size_t i = 0; i < N(phrases); i++)
		if (memmem(text, len, phrases[i], strlen(phrases[i])))
			fputs(phrases[i], s->out);
}

static void put_quoted(struct scan *s, enum name_class class)
{
	size_t len = quoted_len(s->at + 1);
	const char *text = s->at + 1;

	putc('"', s->out);
	if (len && (is_interface(s, text, len) || (is_behind_interface_word(s) && len < 16)))
		fwrite(text, 1, len, s->out);
	else if (len && !is_number(text, len))
		put_value(s, class, text, len);
	else
		fwrite(text, 1, len, s->out);
	s->at += 1 + len;
	if (*s->at == '"')
		putc(*s->at++, s->out);
	else
		putc('"', s->out);
}

/* A word with a value: reads both. */
static bool scan_owned(struct scan *s)
{
	for (size_t i = 0; i < N(owned); i++) {
		size_t len = strlen(owned[i].word), value;

		if (strncmp(s->at, owned[i].word, len) != 0 || s->at[len] != ' ')
			continue;
		len += strspn(s->at + len, " !={");
		fwrite(s->at, 1, len, s->out);
		s->at += len;
		if (*s->at == '"') {
			put_quoted(s, owned[i].class);
			return true;
		}
		value = strcspn(s->at, " \n,}");
		if (is_number(s->at, value))
			fwrite(s->at, 1, value, s->out);
		else if (value)
			put_value(s, owned[i].class, s->at, value);
		s->at += value;
		return true;
	}
	return false;
}

/* Does the line at hand match by bytes of the packet? */
static bool is_raw(const struct scan *s)
{
	const char *start = s->at;
	size_t before, len;

	while (start > s->start && start[-1] != '\n')
		start--;
	before = (size_t)(s->at - start);
	len = before + strcspn(s->at, "\n");
	return memmem(start, len, "@nh,", 4) || memmem(start, len, "@th,", 4) ||
	       memmem(start, len, "@ih,", 4) || memmem(start, len, "@ll,", 4);
}

void redact_rules_text(struct scan *s)
{
	while (*s->at) {
		if (*s->at == '"')
			put_quoted(s, NAME_TEXT);
		else if (at_word_start(s) && scan_owned(s))
			continue;
		else if (at_word_start(s) && *s->at == '0' && is_raw(s) && scan_hex_address(s))
			continue;
		else
			redact_plain_step(s);
	}
}
