// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: the service answered an HTTP check with another status, or with no HTTP. */
#include <strings.h>

#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"

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
	if (r->location[0])
		say(WHY(d), ", a redirect to %s", r->location);
	say(WHY(d), "; the load balancer expects ");
	say_expected(f, d);
	say(WHY(d), ".");
	if (say_upstream_of_status(f, status, d))
		return;
	if (status >= 300 && status < 400)
		say(ADVICE(d),
		    "Health checks follow no redirects: set the check's path (or Host) to a page "
		    "that answers itself, or "
		    "add %d to its expected codes.",
		    status);
	else if (status == 401 || status == 403)
		say(ADVICE(d),
		    "Let %s in without credentials for the check's path, or add %d to its expected "
		    "codes.",
		    f->range, status);
	else if (status == 404 || status == 400 || status == 421)
		say(ADVICE(d), "Set the check's path (and Host) to one that the service knows.");
	else if (status >= 500)
		say(ADVICE(d), "The service reports an error of its own: see its log for %s.",
		    request);
	else
		say(ADVICE(d), "Add %d to the check's expected codes, or make the page answer 200.",
		    status);
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
	.remedy = "Let the path of the check answer with an expected code (mind redirects, "
		"authentication and the Host header), or change path or expected codes at the "
		"load balancer.",
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
