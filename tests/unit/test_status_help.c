// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is advised against an HTTP status, by the client of the check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/presets.h"
#include "diagnose/client.h"
#include "diagnose/verdict/status_help.h"

#define ADDRESS "192.168.0.10:80"

struct row {
	const char *preset; /* NULL: not given */
	const char *method, *host, *agent;
	int status;
	const char *location;
	const char *says[3], *not[2];
};

static void advise(const struct row *row, const char *process, struct diagnosis *d)
{
	struct settings s = { .preset = row->preset ? preset_named(row->preset) : &presets[0] };
	struct http_request request = { .valid = true };

	s.preset_given = s.preset != &presets[0];
	for (; s.preset->expect[s.n_expect].first; s.n_expect++)
		s.expect[s.n_expect] = s.preset->expect[s.n_expect];
	snprintf(request.method, sizeof(request.method), "%s", row->method ? row->method : "GET");
	snprintf(request.host, sizeof(request.host), "%s", row->host ? row->host : "");
	snprintf(request.agent, sizeof(request.agent), "%s", row->agent ? row->agent : "");
	strcpy(request.path, "/health");
	memset(d, 0, sizeof(*d));
	status_advise(&(struct status_answer){ .settings = &s, .request = &request,
					       .status = row->status,
					       .location = row->location ? row->location : "",
					       .process = process, .range = "100.125.0.0/16" }, d);
}

static void words(void **state)
{
	static const struct row rows[] = {
		/* the method, where the client has that setting */
		{ "haproxy", "OPTIONS", "", NULL, 405, NULL,
		  { "not take the method OPTIONS", "option httpchk GET /health" }, { "Add 405", "ELB" } },
		{ "haproxy", "OPTIONS", "", NULL, 501, NULL, { "option httpchk GET /health" } },
		{ "haproxy", "HEAD", "", NULL, 405, NULL, { "method HEAD", "GET /health" } },
		{ NULL, "OPTIONS", "", NULL, 405, NULL, { "HAProxy: option httpchk GET" }, { "ELB" } },
		{ NULL, "HEAD", ADDRESS, NULL, 405, NULL, { "method HEAD", "method to GET" },
		  { "HAProxy", "Add" } },
		{ "alibaba", "HEAD", ADDRESS, NULL, 405, NULL, { "Health Check Method" } },
		{ "tencent", "HEAD", ADDRESS, NULL, 501, NULL, { "HTTP Request Method" } },
		{ "envoy", "POST", "web", NULL, 405, NULL, { "method: GET", "takes POST" } },
		{ NULL, "PURGE", ADDRESS, NULL, 501, NULL, { "method PURGE" } },
		/* look-alikes: it is not the method */
		{ "haproxy", "GET", "", NULL, 405, NULL,
		  { "not take GET at /health", "path to a page" }, { "method", "Add" } },
		{ "haproxy", "OPTIONS", "", NULL, 503, NULL, { "see its log for OPTIONS /health" },
		  { "method" } },
		{ "haproxy", "GET", "", NULL, 501, NULL, { "see its log for GET /health" },
		  { "method" } },
		{ "haproxy", "OPTIONS", "", NULL, 403, NULL, { "method to GET", "forbid OPTIONS" } },
		{ "haproxy", "OPTIONS", "", NULL, 404, NULL, { "path to a page" }, { "method" } },
		/* the Host, where it can be set, and where it cannot */
		{ "elb", "GET", ADDRESS, NULL, 400, NULL, { ADDRESS, "ELB: Domain Name" } },
		{ "elb-dedicated", "GET", ADDRESS, NULL, 404, NULL, { "Domain Name" } },
		{ "elb-classic", "GET", ADDRESS, NULL, 421, NULL, { "default_server", "always" },
		  { "Domain Name", "set the check's Host" } },
		{ "azure", "GET", "[fd00::5]:80", NULL, 400, NULL, { "default_server" },
		  { "set the check's Host" } },
		{ "aws-alb", "GET", "192.168.0.10", NULL, 404, NULL, { "path to a page", "default_server" },
		  { "set the check's Host" } },
		{ "aws-nlb", "GET", "", NULL, 400, NULL, { "default_server" } },
		/* who sends a name is another than --lb says */
		{ "aws-nlb", "GET", "web.example.org", NULL, 421, NULL,
		  { "web.example.org", "set the check's Host" }, { "default_server" } },
		{ "gcp", "GET", ADDRESS, NULL, 421, NULL, { "Google Cloud: Host HTTP header" } },
		{ "keepalived", "GET", ADDRESS, NULL, 404, NULL, { "virtualhost" } },
		{ "haproxy", "GET", "", NULL, 400, NULL, { "sends no Host", "http-check send hdr Host" } },
		{ NULL, "GET", ADDRESS, "kube-probe/1.31", 421, NULL, { "httpHeaders" }, { "ELB" } },
		{ NULL, "GET", ADDRESS, "curl/7.88.1", 421, NULL, { "Domain Name" } },
		{ "elb-classic", "GET", ADDRESS, "curl/7.88.1", 421, NULL, { "default_server" } },
		/* logins, rights and redirects */
		{ "haproxy", "GET", ADDRESS, NULL, 401, NULL, { "needs no login", "100.125.0.0/16" },
		  { "codes" } },
		{ "elb", "GET", ADDRESS, NULL, 403, NULL, { "open to 100.125.0.0/16" }, { "codes" } },
		{ "elb", "GET", ADDRESS, NULL, 301, "https://192.168.0.10/health",
		  { "HTTPS" }, { "Host", "codes" } },
		{ "elb", "GET", ADDRESS, NULL, 301, "https://www.example.org/health",
		  { "HTTPS", "Host to www.example.org", "Domain Name" } },
		{ "azure", "GET", ADDRESS, NULL, 308, "https://www.example.org/health",
		  { "HTTPS", "default_server" }, { "Host to www" } },
		{ "gcp", "GET", ADDRESS, NULL, 302, "http://www.example.org/health",
		  { "Host to www.example.org" } },
		{ "haproxy", "GET", "", NULL, 302, "/login?next=/health", { "needs no login" } },
		{ "aws-alb", "GET", ADDRESS, NULL, 301, "/health/",
		  { "path to /health/", "AWS: Success codes" } },
		{ "gcp", "GET", ADDRESS, NULL, 307, "", { "follow no redirects", "path" }, { "codes" } },
		{ "elb", "GET", ADDRESS, NULL, 304, NULL, { "answer 200" }, { "redirect" } },
		/* others */
		{ "haproxy", "GET", "", NULL, 426, NULL, { "HTTP/1.1", "ver HTTP/1.1" } },
		{ "elb", "GET", ADDRESS, NULL, 429, NULL, { "limits the rate", "100.125.0.0/16" },
		  { "TCP" } },
		{ "elb", "GET", ADDRESS, NULL, 431, NULL, { "large" }, { "codes" } },
		{ "elb", "GET", ADDRESS, NULL, 407, NULL, { "forward proxy" } },
		{ "elb", "GET", ADDRESS, NULL, 418, NULL, { "log" }, { "codes", "Add" } },
		{ "envoy", "POST", "web", NULL, 415, NULL, { "method: GET" } },
		{ "elb", "GET", ADDRESS, NULL, 500, NULL, { "see its log for GET /health" },
		  { "codes", "TCP" } },
		{ "elb", "GET", ADDRESS, NULL, 502, NULL, { "upstream runs" }, { "codes", "TCP" } },
		{ "elb", "GET", ADDRESS, NULL, 504, NULL, { "in time" }, { "codes" } },
		/* a pass by another number */
		{ "aws-alb", "GET", ADDRESS, NULL, 204, NULL, { "Add 204", "Success codes" } },
		{ "gcp", "GET", ADDRESS, NULL, 204, NULL, { "answer 200" }, { "codes" } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct diagnosis d;

		advise(row, "", &d);
		for (size_t j = 0; j < 3 && row->says[j]; j++)
			if (!strstr(d.fix.advice, row->says[j]))
				fail_msg("row %zu, %d, lacks '%s': %s", i, row->status, row->says[j],
					 d.fix.advice);
		for (size_t j = 0; j < 2 && row->not[j]; j++)
			if (strstr(d.fix.advice, row->not[j]))
				fail_msg("row %zu, %d, says '%s': %s", i, row->status, row->not[j],
					 d.fix.advice);
		assert_false(d.fix.command.text[0]);
	}
}

/* Of every client and status: something to do, whole, and no error is to be expected. */
static void every_status(void **state)
{
	static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "POST" };

	for (size_t p = 0; p < n_presets; p++) {
		for (int status = 100; status < 600; status++) {
			for (size_t m = 0; m < 4; m++) {
				const struct row row = { presets[p].name, methods[m], ADDRESS, NULL, status,
							 "https://192.168.0.10/health" };
				struct diagnosis d;
				size_t len;

				advise(&row, "nginx", &d);
				len = strlen(d.fix.advice);
				assert_in_range(len, 20, sizeof(d.fix.advice) - 2);
				assert_int_equal(d.fix.advice[len - 1], '.');
				if (status >= 400)
					assert_null(strstr(d.fix.advice, "expected codes"));
			}
		}
	}
}

static void by_a_proxy(void **state)
{
	const struct row row = { "elb", "GET", ADDRESS, NULL, 503 };
	struct diagnosis d;

	advise(&row, "haproxy", &d);
	assert_non_null(strstr(d.fix.advice, "none of its servers is up"));
	advise(&row, "nginx", &d);
	assert_null(strstr(d.fix.advice, "servers"));
}

/* The method and the way out are told for the answer of a request that could be read alone. */
static void unread_request(void **state)
{
	const struct settings s = { .preset = &presets[0] };
	const struct http_request unread = { .valid = false };
	struct diagnosis d = { 0 };

	status_advise(&(struct status_answer){ .settings = &s, .request = &unread, .status = 405,
					       .location = "", .process = "", .range = "" }, &d);
	assert_null(strstr(d.fix.advice, "method"));
	assert_non_null(strstr(d.fix.advice, "the request"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(every_status),
		cmocka_unit_test(by_a_proxy),
		cmocka_unit_test(unread_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
