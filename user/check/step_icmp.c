// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Step 8: ping, and the ICMP errors by which a dead UDP service is known. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "include/hct_event.h"
#include "include/hct_flow.h"

#define UNREACHABLE_BIT (1 << 3) /* of icmp_ratemask: destination unreachable */

static void check_echo(struct check *c, const char *name)
{
	unsigned asked = c->facts->settings->protocols;
	bool tcp_only = asked && !(asked & (HCT_PROTO_UDP | HCT_PROTO_ICMP));
	struct finding out = check_finding(c, CHECK_OK);
	int64_t ignored;

	if (!check_sysctl(c, name, &ignored))
		return;
	CHECK_SHOW(&out, "sysctl %s", name);
	if (ignored) {
		out.result = tcp_only ? CHECK_WARN : CHECK_FAIL;
		CHECK_PUT(out.what, "This host answers no ping (%s is %" PRId64 ").", name,
			  ignored);
		CHECK_PUT(out.why, "UDP checks ping first: without an answer the target is "
				   "unhealthy.");
		CHECK_FIX(&out, "sysctl -w %s=0", name);
	} else {
		CHECK_PUT(out.what, "This host answers ping (%s is 0).", name);
	}
	check_say(c, &out);
}

static void check_limit(struct check *c)
{
	bool udp = c->facts->settings->protocols & HCT_PROTO_UDP;
	struct finding out = check_finding(c, CHECK_OK);
	int64_t limit, mask;

	if (!check_sysctl(c, "net.ipv4.icmp_ratelimit", &limit) ||
	    !check_sysctl(c, "net.ipv4.icmp_ratemask", &mask))
		return;
	CHECK_SHOW(&out, "sysctl net.ipv4.icmp_ratelimit net.ipv4.icmp_ratemask");
	if (limit && mask & UNREACHABLE_BIT) {
		out.result = udp ? CHECK_WARN : CHECK_NOTE;
		CHECK_PUT(out.what,
			  "The ICMP errors that report a closed UDP port are rate-limited "
			  "(icmp_ratelimit %" PRId64 ", icmp_ratemask %" PRId64 ").",
			  limit, mask);
		CHECK_PUT(out.why,
			  "The load balancer takes silence for health: a dead UDP service can "
			  "look healthy. %s",
			  udp ? "" : "It matters to UDP checks only.");
		CHECK_FIX(&out, "sysctl -w net.ipv4.icmp_ratemask=%ld",
			  (long)(mask & ~UNREACHABLE_BIT));
	} else {
		CHECK_PUT(out.what, "ICMP errors that report a closed UDP port are not "
				    "rate-limited.");
	}
	check_say(c, &out);
}

void check_icmp(struct check *c)
{
	if (check_has_family(c->facts, false)) {
		check_echo(c, "net.ipv4.icmp_echo_ignore_all");
		check_limit(c);
	}
	if (check_has_family(c->facts, true))
		check_echo(c, "net.ipv6.icmp.echo_ignore_all");
}
