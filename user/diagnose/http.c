// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The first line and the few headers of HTTP/1 that a health check is about. */
#include "http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct span {
	const uint8_t *data;
	size_t len;
};

/* Takes the bytes up to the next line feed from REST; CUT is set when there was none. */
static struct span next_line(struct span *rest, bool *cut)
{
	const uint8_t *lf = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	struct span line = { rest->data, lf ? (size_t)(lf - rest->data) : rest->len };

	*cut = !lf;
	rest->data += line.len + (lf ? 1 : 0);
	rest->len -= line.len + (lf ? 1 : 0);
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Takes the bytes up to the next space from LINE, and the space. */
static struct span next_word(struct span *line)
{
	const uint8_t *space = line->len ? memchr(line->data, ' ', line->len) : NULL;
	struct span word = { line->data, space ? (size_t)(space - line->data) : line->len };
	size_t taken = word.len + (space ? 1 : 0);

	line->data += taken;
	line->len -= taken;
	return word;
}

static void copy_printable(char *out, size_t size, struct span s)
{
	size_t len = s.len < size - 1 ? s.len : size - 1;

	for (size_t i = 0; i < len; i++)
		out[i] = s.data[i] > 0x20 && s.data[i] < 0x7f ? (char)s.data[i] : '?';
	out[len] = '\0';
}

static bool starts_with(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.data, text, len) == 0;
}

/* Does LINE begin with the header NAME ("Host:"), in whichever case? */
static bool is_header(struct span line, const char *name)
{
	size_t len = strlen(name);

	return line.len >= len && ((line.data[0] ^ (uint8_t)name[0]) & ~0x20) == 0 &&
	       strncasecmp((const char *)line.data, name, len) == 0;
}

/* Copies the value of header NAME ("Host:") from the lines in REST; a cut value counts as seen. */
static void find_header(struct span rest, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name);
	bool cut = false;

	while (rest.len && !cut) {
		struct span line = next_line(&rest, &cut);

		if (line.len == 0)
			return;
		if (!is_header(line, name))
			continue;
		line.data += name_len;
		line.len -= name_len;
		while (line.len && (*line.data == ' ' || *line.data == '\t')) {
			line.data++;
			line.len--;
		}
		while (line.len &&
		       (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t'))
			line.len--;
		copy_printable(out, size, line);
		return;
	}
}

/* Headers by which a proxy names its client, and those that come from a browser's history. */
static bool has_users_header(struct span rest)
{
	static const char *const names[] = { "X-Forwarded-", "Forwarded:", "X-Real-IP:", "Via:",
					     "Cookie:", "Referer:" };
	bool cut = false;

	while (rest.len && !cut) {
		struct span line = next_line(&rest, &cut);

		if (line.len == 0)
			return false;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (is_header(line, names[i]))
				return true;
	}
	return false;
}

static bool is_method(struct span word, size_t size)
{
	if (word.len == 0 || word.len >= size)
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!(word.data[i] >= 'A' && word.data[i] <= 'Z') && word.data[i] != '-')
			return false;
	return true;
}

/* Takes the first line from REST. */
static bool take_request_line(struct span *rest, struct http_request *out)
{
	struct span line, method, path;
	bool cut;

	memset(out, 0, sizeof(*out));
	if (!rest->data || rest->len == 0)
		return false;
	line = next_line(rest, &cut);
	method = next_word(&line);
	if (!is_method(method, sizeof(out->method)))
		return false;
	path = next_word(&line);
	if (path.len == 0)
		return false;
	/* a long path can push the version out of what was captured */
	if (!starts_with(line, "HTTP/1.") && !(cut && path.data[0] == '/' && line.len == 0))
		return false;
	copy_printable(out->method, sizeof(out->method), method);
	copy_printable(out->path, sizeof(out->path), path);
	return true;
}

bool http_parse_request_line(const uint8_t *data, size_t len, struct http_request *out)
{
	struct span rest = { data, len };

	out->valid = take_request_line(&rest, out);
	return out->valid;
}

/* "Host: …", "Connection: close", and nothing else. */
static bool is_bare_close(struct span rest)
{
	static const char *const names[] = { "Host: ", "Connection: close", "" };
	bool cut = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !cut; i++) {
		struct span line = next_line(&rest, &cut);

		if (cut || !starts_with(line, names[i]) || (!*names[i] && line.len))
			return false;
	}
	return !cut;
}

bool http_parse_request(const uint8_t *data, size_t len, struct http_request *out)
{
	struct span rest = { data, len };

	if (!take_request_line(&rest, out))
		return false;
	find_header(rest, "Host:", out->host, sizeof(out->host));
	find_header(rest, "User-Agent:", out->agent, sizeof(out->agent));
	out->forwarded = has_users_header(rest);
	out->bare_close = is_bare_close(rest);
	out->valid = true;
	return true;
}

/* What nginx, Apache httpd and Go's net/http say to a request in clear on a TLS port. */
static bool is_plain_http_refusal(const uint8_t *data, size_t len)
{
	static const char *const sentences[] = {
		"plain HTTP request was sent to HTTPS port",
		"speaking plain HTTP to an SSL-enabled server port",
		"sent an HTTP request to an HTTPS server",
	};

	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (memmem(data, len, sentences[i], strlen(sentences[i])))
			return true;
	return false;
}

void http_note_refusal(const uint8_t *data, size_t len, struct http_response *out)
{
	if (out->valid && out->status == 400)
		out->wants_tls |= is_plain_http_refusal(data, len);
}

static bool take_status_line(struct span *rest, struct http_response *out)
{
	struct span line, status;
	bool cut;

	memset(out, 0, sizeof(*out));
	if (!rest->data || rest->len == 0)
		return false;
	line = next_line(rest, &cut);
	if (!starts_with(line, "HTTP/1."))
		return false;
	next_word(&line);
	status = next_word(&line);
	if (status.len != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (!isdigit(status.data[i]))
			return false;
		out->status = out->status * 10 + (status.data[i] - '0');
	}
	if (out->status < 100) {
		out->status = 0;
		return false;
	}
	return true;
}

bool http_parse_status_line(const uint8_t *data, size_t len, struct http_response *out)
{
	struct span rest = { data, len };

	out->valid = take_status_line(&rest, out);
	return out->valid;
}

bool http_parse_response(const uint8_t *data, size_t len, struct http_response *out)
{
	struct span rest = { data, len };

	if (!take_status_line(&rest, out))
		return false;
	find_header(rest, "Location:", out->location, sizeof(out->location));
	out->wants_tls = out->status == 400 && is_plain_http_refusal(data, len);
	out->valid = true;
	return true;
}
