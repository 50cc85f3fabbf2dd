// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Advice: the application, or libwrap in front of it, gave no good answer. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "ask.h"
#include "rule_sets.h"

/* "nginx (pid 812)": from the events, else who listens there. */
static char *process_words(const struct facts *f, char out[48])
{
	struct host_listener l;

	if (f->p->has_process || !facts_listener(f, &l) || !l.pid)
		snprintf(out, 48, "%s", f->process);
	else
		snprintf(out, 48, "%.15s (pid %" PRIu32 ")", l.comm[0] ? l.comm : "a process",
			 l.pid);
	return out;
}

static const char *capitalised(char *text)
{
	if (strncmp(text, "the ", 4) == 0)
		text[0] = 'T';
	return text;
}

/* "GET /health" or "the request". */
static const char *request_words(const struct facts *f, char out[96])
{
	const struct http_request *r = &f->p->http_request;

	if (r->valid)
		snprintf(out, 96, "%.15s %.70s", r->method, r->path);
	else
		snprintf(out, 96, "the request");
	return out;
}

static void where_application(const struct facts *f, struct diagnosis *d)
{
	where_set(d, "application", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->device_in);
}

/* The range as hosts.allow(5) writes it: IPv6 addresses in brackets. */
static void client_pattern(const struct facts *f, char out[PREFIX_TEXT_LEN + 2])
{
	size_t len = strcspn(f->range, "/");

	if (f->v6)
		snprintf(out, PREFIX_TEXT_LEN + 2, "[%.*s]%s", (int)len, f->range, f->range + len);
	else
		snprintf(out, PREFIX_TEXT_LEN + 2, "%s", f->range);
}

void tell_tcp_wrappers(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	char took[SPAN_TEXT_LEN], client[PREFIX_TEXT_LEN + 2];
	struct host_wrappers w;
	bool known = facts_refusal(f, &w);

	where_application(f, d);
	say(WHY(d), "%s (pid %" PRIu32 ") refused %s by tcp_wrappers",
	    p->libwrap_comm[0] ? p->libwrap_comm : p->libwrap.daemon, p->libwrap_pid, f->lb);
	if (known)
		say(WHY(d), ": line %" PRIu32 " of %.63s matches (%.120s)", w.line, w.file, w.text);
	else
		say(WHY(d), " (hosts.allow and hosts.deny, as daemon '%s')", p->libwrap.daemon);
	if (f->answered) {
		d->code = "RESPONSE_FORMAT_ERROR";
		say(WHY(d), ", and answered with a refusal.");
	} else if (f->host_end_ns && f->host_end_ns <= f->gave_up_ns) {
		d->code = "CONNECT_INTERRUPT";
		say(WHY(d), ", and closed the connection after %s.",
		    format_span(took, f->host_end_ns - p->start_ns));
	} else {
		d->code = "RECV_RESPONSE_TIMEOUT";
		say(WHY(d), ", and kept silent till the load balancer gave up after %s.",
		    format_span(took, f->gave_up_ns - p->start_ns));
	}
	client_pattern(f, client);
	if (known && strstr(w.file, "hosts.deny"))
		say(FIX(d),
		    "Add to /etc/hosts.allow: '%s: %s' (or edit line %" PRIu32
		    " of %.63s). It applies to the next "
		    "connection.",
		    p->libwrap.daemon, client, w.line, w.file);
	else if (known)
		say(FIX(d),
		    "Edit line %" PRIu32
		    " of %.63s, or put ahead of it: '%s: %s'. It applies to the next connection.",
		    w.line, w.file, p->libwrap.daemon, client);
	else
		say(FIX(d),
		    "Add to the top of /etc/hosts.allow: '%s: %s'. It applies to the next "
		    "connection.",
		    p->libwrap.daemon, client);
}

/* What the first bytes of something that is no HTTP response look like. */
static void say_looks(const struct facts *f, struct diagnosis *d)
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

void tell_tls_alert(const struct facts *f, struct diagnosis *d)
{
	const uint8_t *b = f->p->first_bytes;
	char who[48];

	where_application(f, d);
	process_words(f, who);
	if (f->tls && b[0] != 0x15) {
		say(WHY(d),
		    "The load balancer began a TLS handshake, but %s on port %u answered with ",
		    who, f->port);
		say_looks(f, d);
		say(WHY(d), ": it speaks no TLS there.");
		say(FIX(d),
		    "Set the health check's protocol to HTTP, or switch TLS on for port %u in the "
		    "service.",
		    f->port);
		return;
	}
	if (!f->tls && f->p->http_response.valid) {
		d->code = "RESPONSE_MISMATCH";
		say(WHY(d),
		    "%s answered with status %d, because port %u wants TLS and the health check "
		    "speaks plain HTTP.",
		    capitalised(who), f->p->http_response.status, f->port);
		say(FIX(d), "Set the health check's protocol to HTTPS, or its port to the plain "
			    "HTTP one.");
		return;
	}
	say(WHY(d), "%s on port %u answered with a TLS alert", capitalised(who), f->port);
	if (f->p->first_bytes_len >= 7 && b[5] <= 2) /* an alert in clear: level, description */
		say(WHY(d), " (number %u)", b[6]);
	if (f->tls) {
		say(WHY(d), ".");
		say(FIX(d),
		    "Let the service accept what the load balancer offers: TLS version, ciphers, "
		    "no client certificate; "
		    "its log names the alert. To test: openssl s_client -connect %s",
		    f->target);
		return;
	}
	d->code = "RESPONSE_FORMAT_ERROR"; /* the load balancer knows nothing of TLS here */
	say(WHY(d), ": the health check speaks plain HTTP to a TLS port.");
	say(FIX(d), "Set the health check's protocol to HTTPS, or its port to the plain HTTP one.");
}

void tell_not_http(const struct facts *f, struct diagnosis *d)
{
	char who[48], request[96];

	where_application(f, d);
	say(WHY(d), "%s answered %s with ", capitalised(process_words(f, who)),
	    request_words(f, request));
	say_looks(f, d);
	say(WHY(d), ", which is no HTTP response.");
	say(FIX(d),
	    "Point the health check to the port that speaks HTTP, or set its protocol to TCP.");
}

static void say_expected(const struct facts *f, struct diagnosis *d)
{
	char range[16];

	if (!f->s->n_expect)
		say(WHY(d), "200-399");
	for (size_t i = 0; i < f->s->n_expect; i++)
		say(WHY(d), "%s%s", i ? ", " : "", format_code_range(range, &f->s->expect[i]));
}

void tell_http_status(const struct facts *f, struct diagnosis *d)
{
	const struct http_request *q = &f->p->http_request;
	const struct http_response *r = &f->p->http_response;
	char who[48], request[96];

	where_application(f, d);
	say(WHY(d), "%s answered %s", capitalised(process_words(f, who)),
	    request_words(f, request));
	if (q->host[0])
		say(WHY(d), " (Host: %s)", q->host);
	say(WHY(d), " with status %d", r->status);
	if (r->location[0])
		say(WHY(d), ", a redirect to %s", r->location);
	say(WHY(d), "; the load balancer expects ");
	say_expected(f, d);
	say(WHY(d), ".");
	if (r->status >= 300 && r->status < 400)
		say(FIX(d),
		    "Health checks follow no redirects: set the check's path (or Host) to a page "
		    "that answers itself, or "
		    "add %d to its expected codes.",
		    r->status);
	else if (r->status == 401 || r->status == 403)
		say(FIX(d),
		    "Let %s in without credentials for the check's path, or add %d to its expected "
		    "codes.",
		    f->range, r->status);
	else if (r->status == 404 || r->status == 400 || r->status == 421)
		say(FIX(d),
		    "Set the check's path (and Host) to one that the service knows: curl -i -H "
		    "'Host: %s' http://%s%s",
		    q->host[0] ? q->host : f->target, f->target, q->valid ? q->path : "/");
	else if (r->status >= 500)
		say(FIX(d), "The service reports an error of its own: see its log for %s.",
		    request);
	else
		say(FIX(d), "Add %d to the check's expected codes, or make the page answer 200.",
		    r->status);
}

void tell_app_closed(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	char who[48], request[96], took[SPAN_TEXT_LEN];

	where_application(f, d);
	process_words(f, who);
	say(WHY(d), "%s %s the connection %s after the SYN, without answering %s", capitalised(who),
	    f->host_reset ? "reset" : "closed", format_span(took, f->host_end_ns - p->start_ns),
	    p->request_ns ? request_words(f, request) : "(no request had come yet)");
	if (p->request_ns && p->read_ns)
		say(WHY(d), ", which it had read");
	else if (p->request_ns && p->unread)
		say(WHY(d), ", which it had not read");
	say(WHY(d), ".");
	if (!p->request_ns || !p->read_ns)
		say(FIX(d),
		    "See the service's log; typical are an address list in its own configuration "
		    "(allow, deny, "
		    "only_from, hosts.deny) without %s, a connection limit, or a crash.",
		    f->range);
	else
		say(FIX(d), "See the service's log for that moment: it read the request and gave "
			    "up (a crash, an unknown Host, a limit on requests, a port that "
			    "expects TLS).");
}

void tell_app_not_accepting(const struct facts *f, struct diagnosis *d)
{
	char who[48], gave_up[SPAN_TEXT_LEN], accepted[SPAN_TEXT_LEN];
	struct host_listener l;
	bool known = facts_listener(f, &l);

	where_set(d, "socket", NULL);
	snprintf(d->where.device, sizeof(d->where.device), "%s", f->p->device_in);
	process_words(f, who);
	say(WHY(d), "The kernel made the connection and took the request, but %s ", who);
	if (f->p->accepted_ns)
		say(WHY(d), "accepted it only after %s",
		    format_span(accepted, f->p->accepted_ns - f->p->start_ns));
	else
		say(WHY(d), "never accepted it");
	say(WHY(d), "; the load balancer gave up after %s.",
	    format_span(gave_up, f->gave_up_ns - f->p->start_ns));
	if (known && l.backlog_max)
		say(WHY(d), " %" PRIu32 " of %" PRIu32 " connections wait in its queue.", l.backlog,
		    l.backlog_max);
	if (known && l.pid)
		say(FIX(d),
		    "See what %.15s is doing: its log, top, strace -f -p %" PRIu32
		    " (all workers busy, stopped, or "
		    "deadlocked); then give it more workers, or restart it.",
		    l.comm, l.pid);
	else
		say(FIX(d), "See what the service is doing: its log, top, strace -f -p PID (all "
			    "workers busy, stopped, or "
			    "deadlocked); then give it more workers, or restart it.");
}

void tell_app_slow(const struct facts *f, struct diagnosis *d)
{
	const struct probe *p = f->p;
	char who[48], request[96], a[SPAN_TEXT_LEN], b[SPAN_TEXT_LEN], told[SPAN_TEXT_LEN];
	struct host_listener l;

	where_application(f, d);
	process_words(f, who);
	request_words(f, request);
	capitalised(who);
	if (p->read_ns >= p->start_ns && p->read_ns)
		say(WHY(d), "%s read %s after %s", who, request,
		    format_span(a, p->read_ns - p->start_ns));
	else if (p->accepted_ns)
		say(WHY(d), "%s accepted the connection, but did not read %s", who, request);
	else
		say(WHY(d), "%s got %s", who, request);
	if (p->first_byte_ns)
		say(WHY(d), " and answered after %s, too late: ",
		    format_span(b, p->first_byte_ns - p->start_ns));
	else
		say(WHY(d), " and did not answer: ");
	say(WHY(d), "the load balancer gave up after %s",
	    format_span(a, f->gave_up_ns - p->start_ns));
	if (f->lb_end_ns && f->lb_end_ns - p->start_ns < f->timeout_ns / 10 * 9)
		say(WHY(d), " (--timeout says %s)", format_setting(told, f->timeout_ns));
	say(WHY(d), ".");
	if (p->read_ns || p->first_byte_ns)
		say(FIX(d),
		    "Make the check's page fast (no database, no upstream), or raise the check's "
		    "timeout; the service's "
		    "log and 'time curl http://%s%s' show where it waits.",
		    f->target, p->http_request.valid ? p->http_request.path : "/");
	else if (p->has_process || (facts_listener(f, &l) && l.pid))
		say(FIX(d),
		    "See what it is doing: its log, top, strace -f -p %" PRIu32
		    "; all its workers may be busy.",
		    p->has_process ? p->pid : l.pid);
	else
		say(FIX(d),
		    "See what the service is doing: its log, top, strace -f -p PID; all its "
		    "workers may be busy.");
}
