// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Steps 1 and 2: what lies at the load balancer, where this host cannot look: advice. */
#include "check.h"

static void put_ports(const struct settings *s, char *text, size_t size)
{
	for (size_t i = 0; i < s->n_ports; i++)
		check_add(text, size, "%s%u", i ? ", " : " (here: ", s->ports[i]);
	if (s->n_ports)
		check_add(text, size, ")");
}

void check_cloud_settings(struct check *c)
{
	struct finding out = check_finding(c, CHECK_NOTE);

	CHECK_PUT(out.what, "Not visible from this host. At the load balancer: is the health check "
			    "enabled, are its protocol, port");
	put_ports(c->facts->settings, out.what, sizeof(out.what));
	CHECK_PUT(out.what, ", path and expected codes those of the service, and is the member's "
			    "weight above 0?");
	check_say(c, &out);
}

void check_cloud_network(struct check *c)
{
	struct finding out = check_finding(c, CHECK_NOTE);

	CHECK_PUT(out.what, "Not visible from this host. In the cloud console: do this host's "
			    "security group and its subnet's network ACL let %.120s in",
		  c->facts->settings->from_text);
	put_ports(c->facts->settings, out.what, sizeof(out.what));
	CHECK_PUT(out.what, ", and the answers out?");
	CHECK_PUT(out.why, "'hctrace live' shows whether checks arrive here: if none does, it is "
			   "this.");
	check_say(c, &out);
}
