// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Options of hosts_options(5): what they make of a rule.  None is carried out. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "wrappers_match.h"

#define BLANKS " \t\r\n"

enum { VALUE_NEEDED = 1, VALUE_OPTIONAL = 2, MUST_BE_LAST = 4 };

static bool is_number(const char *value, int min)
{
	int number;
	char rest;

	return sscanf(value, "%d%c", &number, &rest) == 1 && number >= min;
}

static bool valid_linger(const char *value)
{
	return is_number(value, 0);
}

static bool valid_nice(const char *value)
{
	return is_number(value, INT32_MIN);
}

static bool valid_timeout(const char *value)
{
	return is_number(value, 1);
}

static bool valid_umask(const char *value)
{
	unsigned mask;
	char rest;

	return sscanf(value, "%o%c", &mask, &rest) == 1 && mask <= 0777;
}

static bool is_one_of(const char *word, size_t len, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == len && !strncasecmp(word, *list, len))
			return true;
	return false;
}

/* "notice" or "mail.notice", as syslog(3) names them. */
static bool valid_severity(const char *value)
{
	static const char *const levels[] = { "emerg",	"alert", "crit",  "err", "warning",
					      "notice", "info",	 "debug", NULL };
	static const char *const facilities[] = { "kern",   "user",   "mail",	"daemon", "auth",
						  "lpr",    "news",   "uucp",	"cron",	  "local0",
						  "local1", "local2", "local3", "local4", "local5",
						  "local6", "local7", NULL };
	const char *dot = strchr(value, '.');

	if (dot && !is_one_of(value, dot - value, facilities))
		return false;
	value = dot ? dot + 1 : value;
	return is_one_of(value, strlen(value), levels);
}

/*
 * The table of libwrap 7.6.q.  For `user` and `group` the names are taken to
 * exist, for lack of the daemon's view of them.
 */
static const struct option {
	const char *name;
	unsigned flags;
	bool (*valid)(const char *value); /* NULL: anything goes */
	enum options_effect effect;
} options_table[] = {
	{ "user", VALUE_NEEDED },
	{ "group", VALUE_NEEDED },
	{ "umask", VALUE_NEEDED, valid_umask },
	{ "linger", VALUE_NEEDED, valid_linger },
	{ "keepalive" },
	{ "aclexec", VALUE_NEEDED, NULL, OPTIONS_COMMAND },
	{ "spawn", VALUE_NEEDED },
	{ "twist", VALUE_NEEDED | MUST_BE_LAST, NULL, OPTIONS_DENY },
	{ "rfc931", VALUE_OPTIONAL, valid_timeout },
	{ "setenv", VALUE_NEEDED },
	{ "nice", VALUE_OPTIONAL, valid_nice },
	{ "severity", VALUE_NEEDED, valid_severity },
	{ "allow", MUST_BE_LAST, NULL, OPTIONS_ALLOW },
	{ "deny", MUST_BE_LAST, NULL, OPTIONS_DENY },
	{ "banners", VALUE_NEEDED },
};

/* Cuts the next field off *REST, NULL at the end; "\:" is a colon that does not end it. */
static char *next_field(char **rest)
{
	char *field = *rest, *in, *out;

	if (!*field)
		return NULL;
	for (in = out = field; *in && *in != ':'; *out++ = *in++)
		if (in[0] == '\\' && in[1] == ':')
			in++;
	*rest = *in ? in + 1 : in;
	*out = '\0';
	return field;
}

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* Cuts FIELD after its keyword; returns the value, NULL: none. */
static char *split_value(char *field)
{
	char *value = field + strcspn(field, "=" BLANKS);

	if (*value && *value != '=') {
		*value++ = '\0';
		value += strspn(value, BLANKS);
	}
	if (*value == '=') {
		*value++ = '\0';
		value += strspn(value, BLANKS);
	}
	return *value ? value : NULL;
}

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < sizeof(options_table) / sizeof(options_table[0]); i++)
		if (!strcasecmp(options_table[i].name, name))
			return &options_table[i];
	return NULL;
}

enum options_effect wrappers_options(char *options)
{
	enum options_effect effect = OPTIONS_NONE;
	char *field, *next = next_field(&options);

	while ((field = next)) {
		const struct option *option;
		char *value;

		next = next_field(&options);
		field = trim(field);
		value = split_value(field);
		option = find(field);
		if (!option || (!value && option->flags & VALUE_NEEDED) ||
		    (value && !(option->flags & (VALUE_NEEDED | VALUE_OPTIONAL))) ||
		    (next && option->flags & MUST_BE_LAST) ||
		    (value && option->valid && !option->valid(value)))
			return OPTIONS_DENY;
		if (option->effect == OPTIONS_ALLOW || option->effect == OPTIONS_DENY)
			return option->effect;
		if (option->effect == OPTIONS_COMMAND)
			effect = OPTIONS_COMMAND;
	}
	return effect;
}
