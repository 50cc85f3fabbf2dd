// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What lies at the load balancer and in its cloud, where this host cannot look: advice.
 * Steps 1 and 2 are the cloud's filters, step 3 has the check's own settings.
 */
#include "check.h"

#include <string.h>

#include "diagnose/inbound.h"
#include "include/hct_event.h"
#include "render/format.h"

static const struct preset_words *words_of(const struct check *c)
{
	return inbound_words(c->facts->settings);
}

/* What a UDP check needs besides its own port, and a check whose port is not the service's. */
static void put_besides(const struct settings *s, bool acl, struct finding *out)
{
	if (s->protocols & HCT_PROTO_UDP)
		CHECK_PUT(out->why, "A UDP check pings first: add a rule with protocol ICMP and "
				    "the same source, too. ");
	else if (!s->protocols)
		CHECK_PUT(out->why, "A UDP listener's check needs protocol UDP, and beside it "
				    "ICMP, as it pings first. ");
	if (!s->protocols || s->protocols & (HCT_PROTO_TCP | HCT_PROTO_UDP))
		CHECK_PUT(out->why, "Where the check has a port of its own, let in both: that, and "
				    "the service's. ");
	CHECK_PUT(out->why, "'hctrace live' shows whether checks arrive: if none does, it is this%s.",
		  acl ? " or the network ACL" : "");
}

void check_cloud_group(struct check *c)
{
	const struct settings *s = c->facts->settings;
	const struct preset_words *w = words_of(c);
	struct finding out = check_finding(c, CHECK_NOTE);
	char rule[INBOUND_LEN], ports[128];

	if (w->group) {
		CHECK_PUT(out.what, "Not visible from this host. In the console, its %s (%s) needs "
				    "a rule with %s.", w->group, w->add, inbound_rule(rule, s));
		put_besides(s, w->acl, &out);
	} else {
		CHECK_PUT(out.what, "Not visible from this host. Whatever filters between %s and "
				    "it must let protocol %s, %s, in from %.100s.", w->name,
			  inbound_protocol(s), inbound_ports(ports, sizeof(ports), s), s->from_text);
		CHECK_PUT(out.why, "'hctrace live' shows whether checks arrive: if none does, it "
				   "is this.");
	}
	check_say(c, &out);
}

/* An address of this host that the load balancer can check, to be named in a rule. */
static bool own_address(const struct check_facts *f, char out[ADDR_TEXT_LEN])
{
	for (size_t i = 0; i < f->addresses.n && !f->addresses_err; i++) {
		const struct host_address *a = &f->addresses.a[i];

		if (!a->global || !check_device_wanted(f, a->device) ||
		    !check_has_family(f, address_is_ipv6(a->addr)))
			continue;
		format_addr(out, a->addr);
		return true;
	}
	return false;
}

void check_cloud_acl(struct check *c)
{
	const struct settings *s = c->facts->settings;
	const struct preset_words *w = words_of(c);
	struct finding out = check_finding(c, CHECK_NOTE);
	char ports[128], own[ADDR_TEXT_LEN] = "this host";

	if (!w->acl) {
		CHECK_PUT(out.what, "%s has no network ACL of subnets: step 1 has it all.",
			  w->name);
		check_say(c, &out);
		return;
	}
	own_address(c->facts, own);
	inbound_ports(ports, sizeof(ports), s);
	CHECK_PUT(out.what, "Not visible from this host. Where its subnet has a %s, that (%s) "
			    "needs a rule with action Allow, protocol %s, source %.100s, any "
			    "source port, destination %s, %s.", w->acl, w->add, inbound_protocol(s),
		  s->from_text,
		  own, ports);
	CHECK_PUT(out.why, "And an outbound rule for the answers, where it keeps no state: Allow, "
			   "source %s, %s, destination %.100s, any port. Both stand ahead of every "
			   "rule that denies.%s", own, ports, s->from_text,
		  s->protocols & HCT_PROTO_UDP ? " The same with protocol ICMP." : "");
	check_say(c, &out);
}

/* Whether an HTTP check may be meant: it is asked for, or nothing else is. */
static bool may_be_http(const struct settings *s)
{
	return s->expect_http || !s->protocols;
}

static void tell_way_out(struct check *c, bool http)
{
	const struct settings *s = c->facts->settings;
	const struct preset_words *w = words_of(c);
	struct finding out = check_finding(c, CHECK_NOTE);
	char interval[SPAN_TEXT_LEN], all[SPAN_TEXT_LEN];

	CHECK_PUT(out.what, "%s shows a change after %u checks in a row: with one every %s that is "
			    "%s after the cause is gone.", w->group ? "The console" : w->name,
		  s->retries,
		  format_setting(interval, s->interval_ns),
		  format_setting(all, s->retries * s->interval_ns));
	if (http && w->tcp)
		CHECK_PUT(out.why, "While an HTTP check fails although the service works, a check "
				   "with %s is the way out: it asks for the connection alone, and "
				   "so no longer tells whether the page is well.", w->tcp);
	check_say(c, &out);
}

void check_cloud_settings(struct check *c)
{
	const struct settings *s = c->facts->settings;
	const struct preset_words *w = words_of(c);
	struct finding out = check_finding(c, CHECK_NOTE);
	bool http = may_be_http(s);
	char ports[128];

	CHECK_PUT(out.what, "Not visible from this host. At the load balancer: is the health check "
			    "on, is its protocol the service's");
	if (s->n_ports)
		CHECK_PUT(out.what, ", its port right (here: %s)",
			  inbound_ports(ports, sizeof(ports), s));
	else
		CHECK_PUT(out.what, ", its port right");
	CHECK_PUT(out.what, "%s and the member's weight above 0?",
		  http ? ", its path one that answers with an expected code," : ",");
	if (w->where)
		CHECK_PUT(out.why, "In the console: %s.", w->where);
	check_say(c, &out);
	if (http && w->note) {
		out = check_finding(c, CHECK_NOTE);
		CHECK_PUT(out.what, "%s", w->note);
		check_say(c, &out);
	}
	tell_way_out(c, http);
}
