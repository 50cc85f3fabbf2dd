// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The application and its answers, in words. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"

/* The check wanted an answer: a request came, or one had to. */
bool wants_answer(const struct facts *f)
{
	return f->tcp && f->connected &&
	       (f->p->request_ns || f->s->expect_http || f->awaits_greeting);
}

/* "nginx (pid 812)": from the events, else who listens there. */
char *process_words(const struct facts *f, char out[48])
{
	struct host_listener l;

	if (f->p->has_process || !facts_listener(f, &l) || !l.pid)
		snprintf(out, 48, "%s", f->process);
	else
		snprintf(out, 48, "%.15s (pid %" PRIu32 ")", l.comm[0] ? l.comm : "a process",
			 l.pid);
	return out;
}

const char *capitalised(char *text)
{
	if (strncmp(text, "the ", 4) == 0)
		text[0] = 'T';
	return text;
}

/* "GET /health" or "the request". */
const char *request_words(const struct facts *f, char out[96])
{
	const struct http_request *r = &f->p->http_request;

	if (r->valid)
		snprintf(out, 96, "%.15s %.70s", r->method, r->path);
	else
		snprintf(out, 96, "the request");
	return out;
}

/*
 * The check's own request, as the service is to get it; -g keeps curl from
 * reading brackets in it.  A cut one would be another: then there is none.
 */
void show_request(const struct facts *f, struct diagnosis *d)
{
	const struct http_request *r = &f->p->http_request;
	char header[sizeof(r->host) + 8];
	bool head = strcmp(r->method, "HEAD") == 0;

	if (!r->valid || r->path[0] != '/' || strlen(r->path) == sizeof(r->path) - 1 ||
	    strlen(r->host) == sizeof(r->host) - 1)
		return;
	SHOW_COMMAND(d, head ? "curl -gI " : "curl -gi ");
	if (!head && strcmp(r->method, "GET") != 0)
		SHOW_COMMAND(d, "-X %s ", r->method);
	if (r->host[0]) {
		snprintf(header, sizeof(header), "Host: %s", r->host);
		SHOW_COMMAND(d, "-H %s ", header);
	}
	SHOW_COMMAND(d, "http://%s%s", f->target, r->path);
}

void where_application(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "application", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->device_in);
}

/* What the first bytes of something that is no HTTP response look like. */
void say_looks(const struct facts *f, struct diagnosis *d)
{
	const uint8_t *b = f->p->first_bytes;
	size_t len = f->p->first_bytes_len, shown = 0;
	char text[41];

	if (len > 2 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3) {
		say(WHY(d), "a TLS record");
		return;
	}
	while (shown < len && shown < sizeof(text) - 1 && isprint(b[shown])) {
		text[shown] = (char)b[shown];
		shown++;
	}
	text[shown] = '\0';
	if (shown >= 4 && memcmp(text, "SSH-", 4) == 0)
		say(WHY(d), "an SSH banner ('%s')", text);
	else if (len > 8 && memcmp(b, "\0\0", 2) == 0 && b[3] == 4)
		say(WHY(d), "HTTP/2 frames");
	else if (shown >= 4)
		say(WHY(d), "'%s'", text);
	else {
		say(WHY(d), "binary data, starting");
		for (size_t i = 0; i < len && i < 8; i++)
			say(WHY(d), " %02x", b[i]);
	}
}

bool is_unfinished(const struct facts *f)
{
	if (f->spoken.result == READ_INCOMPLETE)
		return f->p->request_ns || f->awaits_greeting || !f->lb_at_timeout;
	return f->http && !f->tls && f->p->first_bytes_len && !f->p->answer.broken &&
	       f->extent.wholeness == WHOLENESS_CUT;
}

void say_extent(const struct facts *f, struct diagnosis *d)
{
	const struct extent *e = &f->extent;
	const struct http_answer *a = &f->p->answer;

	if (f->spoken.result == READ_INCOMPLETE && f->spoken.quote[0])
		say(WHY(d), "'%s'", f->spoken.quote);
	else if (f->spoken.result == READ_INCOMPLETE)
		say(WHY(d), "%zu bytes", f->p->answer_head_len);
	else if (!a->head_len)
		say(WHY(d), "%" PRIu64 " bytes, which do not complete its head", e->sent);
	else if (a->framing == HTTP_FRAMING_LENGTH)
		say(WHY(d), "%" PRIu64 " of %" PRIu64 " body bytes", e->body_sent, e->body_length);
	else if (a->framing == HTTP_FRAMING_CHUNKED)
		say(WHY(d), "%" PRIu64 " body bytes without the chunk that ends them", e->body_sent);
	else
		say(WHY(d), "%" PRIu64 " body bytes without closing the connection, which ends them",
		    e->body_sent);
}
