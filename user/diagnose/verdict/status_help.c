// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What helps against an HTTP status that the check does not expect, in words that the
 * client of the check can follow: not every load balancer lets its Host, its method or
 * its expected codes be set.
 */
#include "diagnose/verdict/status_help.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "diagnose/client.h"
#include "diagnose/verdict/report.h"

/* An answer and what follows from it. */
struct help {
	const struct status_answer *a;
	const struct preset_words *words; /* of the client; NULL: which it is, is not known */
	struct diagnosis *d;
	char request[96]; /* "GET /health" */
	const char *path;
};
#define ADD(h, ...) say(ADVICE((h)->d), __VA_ARGS__)

static bool method_is(const struct http_request *r, const char *method)
{
	return r->valid && strcmp(r->method, method) == 0;
}

bool status_refuses_method(const struct http_request *r, int status)
{
	return (status == 405 || status == 501) && r->valid && !method_is(r, "GET");
}

/* "192.168.0.10", "192.168.0.10:80", "[fd00::1]:80", "fd00::1". */
static bool is_address(const char *host)
{
	char text[INET6_ADDRSTRLEN + 1] = "";
	struct in6_addr addr;
	size_t len = strcspn(host, ":");

	if (host[0] == '[') {
		host++;
		len = strcspn(host, "]");
	}
	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	return inet_pton(AF_INET, text, &addr) == 1 || inet_pton(AF_INET6, text, &addr) == 1 ||
	       inet_pton(AF_INET6, host, &addr) == 1;
}

/* " (HAProxy: http-check send hdr Host NAME)"; "" where it is not known where that is set. */
static void add_setting(const struct help *h, const char *setting)
{
	if (h->words && setting)
		ADD(h, " (%s: %s)", h->words->name, setting);
}

static void add_method(const struct help *h)
{
	const struct preset_words *w = h->words;

	if (w && w->method && w->method_path)
		ADD(h, " (%s: %s %s)", w->name, w->method, h->path);
	else
		add_setting(h, w ? w->method : NULL);
}

/*
 * A client whose Host cannot be set always sends an address.  One that sends a name is
 * another than --lb says.
 */
static bool sends_address_always(const struct help *h)
{
	const char *host = h->a->request->host;

	return h->words && !h->words->host && (!host[0] || is_address(host));
}

/* How the service gets a Host that it knows; NAME: the one that it asks for, or NULL. */
static void add_host(const struct help *h, const char *name)
{
	if (sends_address_always(h)) {
		ADD(h, "at the service, let its default site answer %s whatever the Host is "
		       "(default_server, or the first VirtualHost), as this load "
		       "balancer always sends an address as Host", h->path);
		return;
	}
	if (name)
		ADD(h, "set the check's Host to %s", name);
	else
		ADD(h, "set the check's Host to a name that the service knows");
	add_setting(h, h->words ? h->words->host : NULL);
}

/* Programs whose 503 is about the servers behind them. */
static bool is_proxy(const char *process)
{
	static const char *const names[] = { "haproxy", "envoy", "traefik", "varnishd",
					     "cache-main" /* Varnish's worker */ };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(process, names[i]) == 0)
			return true;
	return false;
}

static void help_other(const struct help *h)
{
	int status = h->a->status;

	if (status == 407)
		ADD(h, "A forward proxy answers at this port, and wants a login: point the check "
		       "to the service's own port.");
	else if (status == 408)
		ADD(h, "The service says that the request did not reach it whole in time: raise "
		       "its limit for the head of a request, and see its log for %s.", h->request);
	else if (status == 414 || status == 431)
		ADD(h, "The service takes no request as large as this one: shorten the check's "
		       "path and headers, or raise its limit (such as large_client_header_buffers).");
	else if (status == 503 && is_proxy(h->a->process))
		ADD(h, "%s passes %s on, and says so where none of its servers is up: see its log "
		       "and its list of servers.", h->a->process, h->request);
	else if (status >= 500)
		ADD(h, "The service reports an error of its own: see its log for %s.", h->request);
	else if (status >= 400)
		ADD(h, "See the service's log for why it refuses %s, or set the check's path to a "
		       "page that answers %d.", h->request,
		    h->a->settings->n_expect ? h->a->settings->expect[0].first : 200);
	else
		ADD(h, "Make the page answer %d: %d completes no check.",
		    h->a->settings->n_expect ? h->a->settings->expect[0].first : 200, status);
}

static void help_method(const struct help *h)
{
	const char *method = h->a->request->method;
	/* what carries a body was asked for on purpose */
	bool writes = strcmp(method, "HEAD") != 0 && strcmp(method, "OPTIONS") != 0;

	if (!status_refuses_method(h->a->request, h->a->status)) {
		if (h->a->status != 405)
			help_other(h);
		else
			ADD(h, "The service does not take %s at %s: set the check's path to a page "
			       "that does, or let the service answer it there.",
			    h->a->request->valid ? method : "the request", h->path);
		return;
	}
	ADD(h, "The page does not take the method %s: set the check's method to GET", method);
	add_method(h);
	if (writes)
		ADD(h, ", or its path to a page that takes %s", method);
	ADD(h, ".");
}

static void help_bad_request(const struct help *h)
{
	const char *host = h->a->request->host;

	if (h->a->request->valid && !host[0] && !sends_address_always(h)) {
		ADD(h, "The check sends no Host, which HTTP/1.1 demands: ");
		add_host(h, NULL);
		ADD(h, ".");
	} else if (is_address(host)) {
		ADD(h, "The service may not know the Host %s: ", host);
		add_host(h, NULL);
		ADD(h, ". If that is not it, its log says what it refuses of %s.", h->request);
	} else {
		ADD(h, "See the service's log for what it refuses of %s, such as a Host that it "
		       "does not know: ", h->request);
		add_host(h, NULL);
		ADD(h, ".");
	}
}

static void help_misdirected(const struct help *h)
{
	const char *host = h->a->request->host;

	if (host[0])
		ADD(h, "The service has no site by the Host %s: ", host);
	else
		ADD(h, "The service has no site for a request without a Host: ");
	add_host(h, NULL);
	ADD(h, ".");
}

static void help_not_found(const struct help *h)
{
	const char *host = h->a->request->host;

	ADD(h, "Set the check's path to a page that the service has.");
	if (host[0] && !is_address(host))
		ADD(h, " If it has %s, but not under the Host %s, ", h->path, host);
	else
		ADD(h, " If it has %s, but only under its own name, ", h->path);
	add_host(h, NULL);
	ADD(h, ".");
}

static void help_login(const struct help *h)
{
	ADD(h, "Set the check's path to a page that needs no login, or let %s in at %s without one.",
	    h->a->range, h->path);
}

static void help_forbidden(const struct help *h)
{
	if (h->a->request->valid && !method_is(h->a->request, "GET")) {
		ADD(h, "Set the check's method to GET");
		add_method(h);
		ADD(h, ", as many services forbid %s. If GET is forbidden, too: ",
		    h->a->request->method);
	}
	ADD(h, "Set the check's path to a page that is open to %s, or open %s to it: access rules "
	       "of the service, files that it may not read, or a directory without an index page.",
	    h->a->range, h->path);
}

/* Its parts as far as they are there: "https://web.example.org/login" or "/login". */
struct location {
	bool tls;
	char host[96]; /* with its port; "" the same */
	const char *path; /* with its query; "" the same */
};

static struct location read_location(const char *text)
{
	struct location l = { .path = text };
	const char *host = NULL;
	size_t len;

	if (strncasecmp(text, "https://", 8) == 0)
		host = text + 8;
	else if (strncasecmp(text, "http://", 7) == 0)
		host = text + 7;
	else if (strncmp(text, "//", 2) == 0)
		host = text + 2;
	if (!host)
		return l;
	l.tls = text[4] == 's' || text[4] == 'S';
	len = strcspn(host, "/?#");
	snprintf(l.host, sizeof(l.host), "%.*s", (int)len, host);
	l.path = host + len;
	return l;
}

/* Without its port. */
static bool same_host(const char *a, const char *b)
{
	size_t n = strcspn(a, ":");

	return n == strcspn(b, ":") && strncasecmp(a, b, n) == 0;
}

static bool is_login(const char *path)
{
	static const char *const words[] = { "login", "signin", "sign-in", "sign_in",
					     "/auth", "/sso", "oauth", "saml" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(path, words[i]))
			return true;
	return false;
}

static void help_redirect(const struct help *h)
{
	const char *text = h->a->location;
	bool whole = text[0] && strlen(text) < sizeof(((struct http_response *)0)->location) - 1;
	struct location l = read_location(text);
	const char *host = h->a->request->host;
	bool elsewhere = l.host[0] && !same_host(l.host, host);

	ADD(h, "Health checks follow no redirects: ");
	if (is_login(text)) {
		ADD(h, "set the check's path to a page that needs no login, or let %s in at %s "
		       "without one", h->a->range, h->path);
	} else if (l.tls) {
		ADD(h, "let the service answer %s itself, without sending it to HTTPS, or check "
		       "its HTTPS port by HTTPS", h->path);
		if (elsewhere && !is_address(l.host)) {
			ADD(h, "; then ");
			add_host(h, l.host);
		}
	} else if (elsewhere) {
		add_host(h, whole ? l.host : NULL);
		ADD(h, ", or its path to a page that answers itself");
	} else if (whole && l.path[0] == '/') {
		ADD(h, "set the check's path to %s, or to another page that answers itself",
		    l.path);
	} else {
		ADD(h, "set the check's path (or Host) to a page that answers itself");
	}
	if (h->words && h->words->codes) {
		ADD(h, "; or, where the redirect is proof enough, add %d to its expected codes",
		    h->a->status);
		add_setting(h, h->words->codes);
	}
	ADD(h, ".");
}

static void help_version(const struct help *h)
{
	bool haproxy = h->words && strcmp(h->words->name, "HAProxy") == 0;

	ADD(h, "The service wants another version of HTTP than the check speaks: let it take "
	       "HTTP/1.0 and HTTP/1.1 at %s, or set the check to HTTP/1.1 with a Host", h->path);
	if (haproxy)
		ADD(h, " (HAProxy: http-check send meth GET uri %s ver HTTP/1.1 hdr Host NAME)",
		    h->path);
	ADD(h, "; a page for WebSocket alone is none for checks.");
}

static void help_body(const struct help *h)
{
	const struct http_request *r = h->a->request;

	ADD(h, "The service does not take the body or the headers that the check sends");
	if (r->valid && !method_is(r, "GET")) {
		ADD(h, ": set its method to GET");
		add_method(h);
		ADD(h, ", or correct them.");
	} else {
		ADD(h, ": correct them at the load balancer, or let the service take them.");
	}
}

/* 2xx that is not expected: the service is well, and the check asks for another number. */
static void help_success(const struct help *h)
{
	const struct settings *s = h->a->settings;
	int wanted = s->n_expect ? s->expect[0].first : 200;

	if (h->words && h->words->codes) {
		ADD(h, "Add %d to the check's expected codes", h->a->status);
		add_setting(h, h->words->codes);
		ADD(h, ", or make the page answer %d.", wanted);
		return;
	}
	ADD(h, "Make the page answer %d, or set the check's path to one that does", wanted);
	if (!h->words || s->preset != &presets[0])
		ADD(h, ".");
	else /* it is the default, too */
		ADD(h, "; where the load balancer's expected codes can be set, %d can be one of "
		       "them.",
		    h->a->status);
}

static void help_upstream(const struct help *h)
{
	int status = h->a->status;

	if (status == 502)
		ADD(h, "By its status the service passes %s on, and got no valid answer: see "
		       "whether its upstream runs and listens where the service looks for it",
		    h->request);
	else
		ADD(h, "By its status the service passes %s on, and its upstream did not answer in "
		       "time: see what keeps that", h->request);
	ADD(h, "; the service's error log names it.");
}

static void help_rate(const struct help *h)
{
	ADD(h, "The service limits the rate of requests: take %s or %s out of that limit (each "
	       "node of the load balancer checks by itself), or lengthen the check's interval.",
	    h->a->range, h->path);
}

/* The service works, and it is only the HTTP check that does not suit it. */
static bool is_well(const struct status_answer *a)
{
	return status_refuses_method(a->request, a->status) ||
	       (a->status < 500 && a->status != 408 && a->status != 429);
}

/* The first whose codes have the status. */
static const struct {
	int first, last;
	void (*help)(const struct help *h);
} helps[] = {
	{ 200, 299, help_success },
	{ 304, 304, help_other },
	{ 300, 399, help_redirect },
	{ 400, 400, help_bad_request },
	{ 401, 401, help_login },
	{ 403, 403, help_forbidden },
	{ 404, 404, help_not_found },
	{ 405, 405, help_method },
	{ 410, 410, help_not_found },
	{ 411, 411, help_body },
	{ 413, 413, help_body },
	{ 415, 415, help_body },
	{ 421, 421, help_misdirected },
	{ 422, 422, help_body },
	{ 426, 426, help_version },
	{ 429, 429, help_rate },
	{ 501, 501, help_method },
	{ 502, 502, help_upstream },
	{ 504, 504, help_upstream },
	{ 505, 505, help_version },
	{ 0, 999, help_other },
};

void status_advise(const struct status_answer *a, struct diagnosis *d)
{
	const struct preset *client = client_preset(a->settings, a->request);
	struct help h = { .a = a, .words = client ? &client->words : NULL, .d = d,
			  .path = a->request->valid ? a->request->path : "this page" };
	size_t i = 0;

	if (a->request->valid)
		snprintf(h.request, sizeof(h.request), "%.15s %.70s", a->request->method, h.path);
	else
		snprintf(h.request, sizeof(h.request), "the request");
	while (i < sizeof(helps) / sizeof(helps[0]) - 1 &&
	       (a->status < helps[i].first || a->status > helps[i].last))
		i++;
	helps[i].help(&h);
	if (h.words && h.words->tcp && is_well(a))
		ADD(&h, " Until then a check by TCP passes (%s: %s): it asks for no page.",
		    h.words->name, h.words->tcp);
}
