// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Probe or traffic: the rules, in order; the first that has an opinion decides. */
#include "kind.h"

#include <netinet/in.h>
#include <string.h>

#include "answer.h"

/*
 * Steps that a single exchange can take.  TLS needs up to five: hello, finished,
 * request, and a ticket or a closing alert in between.
 */
#define MAX_TURNS_HTTP 1
#define MAX_TURNS_OTHER 5
#define MANY_IN_A_PERIOD 2 /* more than that, beside the one that is due, are users' */
#define MANY_DIFFERENT 2
#define MAX_DATAGRAMS 3 /* of one check, repeats included */

static const struct {
	const char *name, *text;
} told[TOLD_BY_COUNT] = {
	[TOLD_BY_PATH] = { "path", "by its path, as --path has it" },
	[TOLD_BY_REQUESTS] = { "requests", "by the many requests on one connection" },
	[TOLD_BY_HEADERS] = { "headers", "by a method or header that only users' requests have" },
	[TOLD_BY_PERIOD] = { "period", "by its steady period" },
	[TOLD_BY_CHECK] = { "check", "by its request, the same as other nodes check with" },
	[TOLD_BY_OTHER_REQUEST] = { "other-request",
				    "by its request: path, Host or method are not the check's" },
	[TOLD_BY_OFF_PERIOD] = { "off-period", "by its time: in between the steady checks" },
	[TOLD_BY_MIXTURE] = { "mixture", "by the variety that this node asks for" },
	[TOLD_BY_SHAPE] = { "shape", "by its shape: a single exchange" },
};

const char *told_by_name(enum told_by by)
{
	return by < TOLD_BY_COUNT ? told[by].name : NULL;
}

const char *told_by_text(enum told_by by)
{
	return by < TOLD_BY_COUNT ? told[by].text : NULL;
}

bool told_by_is_users(enum told_by by)
{
	return by == TOLD_BY_REQUESTS || by == TOLD_BY_HEADERS || by == TOLD_BY_OTHER_REQUEST ||
	       by == TOLD_BY_OFF_PERIOD || by == TOLD_BY_MIXTURE;
}

static bool other_path(const struct settings *s, const struct probe *p)
{
	size_t seen = strlen(p->http_request.path);

	if (seen == sizeof(p->http_request.path) - 1) /* cut */
		return strncmp(s->path, p->http_request.path, seen) != 0;
	return strcmp(s->path, p->http_request.path) != 0;
}

static bool has_many_requests(const struct probe *p)
{
	if (p->tuple.protocol == IPPROTO_UDP)
		return p->request_count > MAX_DATAGRAMS;
	if (p->burst && p->http_request.valid)
		return true;
	return p->turns > (p->http_request.valid ? MAX_TURNS_HTTP : MAX_TURNS_OTHER);
}

/* Most checks ask without a body: one that does not has to show its period. */
static bool has_users_method(const struct http_request *request)
{
	static const char *const checks[] = { "GET", "HEAD", "OPTIONS" };

	if (!request->valid)
		return false;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (strcmp(checks[i], request->method) == 0)
			return false;
	return true;
}

/* Neither an answer nor a refusal: of such a one only its time can be judged. */
static bool never_connected(const struct probe *p)
{
	return p->tuple.protocol == IPPROTO_TCP && !p->request_ns && !p->ack_ns &&
	       !p->established_ns;
}

static bool is_off_period(const struct probe *p, const struct habit_view *view)
{
	if (!view->off_time)
		return false;
	if (never_connected(p))
		return view->has_traffic;
	/* whose checks close keeps no connection for another */
	return p->request_ns &&
	       (view->crowd >= MANY_IN_A_PERIOD || (probe_stays_open(p) && !view->keeps));
}

struct kind kind_of(const struct settings *s, const struct probe *p, const struct habit_view *view)
{
	bool has_path = s->path && p->http_request.valid;

	if (has_path && other_path(s, p))
		return (struct kind){ true, true, TOLD_BY_PATH };
	if (has_many_requests(p))
		return (struct kind){ true, true, TOLD_BY_REQUESTS };
	if (p->http_request.valid && p->http_request.forwarded)
		return (struct kind){ true, true, TOLD_BY_HEADERS };
	if (view->on_time)
		return (struct kind){ false, false, TOLD_BY_PERIOD };
	if (is_off_period(p, view))
		return (struct kind){ true, false, TOLD_BY_OFF_PERIOD };
	if (has_path)
		return (struct kind){ false, false, TOLD_BY_PATH };
	if (!p->request_ns)
		return (struct kind){ false, false, TOLD_BY_SHAPE };
	if (view->check_known && view->like_check)
		return (struct kind){ false, false, TOLD_BY_CHECK };
	if (view->check_known)
		return (struct kind){ true, false, TOLD_BY_OTHER_REQUEST };
	if (view->again)
		return (struct kind){ false, false, TOLD_BY_PERIOD };
	/* of a protocol that we do not read, what follows at once may be of the same check */
	if (p->burst)
		return (struct kind){ true, false, TOLD_BY_REQUESTS };
	if (has_users_method(&p->http_request))
		return (struct kind){ true, false, TOLD_BY_HEADERS };
	if (view->mixture >= (p->exchange > 1 && p->http_request.valid ? 1 : MANY_DIFFERENT))
		return (struct kind){ true, false, TOLD_BY_MIXTURE };
	return (struct kind){ false, false, TOLD_BY_SHAPE };
}
