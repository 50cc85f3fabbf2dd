// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the sender of a check knows beside what was seen of it on the host. */
#include <stdio.h>
#include <string.h>

#include "diagnose/verdict/status_help.h"
#include "guest.h"
#include "render/format.h"

#define PATIENCE_NS UINT64_C(1000000000) /* a client that has no turn of the CPU: far more than it takes */

static bool is_expected(const struct settings *s, int status)
{
	for (size_t i = 0; i < s->n_expect; i++)
		if (status >= s->expect[i].first && status <= s->expect[i].last)
			return true;
	return !s->n_expect;
}

/*
 * A pass that did not reach the client is none: something behind our last look at it took the
 * answer.
 */
static void judge_unreached(const struct guest *g, const struct client_seen *seen,
			    struct diagnosis *d)
{
	d->verdict = VERDICT_UNKNOWN;
	d->outcome = OUTCOME_UNKNOWN;
	d->confidence = CONFIDENCE_GUESS;
	d->code = NULL;
	d->note[0] = '\0';
	snprintf(d->why, sizeof(d->why),
		 "On this host the check was answered, but its client did not get the answer (%s): "
		 "something behind the last point seen took it.",
		 seen->err ? strerror(seen->err) : "it was no answer");
	memset(&d->fix, 0, sizeof(d->fix));
	snprintf(d->fix.advice, sizeof(d->fix.advice),
		 "Look at the tc filters and queues of %s.", g->way->port);
	command_add(&d->fix.show, "tc filter show dev %s egress; tc -s qdisc show dev %s",
		    g->way->port, g->way->port);
}

/* The same advice as for an answer that is seen on the wire. */
static void advise_status(const struct guest *g, const struct client_seen *seen,
			  struct diagnosis *d)
{
	const struct client_check *check = &g->plan.check;
	char range[PREFIX_TEXT_LEN] = "the load balancer";
	struct http_request request = { .valid = true };

	snprintf(request.method, sizeof(request.method), "%s", check->manner->method);
	snprintf(request.path, sizeof(request.path), "%s", check->path);
	snprintf(request.host, sizeof(request.host), "%s", check->host);
	if (g->settings->n_from == 1)
		format_prefix(range, &g->settings->from[0]);
	status_advise(&(struct status_answer){ .settings = g->settings, .request = &request,
					       .status = seen->status, .location = "",
					       .process = "", .range = range }, d);
}

/* Behind TLS only the client knows what was answered. */
static void judge_https(const struct guest *g, const struct client_seen *seen, struct diagnosis *d)
{
	const struct client_check *check = &g->plan.check;

	if (d->outcome != OUTCOME_PASS || seen->result == CLIENT_STOPPED)
		return;
	if (seen->result == CLIENT_FAILED) {
		judge_unreached(g, seen, d);
		return;
	}
	if (seen->result == CLIENT_OK && is_expected(g->settings, seen->status)) {
		snprintf(d->note, sizeof(d->note),
			 "The client saw the encrypted answer: status %d.", seen->status);
		return;
	}
	d->outcome = OUTCOME_FAIL;
	d->confidence = CONFIDENCE_CERTAIN;
	d->note[0] = '\0';
	if (seen->result == CLIENT_OK) {
		d->verdict = VERDICT_HTTP_STATUS;
		d->code = verdict_info(d->verdict)->code;
		snprintf(d->why, sizeof(d->why),
			 "The service answered %s %s (Host %s) with status %d, behind the "
			 "encryption; the check expects other codes.",
			 check->manner->method, check->path, check->host, seen->status);
		memset(&d->fix, 0, sizeof(d->fix));
		advise_status(g, seen, d);
		return;
	}
	d->verdict = seen->result == CLIENT_NOT_HTTP ? VERDICT_NOT_HTTP :
		     seen->result == CLIENT_TLS ? VERDICT_TLS_ALERT :
		     seen->result == CLIENT_TIMEOUT ? VERDICT_APP_SLOW : VERDICT_APP_CLOSED;
	d->code = verdict_info(d->verdict)->code;
	snprintf(d->why, sizeof(d->why),
		 "The client of the check saw it fail behind the encryption: %s.",
		 seen->result == CLIENT_NOT_HTTP ? "what was answered is no HTTP" :
		 seen->result == CLIENT_TLS ? "the handshake was not completed" :
		 seen->result == CLIENT_TIMEOUT ? "no answer came in time" :
						  "the connection ended without an answer");
	memset(&d->fix, 0, sizeof(d->fix));
	snprintf(d->fix.advice, sizeof(d->fix.advice), "%s", verdict_info(d->verdict)->remedy);
}

/* This client only connects: that the service ended the connection ahead of it is no matter to it. */
static void judge_connected(const struct probe *p, struct diagnosis *d)
{
	*d = (struct diagnosis){ .verdict = VERDICT_HEALTHY, .outcome = OUTCOME_PASS,
				 .confidence = CONFIDENCE_CERTAIN };
	snprintf(d->why, sizeof(d->why), "The connection came about in %.3g ms.",
		 (double)(p->synack_ns - p->start_ns) / 1e6);
	snprintf(d->note, sizeof(d->note),
		 "The service ended the connection at once: a check that asks for something, or waits "
		 "for a greeting, fails.");
}

/*
 * A probe that ended where it would have left the host.  Of a request whose source was rewritten it
 * is not known whose it was: that of a probe that nothing else explains.
 */
static void judge_kept(const struct guest *g, const struct hct_bottle_flow *flow,
		       struct diagnosis *d)
{
	bool own = bottle_tc_kept(g->tc, flow);

	if (d->outcome == OUTCOME_PASS)
		return;
	if (!own && (d->verdict != VERDICT_UNKNOWN ||
		     bottle_tc_count(g->tc, HCT_BOTTLE_KEPT) == g->kept))
		return;
	d->verdict = VERDICT_UNKNOWN;
	d->outcome = OUTCOME_UNKNOWN;
	d->confidence = own ? CONFIDENCE_CERTAIN : CONFIDENCE_LIKELY;
	d->code = NULL;
	snprintf(d->why, sizeof(d->why),
		 "This host forwards the check to another one.  A probe of hctrace does not leave "
		 "the host, so it ended where it would have left.");
	memset(&d->fix, 0, sizeof(d->fix));
	snprintf(d->fix.advice, sizeof(d->fix.advice),
		 "Probe on the host that it is forwarded to; a real check is followed by hctrace "
		 "live.");
}

/* Only a real check shows whether the network takes an answer by another device than its own. */
static bool leaves_elsewhere(const struct probe *p)
{
	return p->device_in[0] && p->device_out[0] && !p->left_where_it_came &&
	       strncmp(p->device_in, p->device_out, IFNAMSIZ) != 0;
}

static void doubt_way_back(const struct probe *p, struct diagnosis *d)
{
	size_t used = strlen(d->note);

	d->confidence = CONFIDENCE_LIKELY;
	snprintf(d->note + used, sizeof(d->note) - used,
		 "%sThe check came in by %s, and its answer left by %s, where hctrace itself took it: "
		 "whether a load balancer gets it from there, only a real check shows.  'hctrace check' "
		 "says which route leads there.", used ? "  " : "", p->device_in, p->device_out);
}

static void tell_limits(struct guest *g, struct diagnosis *d)
{
	size_t used = strlen(d->note);

	if (g->told)
		return;
	g->told = true;
	used += (size_t)snprintf(d->note + used, sizeof(d->note) - used,
				 "%sThis host would pass.  If the console still says unhealthy, "
				 "look at the security group (step 1), the network ACL (step 2) "
				 "and the check's own port.", used ? "  " : "");
	if (g->not_met[0] && used < sizeof(d->note))
		snprintf(d->note + used, sizeof(d->note) - used, "  Not met at %s: %s.",
			 g->way->port, g->not_met);
}

void guest_judge(void *ctx, const struct probe *p, struct diagnosis *d)
{
	struct guest *g = ctx;
	struct hct_bottle_flow flow = { .port = p->tuple.lb_port, .protocol = p->tuple.protocol };
	/* a failure that was seen here needs no word of a client that waits for an answer */
	bool asks = d->outcome == OUTCOME_PASS || d->verdict == VERDICT_REPLY_LOST ||
		    g->plan.check.kind == CLIENT_TCP;
	struct client_seen seen;

	if (prober_seen(g->prober, &flow, asks ? PATIENCE_NS : 0, &seen)) {
		bool pass = seen.result == CLIENT_OK;

		if (seen.kind == CLIENT_HTTPS)
			judge_https(g, &seen, d);
		else if (seen.kind == CLIENT_TCP && pass && d->outcome != OUTCOME_PASS)
			judge_connected(p, d);
		else if ((d->outcome == OUTCOME_PASS && !pass && seen.result != CLIENT_STOPPED) ||
			 d->verdict == VERDICT_REPLY_LOST)
			judge_unreached(g, &seen, d);
	}
	judge_kept(g, &flow, d);
	if (d->outcome == OUTCOME_PASS && leaves_elsewhere(p))
		doubt_way_back(p, d);
	else if (d->outcome == OUTCOME_PASS)
		tell_limits(g, d);
	g->passed += d->outcome == OUTCOME_PASS;
	g->failed += d->outcome == OUTCOME_FAIL;
	g->unknown += d->outcome == OUTCOME_UNKNOWN;
}
