// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts: the service answered in a protocol of its own, with an error. */
#include <string.h>

#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"

#define WAITED_NS UINT64_C(5000000) /* who only connects has ended by then */

/*
 * A greeting is there whether it was waited for or not.  Who ends with a FIN has
 * read what had come: unread bytes make a reset of it.
 */
static enum match how_sure(const struct facts *f)
{
	const struct probe *p = f->p;
	uint64_t shaken = p->ack_ns > p->synack_ns ? p->ack_ns : p->synack_ns;

	if (f->udp || p->request_bytes_len)
		return MATCH_CERTAIN;
	if (!p->confirmed_ns)
		return MATCH_LIKELY;
	return p->first_byte_ns > shaken + WAITED_NS || (p->lb_fin_ns && !p->lb_rst_ns) ? MATCH_CERTAIN :
											  MATCH_LIKELY;
}

static enum match match_grpc_status(const struct facts *f)
{
	return f->spoken.grpc.seen && f->spoken.result == READ_ERROR && f->replied ? MATCH_CERTAIN :
										     NO_MATCH;
}

static enum match match_service_error(const struct facts *f)
{
	if (f->spoken.result != READ_ERROR || !f->replied || f->spoken.grpc.seen ||
	    (f->gaps && f->tcp && !f->p->request_bytes_len))
		return NO_MATCH;
	return how_sure(f);
}

static const struct {
	const char *application, *says, *advice;
} hints[] = {
	{ "redis", "-DENIED", "Redis is in protected mode: set a password, or 'protected-mode no' where the "
			      "network keeps others out." },
	{ "redis", "-NOAUTH", "Redis wants a password: give it to the check, or set the check to one that only "
			      "connects." },
	{ "redis", "-LOADING", "Redis loads its data and will answer when it has." },
	{ "redis", "-MISCONF", "Redis cannot write its data to disk: see its log." },
	{ "redis", "max number of clients", "Raise Redis's maxclients, or find who keeps connections open." },
	{ "mysql", "1040", "Raise max_connections, or find who keeps connections open." },
	{ "mysql", "1129", "Too many broken connections from there (bare TCP checks count): run 'mysqladmin "
			   "flush-hosts', and give the check a user." },
	{ "mysql", "1130", "Create the check's user for the load balancer's addresses." },
	{ "mysql", "1045", "The check's user has another password, or may not come from there." },
	{ "postgresql", "28000", "Let a line of pg_hba.conf admit the load balancer's addresses." },
	{ "postgresql", "57P03", "It starts up or recovers: see its log." },
	{ "postgresql", "53300", "Raise max_connections, or find who keeps connections open." },
	{ "dns", "REFUSED", "The server answers no such questions to these clients: see its access list, or "
			    "whether it serves the name that is asked for." },
	{ "dns", "NXDOMAIN", "Set the name that the check asks for to one that the server knows." },
	{ "dns", "SERVFAIL", "The server could not resolve it: see its log and its upstream servers." },
	{ "haproxy-agent", "", "The agent on this host says so itself: see why it does." },
};

static void advise(const struct facts *f, struct diagnosis *d)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (strcmp(hints[i].application, f->spoken.application ? f->spoken.application : "") ||
		    !strstr(f->spoken.quote, hints[i].says))
			continue;
		add_advice(d, "%s", hints[i].advice);
		return;
	}
	add_advice(d, "The service is reached and reports an error of its own: see its log for that moment.");
}

static void report_service_error(const struct facts *f, struct diagnosis *d)
{
	char who[48];

	where_application(f, d);
	say(WHY(d), "%s answered %s with an error (%s): '%s'.", capitalised(process_words(f, who)),
	    f->udp || f->p->request_bytes_len ? "the check" : "the connection", f->spoken.application,
	    f->spoken.quote);
	advise(f, d);
}

static void report_grpc_status(const struct facts *f, struct diagnosis *d)
{
	const struct reading *r = &f->spoken;
	char who[48];

	where_application(f, d);
	say(WHY(d), "%s answered the gRPC health check", capitalised(process_words(f, who)));
	if (r->grpc.service[0])
		say(WHY(d), " of service '%s'", r->grpc.service);
	say(WHY(d), " with %s.", r->quote);
	if (r->grpc.status == 12)
		add_advice(d, "Register the health service (grpc.health.v1.Health) in the server.");
	else if (r->grpc.status == 5)
		add_advice(d, "Set the check's service name to one that the server reports on.");
	else
		add_advice(d, "The service reports this itself: see its log.");
}

const struct verdict verdict_service_error = {
	.id = "service-error",
	.code = "RESPONSE_MISMATCH",
	.step = "3",
	.summary = "service reports an error",
	.meaning = "The service was reached and answered in its own protocol, but with an error: it takes "
		"no more clients, wants a password, is starting up, and the like.",
	.evidence = "The answer, which is quoted, and what its protocol says of it (redis, MySQL, PostgreSQL, "
		"SMTP, FTP, LDAP, SSH, memcached, DNS, HTTP/2, HAProxy's agent).",
	.remedy = "Do what the error says: raise a limit, admit the load balancer's addresses, give the check a "
		"user, or wait until the service has started.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(TC_INGRESS) | POINT_BIT(TC_EGRESS),
	.rule = { .match = match_service_error, .report = report_service_error },
};

const struct verdict verdict_grpc_status = {
	.id = "grpc-status",
	.code = "RESPONSE_MISMATCH",
	.step = "3",
	.summary = "gRPC status is not OK",
	.meaning = "gRPC answered the health check with a status other than 0, or with a serving status other "
		"than SERVING.",
	.evidence = "grpc-status in the answer's trailers, and the status in grpc.health.v1's answer.",
	.remedy = "See why the service does not serve; where it has no health service, register one, and set the "
		"check's service name to one that it knows.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(TC_INGRESS) | POINT_BIT(TC_EGRESS),
	.rule = { .match = match_grpc_status, .report = report_grpc_status },
};
