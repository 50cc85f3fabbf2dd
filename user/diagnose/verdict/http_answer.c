// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: the service answered an HTTP check with another status, or with no HTTP. */
#include <strings.h>

#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"
#include "diagnose/verdict/status_help.h"

/* "HTTP/2.0 200", "http/1.1 200": some clients take that. */
static bool begins_like_http(const struct facts *f)
{
	return f->p->first_bytes_len >= 5 &&
	       strncasecmp((const char *)f->p->first_bytes, "HTTP/", 5) == 0;
}

static enum match match_not_http(const struct facts *f)
{
	const struct probe *p = f->p;

	/* where events were lost, what is seen first may be the middle of an answer */
	return wants_answer(f) && f->http && !f->tls && f->answered && p->first_bytes_len &&
			       p->answer.broken && !p->http_response.valid && !begins_like_http(f) &&
			       !p->missing && !p->lossy
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

static enum match match_http_status(const struct facts *f)
{
	const struct probe *p = f->p;

	/* HTTP/2; gRPC has its own status inside of a 200 */
	if (f->spoken.status && f->replied)
		return facts_status_expected(f->s, f->spoken.status) ||
				       (f->spoken.grpc.seen && f->spoken.status == 200) ?
			       NO_MATCH : MATCH_CERTAIN;
	if (f->gaps && !p->http_request.valid) /* it may have asked in another protocol */
		return NO_MATCH;
	return wants_answer(f) && !f->tls && f->answered && p->http_response.valid &&
			       !facts_status_expected(f->s, p->http_response.status)
		       ? MATCH_CERTAIN
		       : NO_MATCH;
}

static void report_not_http(const struct facts *f, struct diagnosis *d)
{
	char who[48], request[96];

	where_application(f, d);
	say(WHY(d), "%s answered %s with ", capitalised(process_words(f, who)),
	    request_words(f, request));
	say_looks(f, d);
	say(WHY(d), ", which is no HTTP response.");
	say(ADVICE(d),
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

static void report_http_status(const struct facts *f, struct diagnosis *d)
{
	const struct http_request *q = &f->p->http_request;
	const struct http_response *r = &f->p->http_response;
	char who[48], request[96];
	int status = f->spoken.status ? f->spoken.status : r->status;

	where_application(f, d);
	say(WHY(d), "%s answered %s", capitalised(process_words(f, who)),
	    request_words(f, request));
	if (f->spoken.status)
		say(WHY(d), " (HTTP/2)");
	if (q->host[0])
		say(WHY(d), " (Host: %s)", q->host);
	say(WHY(d), " with status %d", status);
	if (status_refuses_method(q, status))
		say(WHY(d), ", as it does not take the method %s there", q->method);
	if (r->location[0])
		say(WHY(d), ", a redirect to %s", r->location);
	say(WHY(d), "; the load balancer expects ");
	say_expected(f, d);
	say(WHY(d), ".");
	if (say_upstream_of_status(f, status, d))
		return;
	status_advise(&(struct status_answer){ .settings = f->s, .request = q, .status = status,
					       .location = r->location, .process = f->p->comm,
					       .range = f->range }, d);
	show_request(f, d);
}

const struct verdict verdict_http_status = {
	.id = "http-status",
	.code = "RESPONSE_MISMATCH",
	.step = "3",
	.summary = "unexpected HTTP status",
	.meaning = "The service answered in time, but with a status that the check does not "
		"expect.",
	.evidence = "The status line of the response, against the expected codes.",
	.remedy = "Let the path of the check answer GET with an expected code (mind redirects, "
		"authentication and the Host header), or change method, path or Host of the check "
		"at the load balancer. An enhanced load balancer expects 200, 202 or 401, a "
		"dedicated one 200 unless other codes are set, a classic one 2xx or 3xx, and a TCP "
		"listener with an HTTP check 200. While an HTTP check fails, a TCP check is the way "
		"out where the service itself works.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(TC_INGRESS) | POINT_BIT(TC_EGRESS),
	.rule = { .match = match_http_status, .report = report_http_status },
};

const struct verdict verdict_not_http = {
	.id = "not-http",
	.code = "RESPONSE_FORMAT_ERROR",
	.step = "3",
	.summary = "answer is not HTTP",
	.meaning = "The service answered an HTTP check with something that is not HTTP.",
	.evidence = "The first bytes of the answer, and what they look like (TLS, an SSH greeting, "
		"...).",
	.remedy = "Correct the port of the check, or its protocol: HTTPS for a TLS port, TCP for "
		"other services.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(TC_INGRESS) | POINT_BIT(TC_EGRESS),
	.rule = { .match = match_not_http, .report = report_not_http },
};
