// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdict: libwrap refused the load balancer. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "diagnose/verdict/application.h"
#include "diagnose/verdict/report.h"

static enum match match_tcp_wrappers(const struct facts *f)
{
	const struct probe *p = f->p;

	if (!f->tcp || !f->connected || !p->has_libwrap || p->libwrap.granted)
		return NO_MATCH;
	if (!p->request_ns && !f->awaits_greeting) /* that it waited for a greeting follows from its end alone */
		return MATCH_LIKELY;
	if (!p->has_process || p->process_accepted)
		return MATCH_CERTAIN;
	/* a server often forks before it asks: another pid of the same name will do */
	return p->pid == p->libwrap_pid || strcmp(p->comm, p->libwrap_comm) == 0 ? MATCH_CERTAIN :
										   MATCH_LIKELY;
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

/*
 * Another user's process can ask libwrap in any name: what is a pattern or a
 * keyword of hosts_access(5) would let in more than that daemon's clients.
 */
static bool is_daemon_name(const char *name)
{
	static const char *const keywords[] = { "ALL", "LOCAL", "UNKNOWN", "KNOWN", "PARANOID",
						"EXCEPT" };

	/* one that fills its member may be the beginning of a longer one */
	if (!*name || *name == '.' || *name == '-' || name[strlen(name) - 1] == '.' ||
	    strlen(name) >= sizeof(((struct hct_libwrap *)0)->daemon) - 1)
		return false;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcasecmp(name, keywords[i]) == 0)
			return false;
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] ==
	       '\0';
}

/*
 * hosts.allow comes first, so that a line at its end is ahead of all of hosts.deny.  The file is
 * written, not replaced: it can be mounted there, or be a link, and keeps its owner.
 */
static void fix_wrappers(const char *daemon, const char *client, const struct host_wrappers *w,
			 struct diagnosis *d)
{
	const char *deny = strstr(w->file, "hosts.deny");
	char line[160], allow[sizeof(w->file) + 16];

	if (deny) {
		snprintf(line, sizeof(line), "%s: %s", daemon, client);
		snprintf(allow, sizeof(allow), "%.*shosts.allow", (int)(deny - w->file), w->file);
		/* the first newline: the last line may have none */
		FIX_COMMAND(d, "printf %s %s >>%s", "\\n%s\\n", line, allow);
	} else {
		snprintf(line, sizeof(line), "%s: %s", daemon, client);
		FIX_COMMAND(d, "old=$(cat %s) && printf %s %s \"$old\" >%s", w->file, "%s\\n", line,
			    w->file);
	}
	add_advice(d, "It applies to the next connection.");
}

static void report_tcp_wrappers(const struct facts *f, struct diagnosis *d)
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
	if (known && is_daemon_name(p->libwrap.daemon))
		fix_wrappers(p->libwrap.daemon, client, &w, d);
	else if (known)
		add_advice(d, "Let hosts.allow grant the daemon that line %" PRIu32 " of %.63s refuses to %s, "
			      "ahead of that line. It applies to the next connection.",
			   w.line, w.file, client);
	else
		add_advice(d, "Let the first line of hosts.allow grant the daemon to %s. It applies to the "
			      "next connection.", client);
}

const struct verdict verdict_tcp_wrappers = {
	.id = "tcp-wrappers",
	.code = "CONNECT_INTERRUPT",
	.step = "7",
	.summary = "hosts.deny refused it",
	.meaning = "The process asked libwrap (hosts.allow, hosts.deny) about the load balancer's "
		"address and was told to refuse it. Some services pause before closing: then "
		"the code is RECV_RESPONSE_TIMEOUT.",
	.evidence = "libwrap's decision, seen in the process that asked, and the line of the file "
		"that matched.",
	.remedy = "Add a line to /etc/hosts.allow, such as 'sshd: 100.125.'. It holds for the "
		"next connection.",
	.outcome = OUTCOME_FAIL,
	.needs = POINT_BIT(LIBWRAP),
	.rule = { .absence = ARRIVALS, .match = match_tcp_wrappers, .report = report_tcp_wrappers },
};
