// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists and patterns of hosts_access(5). */
#include "wrappers_match.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SEPARATORS ", \t\r\n"
#define UNKNOWN "unknown" /* libwrap's word for a name that it could not find out */
#define SUBJECT_MAX 127
#define PATTERN_MAX 1023
#define FILES_MAX 64
#define PATTERNS_MAX 300000

static const struct match YES = { .yes = true, .sure = true };
static const struct match NO = { .yes = false, .sure = true };

typedef struct match (*match_fn)(struct matcher *m, char *token);

struct match match_and(struct match a, struct match b)
{
	return (struct match){
		.yes = a.yes && b.yes,
		.sure = (a.sure && b.sure) || (a.sure && !a.yes) || (b.sure && !b.yes),
	};
}

struct match match_not(struct match a)
{
	a.yes = !a.yes;
	return a;
}

static struct match match_or(struct match a, struct match b)
{
	return match_not(match_and(match_not(a), match_not(b)));
}

static struct match sure(bool yes)
{
	return (struct match){ .yes = yes, .sure = true };
}

static struct match guess(bool yes)
{
	return (struct match){ .yes = yes };
}

void matcher_init(struct matcher *m, const struct wrappers_query *query)
{
	const char *client = query->client;
	struct in6_addr addr;

	memset(m, 0, sizeof(*m));
	m->query = query;
	m->files_left = FILES_MAX;
	m->patterns_left = PATTERNS_MAX;
	if (inet_pton(AF_INET6, client, &addr) == 1 && IN6_IS_ADDR_V4MAPPED(&addr))
		inet_ntop(AF_INET, addr.s6_addr + 12, m->client, sizeof(m->client));
	else
		snprintf(m->client, sizeof(m->client), "%s", client);
}

char *wrappers_split(char *text, char delimiter)
{
	int depth = 0;

	for (; *text; text++) {
		if (*text == '[') {
			depth++;
		} else if (*text == ']') {
			depth--;
		} else if (depth == 0 && *text == delimiter) {
			*text = '\0';
			return text + 1;
		}
	}
	return NULL;
}

/*
 * PATTERN with '*' and '?' against TEXT, in time bounded by the product of
 * their lengths.  row[i] says whether the rest of PATTERN matches TEXT from i.
 * As in libwrap, a '*' that another wildcard follows needs a character.
 */
static bool match_wildcards(const char *pattern, const char *text)
{
	size_t n = strnlen(text, SUBJECT_MAX);
	bool row[SUBJECT_MAX + 1] = { false };
	const char *end = pattern + strlen(pattern);

	row[n] = true;
	for (const char *p = end; p-- > pattern;) {
		if (*p == '*' && p + 1 == end) {
			memset(row, true, n + 1);
		} else if (*p == '*') {
			row[n] = false;
			for (size_t i = n; i-- > 0;)
				row[i] |= row[i + 1];
		} else {
			for (size_t i = 0; i < n; i++)
				row[i] = row[i + 1] &&
					 (*p == '?' || toupper((unsigned char)*p) ==
							       toupper((unsigned char)text[i]));
			row[n] = false;
		}
	}
	return row[0];
}

/* An IPv6 address in brackets. */
static bool parse_bracketed(const char *token, struct in6_addr *out)
{
	size_t len = strlen(token);
	char text[INET6_ADDRSTRLEN];

	if (len < 2 || len - 2 >= sizeof(text) || token[0] != '[' || token[len - 1] != ']')
		return false;
	memcpy(text, token + 1, len - 2);
	text[len - 2] = '\0';
	return inet_pton(AF_INET6, text, out) == 1;
}

static bool match_text(const char *token, const char *text)
{
	size_t len = strlen(token), text_len = strlen(text);
	struct in6_addr a, b;

	if (strpbrk(token, "*?"))
		return match_wildcards(token, text);
	if (token[0] == '.')
		return text_len > len && !strcasecmp(token, text + text_len - len);
	if (!strcasecmp(token, "ALL"))
		return true;
	if (!strcasecmp(token, "KNOWN"))
		return strcasecmp(text, UNKNOWN) != 0;
	if (len && token[len - 1] == '.')
		return !strncasecmp(token, text, len);
	if (len && token[0] == '[' && token[len - 1] == ']')
		return parse_bracketed(token, &a) && inet_pton(AF_INET6, text, &b) == 1 &&
		       !memcmp(&a, &b, sizeof(a));
	return !strcasecmp(token, text);
}

/* Four numbers with dots; 255.255.255.255 counts as none, as in libwrap. */
static bool parse_ipv4(const char *text, in_addr_t *out)
{
	unsigned runs = 0;

	for (const char *p = text; *p; p++)
		if (*p != '.' && (p == text || p[-1] == '.'))
			runs++;
	if (runs != 4)
		return false;
	*out = inet_addr(text);
	return *out != INADDR_NONE;
}

static bool match_ipv4_net(const char *net_text, const char *mask_text, const char *text)
{
	in_addr_t addr, net, mask;
	int bits;

	if (!parse_ipv4(text, &addr) || !parse_ipv4(net_text, &net))
		return false;
	if (!parse_ipv4(mask_text, &mask)) {
		bits = strtol(mask_text, NULL, 10);
		if (bits < 1 || bits > 32)
			return false;
		mask = htonl(UINT32_MAX << (32 - bits));
	}
	return (addr & mask) == net;
}

static bool match_ipv6_net(const char *net_text, const char *len_text, const char *text)
{
	struct in6_addr addr, net;
	int bits = strtol(len_text, NULL, 10);

	if (!parse_bracketed(net_text, &net) || inet_pton(AF_INET6, text, &addr) != 1 || bits < 0 ||
	    bits > 128)
		return false;
	for (int i = 0; i < bits; i++) {
		uint8_t bit = 0x80 >> i % 8;

		if ((addr.s6_addr[i / 8] ^ net.s6_addr[i / 8]) & bit)
			return false;
	}
	return true;
}

/*
 * Whether some host's name could match a pattern that its address does not.
 * "100.125.*" is meant for addresses: names like it are not reckoned with.
 */
static bool could_be_name(const char *token)
{
	bool for_addresses =
		isdigit((unsigned char)token[0]) && !token[strspn(token, "0123456789./*?")];

	return !for_addresses && !strpbrk(token, "[]:");
}

static struct match match_host(struct matcher *m, char *token, const char *addr);

/* A file of patterns. */
static struct match match_host_file(struct matcher *m, const char *path, const char *addr)
{
	char token[PATTERN_MAX + 1];
	struct match any = NO;
	FILE *file;

	if (!m->files_left)
		return guess(false);
	m->files_left--;
	file = m->query->open(m->query->ctx, path);
	if (!file)
		return errno == ENOENT ? NO : guess(false);
	while (!(any.yes && any.sure) && fscanf(file, "%1023s", token) == 1) {
		if (!m->patterns_left) {
			any = match_or(any, guess(false));
			break;
		}
		m->patterns_left--;
		any = match_or(any, match_host(m, token, addr));
	}
	fclose(file);
	return any;
}

/* ADDR NULL: libwrap would know it, we do not. */
static struct match match_host(struct matcher *m, char *token, const char *addr)
{
	char *mask;

	if (token[0] == '@') /* netgroup */
		return guess(false);
	if (token[0] == '/')
		return match_host_file(m, token, addr);
	if (!strcasecmp(token, "KNOWN") || !strcasecmp(token, "LOCAL"))
		return guess(false);
	if (!addr)
		return strcasecmp(token, "ALL") ? guess(false) : YES;
	mask = wrappers_split(token, '/');
	if (mask)
		return sure(match_ipv4_net(token, mask, addr) || match_ipv6_net(token, mask, addr));
	if (match_text(token, addr))
		return YES;
	if (!token[strspn(token, "0123456789./")])
		return NO;
	return (struct match){ .yes = match_text(token, UNKNOWN), .sure = !could_be_name(token) };
}

/* A number that can be a port is compared with the port only; libwrap reads it with sscanf(). */
static struct match match_daemon(struct matcher *m, const char *token)
{
	unsigned port;
	char rest;

	if (sscanf(token, "%u%c", &port, &rest) != 1 || port > UINT16_MAX)
		return sure(match_text(token, m->query->daemon));
	if (!m->query->port)
		return guess(false);
	return sure(port == m->query->port);
}

/* "daemon" or "daemon@server" */
static struct match match_server(struct matcher *m, char *token)
{
	char *host = wrappers_split(token + 1, '@');
	struct match daemon = match_daemon(m, token);

	if (!host || (daemon.sure && !daemon.yes))
		return daemon;
	return match_and(daemon, match_host(m, host, m->query->server));
}

/* "host" or "user@host"; a user whom no ident service tells is unknown. */
static struct match match_client(struct matcher *m, char *token)
{
	char *name = wrappers_split(token + 1, '@');
	struct match host = match_host(m, name ? name : token, m->client);

	if (!name || (host.sure && !host.yes))
		return host;
	return match_and(host, strcasecmp(token, "ALL") ? guess(match_text(token, UNKNOWN)) : YES);
}

/*
 * "a b EXCEPT c EXCEPT d" is (a or b) and not (c and not d).  The depth of the
 * recursion is bounded by the length of a line, some 300 EXCEPTs.
 */
static struct match match_rest(struct matcher *m, match_fn fn, char **rest)
{
	struct match any = NO;
	char *token;

	while ((token = strtok_r(NULL, SEPARATORS, rest)) && strcasecmp(token, "EXCEPT"))
		if (!(any.yes && any.sure))
			any = match_or(any, fn(m, token));
	if (!token || (any.sure && !any.yes))
		return any;
	return match_and(any, match_not(match_rest(m, fn, rest)));
}

struct match match_daemons(struct matcher *m, char *list)
{
	return match_rest(m, match_server, &list);
}

struct match match_clients(struct matcher *m, char *list)
{
	return match_rest(m, match_client, &list);
}
