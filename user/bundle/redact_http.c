// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Captured payload without what it says of users, hosts and applications. */
#include "redact_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "diagnose/client.h"
#include "diagnose/http.h"
#include "tls/hello.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define FILLER 'x'

/* Names of headers that tell nothing by themselves; others are not passed on. */
static const char *const header_names[] = {
	"Accept", "Accept-Encoding", "Accept-Language", "Accept-Ranges", "Age", "Allow",
	"Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Language",
	"Content-Length", "Content-Type", "Cookie", "Date", "ETag", "Expires", "Forwarded", "From",
	"Host", "If-Modified-Since", "If-None-Match", "Keep-Alive", "Last-Modified", "Location",
	"Origin", "Pragma", "Range", "Referer", "Retry-After", "Server", "Set-Cookie",
	"Strict-Transport-Security", "Transfer-Encoding", "Upgrade", "Upgrade-Insecure-Requests",
	"User-Agent", "Vary", "Via", "WWW-Authenticate", "X-Content-Type-Options",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
	"X-Frame-Options", "X-Powered-By", "X-Real-IP", "X-Request-ID",
};

static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH",
				       "TRACE", "CONNECT", "PROPFIND", "PRI" };

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" }, { 204, "No Content" }, { 301, "Moved Permanently" }, { 302, "Found" },
	{ 304, "Not Modified" }, { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 426, "Upgrade Required" }, { 429, "Too Many Requests" },
	{ 500, "Internal Server Error" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

/* By which a TLS port is recognised that was asked in clear. */
static const char *const tls_sentences[] = {
	"plain HTTP request was sent to HTTPS port",
	"speaking plain HTTP to an SSL-enabled server port",
	"sent an HTTP request to an HTTPS server",
};

/* What is being written, and how many bytes it is longer than what it was made of. */
struct message {
	uint8_t *out;
	size_t len;
	long excess;
};

static void put(struct message *m, const void *data, size_t len)
{
	size_t room = HCT_PAYLOAD_MAX - m->len;

	if (len > room)
		len = room;
	memcpy(m->out + m->len, data, len);
	m->len += len;
}

/* In place of LEN bytes: makes up for pseudonyms of another length, but stays something. */
static void fill(struct message *m, size_t len)
{
	long wanted = (long)len - m->excess;
	size_t n = len == 0 ? 0 : wanted < 1 ? 1 : (size_t)wanted;

	m->excess += (long)n - (long)len;
	while (n-- && m->len < HCT_PAYLOAD_MAX)
		m->out[m->len++] = FILLER;
}

static void put_instead(struct message *m, const char *text, size_t len)
{
	m->excess += (long)strlen(text) - (long)len;
	put(m, text, strlen(text));
}

void redact_http_path(struct redact *r, const char *path, size_t len, char *out, size_t size)
{
	const char *query;
	size_t n;

	/* what the engine sees of a path is no longer, and it compares it with --path */
	if (len > sizeof(((struct http_request *)0)->path) - 1)
		len = sizeof(((struct http_request *)0)->path) - 1;
	query = memchr(path, '?', len);
	n = query ? (size_t)(query - path) : len;
	snprintf(out, size, "%s%s%s",
		 n == 1 && (*path == '/' || *path == '*')
			 ? (*path == '/' ? "/" : "*")
			 : pseudo_name(redact_names(r), NAME_PATH, path, n),
		 query ? "?" : "",
		 query ? pseudo_name(redact_names(r), NAME_QUERY, query + 1, len - n - 1) : "");
}

/* "www.example.com:8080", "[::1]", "10.0.0.1:80" */
static void redact_authority(struct redact *r, const char *text, size_t len, char *out, size_t size)
{
	const char *colon = memrchr(text, ':', len);
	size_t name = len;
	char copy[256], *shown;

	if (colon && colon[1] && !memchr(colon, ']', len - (size_t)(colon - text)))
		name = (size_t)(colon - text);
	snprintf(copy, sizeof(copy), "%.*s", (int)name, text);
	shown = redact_address_word(r, copy);
	if (shown)
		snprintf(out, size, "%s", shown);
	else
		snprintf(out, size, "%s", strcmp(copy, "localhost") == 0 || !name
				? copy : pseudo_name(redact_names(r), NAME_HOST, text, name));
	if (name < len && strspn(text + name + 1, "0123456789") >= len - name - 1)
		snprintf(out + strlen(out), size - strlen(out), "%.*s", (int)(len - name), text + name);
	free(shown);
}

/* "https://www.example.com/path", or a path alone. */
static void redact_location(struct redact *r, const char *text, size_t len, char *out, size_t size)
{
	static const char *const schemes[] = { "https://", "http://" };
	size_t used = 0;

	for (size_t i = 0; i < N(schemes) && !used; i++) {
		size_t scheme = strlen(schemes[i]), host = 0;

		if (len < scheme || strncasecmp(text, schemes[i], scheme) != 0)
			continue;
		while (scheme + host < len && !strchr("/?#", text[scheme + host]))
			host++;
		snprintf(out, size, "%s", schemes[i]);
		redact_authority(r, text + scheme, host, out + scheme, size - scheme);
		used = scheme + host;
	}
	if (used == len)
		return;
	if (!used)
		out[0] = '\0';
	redact_http_path(r, text + used, len - used, out + strlen(out), size - strlen(out));
}

/* Where an answer ends is said by these, with no more than numbers and words of HTTP's own. */
static bool is_framing(const char *header, size_t name, const char *value, size_t len)
{
	static const char *const words[] = { "chunked", "close", "keep-alive" };

	if (name == 14 && strncasecmp(header, "Content-Length", name) == 0)
		return len && len <= 19 && strspn(value, "0123456789") >= len;
	if (strncasecmp(header, "Transfer-Encoding", name) != 0 &&
	    strncasecmp(header, "Connection", name) != 0)
		return false;
	for (size_t i = 0; i < N(words); i++)
		if (strlen(words[i]) == len && strncasecmp(words[i], value, len) == 0)
			return true;
	return false;
}

static void redact_header(struct redact *r, struct message *m, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name = colon ? (size_t)(colon - line) : 0, blank = 1;
	char text[320];

	for (size_t i = 0; i < N(header_names); i++) {
		if (!colon || strlen(header_names[i]) != name ||
		    strncasecmp(header_names[i], line, name) != 0)
			continue;
		while (name + blank < len && (line[name + blank] == ' ' || line[name + blank] == '\t'))
			blank++;
		put(m, line, name);
		put(m, ": ", 2);
		m->excess += 1 - (long)blank + 1;
		while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
			len--;
		if (len < name + blank)
			return;
		if (is_framing(line, name, line + name + blank, len - name - blank)) {
			put(m, line + name + blank, len - name - blank);
			return;
		}
		if (strcmp(header_names[i], "User-Agent") == 0) {
			/* what a client goes by decides about the answer */
			size_t known = client_known_prefix(line + name + blank, len - name - blank);

			put(m, line + name + blank, known);
			fill(m, len - name - blank - known);
			return;
		}
		if (strcmp(header_names[i], "Host") == 0)
			redact_authority(r, line + name + blank, len - name - blank, text, sizeof(text));
		else if (strcmp(header_names[i], "Location") == 0)
			redact_location(r, line + name + blank, len - name - blank, text, sizeof(text));
		else {
			fill(m, len - name - blank);
			return;
		}
		put_instead(m, text, len - name - blank);
		return;
	}
	/* "X-Forwarded-": a user's, whatever follows */
	if (len >= 12 && strncasecmp(line, "X-Forwarded-", 12) == 0)
		put_instead(m, "X-Forwarded-By: x", len);
	else if (len >= 3)
		put_instead(m, "X: x", len);
	else
		fill(m, len);
}

/*
 * An answer's length is counted from the end of its head: where the head got longer
 * or shorter, one more header of the missing length, or the body, makes up for it.
 */
static void even_out(struct message *m)
{
	static const char header[] = "X: ";
	long missing = -m->excess - (long)strlen(header) - 2;

	if (missing < 1)
		return;
	put(m, header, strlen(header));
	for (long i = 0; i < missing; i++)
		put(m, "x", 1);
	put(m, "\r\n", 2);
	m->excess = 0;
}

/* The lines behind the first one, to the empty one; returns the bytes that they were. */
static size_t redact_head(struct redact *r, struct message *m, const char *data, size_t len)
{
	size_t all = len;

	while (len) {
		const char *lf = memchr(data, '\n', len);
		size_t line = lf ? (size_t)(lf - data) : len, text = line;

		if (text && data[text - 1] == '\r')
			text--;
		if (!text && lf) {
			even_out(m);
			put(m, "\r\n", 2);
			return all - len + line + 1;
		}
		redact_header(r, m, data, text);
		if (text < line || lf)
			put(m, "\r\n", lf ? 2 : 1);
		data += line + (lf ? 1 : 0);
		len -= line + (lf ? 1 : 0);
	}
	return all;
}

/* The same, and the body. */
static void redact_rest(struct redact *r, struct message *m, const char *data, size_t len)
{
	size_t head = redact_head(r, m, data, len);

	data += head;
	len -= head;
	for (size_t i = 0; i < N(tls_sentences); i++) {
		if (!memmem(data, len, tls_sentences[i], strlen(tls_sentences[i])))
			continue;
		put(m, tls_sentences[i], strlen(tls_sentences[i]));
		len -= strlen(tls_sentences[i]);
	}
	fill(m, len);
}

static size_t redact_request(struct redact *r, const char *data, size_t len, uint8_t *out)
{
	const char *lf = memchr(data, '\n', len);
	size_t line = lf ? (size_t)(lf - data) : len, method = 0, path, end;
	const char *shown = "X-METHOD";
	struct message m = { out };
	char text[320];

	while (data[method] != ' ')
		method++;
	for (size_t i = 0; i < N(methods); i++)
		if (strlen(methods[i]) == method && strncmp(data, methods[i], method) == 0)
			shown = methods[i];
	put_instead(&m, shown, method);
	put(&m, " ", 1);
	path = method + 1;
	for (end = path; end < line && data[end] != ' ' && data[end] != '\r';)
		end++;
	redact_http_path(r, data + path, end - path, text, sizeof(text));
	put_instead(&m, text, end - path);
	put_instead(&m, " HTTP/1.", line > end ? 8 : 0);
	if (line > end + 8)
		put(&m, data[end + 8] == '0' ? "0" : "1", 1);
	else
		put(&m, "1", 1);
	put(&m, "\r\n", 2);
	if (lf)
		redact_rest(r, &m, lf + 1, len - line - 1);
	return m.len;
}

/* A status line and its head; behind a 1xx comes another one. */
static void put_response(struct redact *r, struct message *m, const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len), *phrase = "";
	size_t line = lf ? (size_t)(lf - data) : len, head;
	struct http_response response;
	char text[64];

	if (!http_parse_response((const uint8_t *)data, len, &response)) {
		fill(m, len);
		return;
	}
	for (size_t i = 0; i < N(phrases); i++)
		if (phrases[i].status == response.status)
			phrase = phrases[i].phrase;
	snprintf(text, sizeof(text), "HTTP/1.%c %03d %s", data[7] == '0' ? '0' : '1', response.status,
		 phrase);
	put_instead(m, text, line && data[line - 1] == '\r' ? line - 1 : line);
	put(m, "\r\n", 2);
	if (!lf)
		return;
	if (response.status >= 200) {
		redact_rest(r, m, lf + 1, len - line - 1);
		return;
	}
	head = redact_head(r, m, lf + 1, len - line - 1);
	if (line + 1 + head < len)
		put_response(r, m, lf + 1 + head, len - line - 1 - head);
}

static size_t redact_response(struct redact *r, const char *data, size_t len, uint8_t *out)
{
	struct message m = { out };

	put_response(r, &m, data, len);
	return m.len;
}

/* Neither a request nor a response: only what it looks like. */
static size_t redact_other(const uint8_t *data, size_t len, uint8_t *out)
{
	static const char *const greetings[] = { "SSH-", "220", "HTTP/" };
	size_t keep = 0;

	memset(out, 0, len);
	/* a TLS record's header, and a handshake's type or an alert */
	if (len >= 3 && data[0] >= 0x14 && data[0] <= 0x17 && data[1] == 3)
		keep = data[0] == 0x15 && len <= 7 ? 7 : data[0] == 0x16 ? 6 : 5;
	if (tls_is_hello_check(data, len))
		keep = TLS_HELLO_CHECK_LEN; /* by its text it is known what the check goes by */
	if (!keep && (data[0] == 0x15 || data[0] == 0x16))
		keep = 1;
	for (size_t i = 0; i < N(greetings) && !keep; i++)
		if (len >= strlen(greetings[i]) &&
		    memcmp(data, greetings[i], strlen(greetings[i])) == 0)
			keep = strlen(greetings[i]);
	memcpy(out, data, keep < len ? keep : len);
	return len;
}

size_t redact_payload(struct redact *r, bool reply, const uint8_t *data, size_t len,
		      uint8_t out[HCT_PAYLOAD_MAX])
{
	struct http_request request;
	struct http_response response;

	if (!len)
		return 0;
	if (!reply && http_parse_request(data, len, &request))
		return redact_request(r, (const char *)data, len, out);
	if (reply && http_parse_response(data, len, &response))
		return redact_response(r, (const char *)data, len, out);
	return redact_other(data, len, out);
}
