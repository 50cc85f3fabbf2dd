// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The rule that lets checks in where this host cannot look, in the words of a cloud's console. */
#include "inbound.h"

#include <stdio.h>
#include <string.h>

#include "cli/presets.h"
#include "host/addresses.h"
#include "include/hct_event.h"

const struct preset_words *inbound_words(const struct settings *s)
{
	return &(s->preset ? s->preset : &presets[0])->words;
}

char *inbound_ports(char *out, size_t size, const struct settings *s)
{
	size_t used = 0;

	snprintf(out, size, "the check's port");
	for (size_t i = 0; i < s->n_ports && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%u",
					 i ? ", " : s->n_ports > 1 ? "ports " : "port ", s->ports[i]);
	return out;
}

const char *inbound_protocol(const struct settings *s)
{
	bool tcp = !s->protocols || s->protocols & HCT_PROTO_TCP, udp = s->protocols & HCT_PROTO_UDP;

	if (tcp && udp)
		return "TCP and UDP";
	return udp ? "UDP" : tcp ? "TCP" : "ICMP";
}

static const char *address_type(const struct settings *s)
{
	bool v4 = !s->n_from, v6 = false;

	for (size_t i = 0; i < s->n_from; i++)
		if (address_is_ipv6(s->from[i].addr))
			v6 = true;
		else
			v4 = true;
	return v4 && v6 ? "IPv4 and IPv6" : v6 ? "IPv6" : "IPv4";
}

char *inbound_rule(char out[INBOUND_LEN], const struct settings *s)
{
	const char *protocol = inbound_protocol(s);
	char ports[128];
	int used = snprintf(out, INBOUND_LEN, "action Allow, type %s, protocol %s", address_type(s),
			    protocol);

	if (strcmp(protocol, "ICMP") != 0)
		used += snprintf(out + used, INBOUND_LEN - (size_t)used, ", %s",
				 inbound_ports(ports, sizeof(ports), s));
	snprintf(out + used, INBOUND_LEN - (size_t)used, ", source %.140s", s->from_text);
	return out;
}
