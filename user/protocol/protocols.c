// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The protocols that checks speak, and what their readers share. */
#include "protocol.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Those that are told by magic numbers come ahead of those that are told by words. */
static const struct protocol *const protocols[] = {
	&protocol_dns,	 &protocol_http2, &protocol_postgresql, &protocol_ldap,
	&protocol_mysql, &protocol_ssh,	  &protocol_redis,	&protocol_memcached,
	&protocol_smtp,	 &protocol_ftp,	  &protocol_agent,	&protocol_dns_tcp,
};

void protocol_read(const struct exchange *x, struct reading *r)
{
	memset(r, 0, sizeof(*r));
	r->grpc.status = r->grpc.serving = -1;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (!protocols[i]->matches(x))
			continue;
		r->application = protocols[i]->name;
		protocols[i]->read(x, r);
		return;
	}
	if (x->answer.len) {
		r->result = READ_OTHER;
		reading_quote(r, x->answer);
	}
}

bool protocol_takes_turns(const uint8_t *request, size_t len)
{
	static const uint8_t wants_tls[] = { 0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f };
	struct bytes b = { request, len };

	return bytes_begin(b, "PRI * HTTP/2.0") ||
	       (len >= sizeof(wants_tls) && memcmp(request, wants_tls, sizeof(wants_tls)) == 0);
}

static size_t put_byte(char *out, size_t room, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";

	if (c >= 0x20 && c < 0x7f) {
		if (room < 1)
			return 0;
		out[0] = (char)c;
		return 1;
	}
	if (room < 4)
		return 0;
	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[c >> 4];
	out[3] = digits[c & 15];
	return 4;
}

void reading_quote(struct reading *r, struct bytes b)
{
	size_t len = strnlen(r->quote, sizeof(r->quote) - 1), put;

	for (size_t i = 0; i < b.len && b.data[i] != '\n'; i++) {
		if (b.data[i] == '\r' && (i + 1 == b.len || b.data[i + 1] == '\n'))
			break;
		put = put_byte(r->quote + len, sizeof(r->quote) - 1 - len, b.data[i]);
		if (!put)
			break;
		len += put;
	}
	r->quote[len] = '\0';
}

void reading_say(struct reading *r, const char *format, ...)
{
	size_t len = strnlen(r->quote, sizeof(r->quote) - 1);
	va_list args;

	va_start(args, format);
	vsnprintf(r->quote + len, sizeof(r->quote) - len, format, args);
	va_end(args);
}

bool bytes_begin(struct bytes b, const char *text)
{
	size_t len = strlen(text);

	return b.len >= len && memcmp(b.data, text, len) == 0;
}

bool bytes_begin_word(struct bytes b, const char *word)
{
	size_t len = strlen(word);

	return b.len >= len && strncasecmp((const char *)b.data, word, len) == 0;
}

struct bytes bytes_after(struct bytes b, size_t n)
{
	if (n >= b.len)
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ b.data + n, b.len - n };
}

bool bytes_line(struct bytes b, struct bytes *line)
{
	const uint8_t *lf = b.len ? memchr(b.data, '\n', b.len) : NULL;

	*line = b;
	if (lf)
		line->len = (size_t)(lf - b.data);
	if (line->len && line->data[line->len - 1] == '\r')
		line->len--;
	return lf != NULL;
}

struct bytes exchange_reply(const struct exchange *x)
{
	return x->request.len ? bytes_after(x->answer, x->greeting) : x->answer;
}
