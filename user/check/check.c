// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The procedure: its steps in their order, and what they share. */
#include "check.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#include "include/hct_event.h"
#include "include/hct_flow.h"
#include "render/format.h"

const struct check_step check_steps[] = {
	{ "1", "Security group", check_cloud_group },
	{ "2", "Network ACL", check_cloud_acl },
	{ "3", "What listens, and the check's settings", check_listeners },
	{ "3", "Addresses that are listened on", check_listen_addresses },
	{ "3", "The check's settings", check_cloud_settings },
	{ "4", "Firewall", check_firewall },
	{ "4", "Other filters", check_filters },
	{ "5", "Way back to the load balancer", check_routes },
	{ "6", "Load and accept queues", check_load },
	{ "7", "hosts.allow and hosts.deny", check_wrappers },
	{ "8", "ICMP and UDP", check_icmp },
	{ "-", "What hctrace can see here", check_capabilities },
};
const size_t n_check_steps = sizeof(check_steps) / sizeof(check_steps[0]);

void check_run(struct check *c)
{
	memset(c->count, 0, sizeof(c->count));
	for (size_t i = 0; i < n_check_steps; i++) {
		c->step = check_steps[i].step;
		check_steps[i].run(c);
	}
}

struct finding check_finding(const struct check *c, enum check_result result)
{
	return (struct finding){ .step = c->step, .result = result };
}

/* Names of processes, devices and chains are anybody's: a line stays one line. */
static void make_safe(char *text, size_t size)
{
	char safe[1024];

	format_safe(safe, size < sizeof(safe) ? size : sizeof(safe), text);
	memcpy(text, safe, strlen(safe) + 1);
}

void check_say(struct check *c, const struct finding *finding)
{
	struct finding safe = *finding;

	make_safe(safe.what, sizeof(safe.what));
	make_safe(safe.why, sizeof(safe.why));
	make_safe(safe.fix.advice, sizeof(safe.fix.advice));
	c->count[safe.result]++;
	c->report(c->ctx, &safe);
}

void check_add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

const char *check_protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : "tcp";
}

bool check_wants(const struct check_facts *facts, unsigned protocol)
{
	return !facts->settings->protocols || facts->settings->protocols & protocol;
}

bool prefix_is_ipv6(const struct prefix *prefix)
{
	return address_is_ipv6(prefix->addr);
}

bool check_has_family(const struct check_facts *facts, bool ipv6)
{
	for (size_t i = 0; i < facts->settings->n_from; i++)
		if (prefix_is_ipv6(&facts->settings->from[i]) == ipv6)
			return true;
	return false;
}

bool prefix_contains(const struct prefix *prefix, const uint8_t addr[16])
{
	for (unsigned bit = 0; bit < prefix->len; bit++)
		if ((prefix->addr[bit / 8] ^ addr[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

void prefix_sample(const struct prefix *prefix, bool last, uint8_t out[16])
{
	memcpy(out, prefix->addr, 16);
	for (unsigned bit = prefix->len; last && bit < 128; bit++)
		out[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	/* neither the network's address nor its broadcast */
	if (prefix->len < 127)
		out[15] ^= 1;
}

bool check_device_wanted(const struct check_facts *facts, const char *device)
{
	const struct settings *s = facts->settings;

	for (size_t i = 0; i < s->n_interfaces; i++)
		if (!strcmp(s->interfaces[i], device))
			return true;
	return !s->n_interfaces && strcmp(device, "lo");
}

bool check_is_loopback(const uint8_t addr[16])
{
	if (address_is_ipv6(addr))
		return memcmp(addr, &in6addr_loopback, 16) == 0;
	return addr[12] == 127;
}

bool check_sysctl(struct check *c, const char *name, int64_t *out)
{
	const struct host *host = c->facts->host;
	int err = host->ops->sysctl(host->ctx, name, out);

	if (err && err != -ENOENT && err != -ENODATA)
		check_unread(c, err, "The setting %s", name);
	return !err;
}

void check_show_sockets(struct finding *out, uint8_t protocol, uint16_t port, bool processes)
{
	char filter[24];

	snprintf(filter, sizeof(filter), "sport = :%u", port);
	CHECK_SHOW(out, protocol == IPPROTO_UDP ? "ss -Hlun" : "ss -Hltn");
	CHECK_SHOW(out, processes ? "p %s" : " %s", filter);
}

static void add_port(struct check_ports *out, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i].protocol == protocol && out->p[i].port == port)
			return;
	if (out->n < CHECK_MAX_PORTS)
		out->p[out->n++] = (struct check_port){ protocol, port };
}

static int add_listening(const struct check_facts *facts, uint8_t protocol,
			 struct check_ports *out)
{
	struct host_listeners l;
	int err = facts->host->ops->listeners(facts->host->ctx, protocol, 0, &l);

	if (err)
		return err;
	for (size_t i = 0; i < l.n; i++)
		if (!l.l[i].other_netns && l.l[i].port && !check_is_loopback(l.l[i].addr))
			add_port(out, protocol, l.l[i].port);
	return 0;
}

int check_ports(const struct check_facts *facts, struct check_ports *out)
{
	const struct settings *s = facts->settings;
	bool udp_asked = s->protocols & HCT_PROTO_UDP;
	int err = 0, udp_err = 0;

	out->n = 0;
	/* A UDP socket is mostly a client's: only where UDP is asked for. */
	for (size_t i = 0; i < s->n_ports; i++) {
		if (check_wants(facts, HCT_PROTO_TCP))
			add_port(out, IPPROTO_TCP, s->ports[i]);
		if (udp_asked)
			add_port(out, IPPROTO_UDP, s->ports[i]);
	}
	if (s->n_ports)
		return 0;
	if (check_wants(facts, HCT_PROTO_TCP))
		err = add_listening(facts, IPPROTO_TCP, out);
	if (udp_asked)
		udp_err = add_listening(facts, IPPROTO_UDP, out);
	return err ? err : udp_err;
}

void check_ports_or_say(struct check *c, struct check_ports *out)
{
	int err = check_ports(c->facts, out);

	if (err)
		check_unread(c, err, "Which ports are listened on, and so are to be looked at,");
}
