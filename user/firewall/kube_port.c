// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where kube-proxy answers health checks of a service, by the rule that lets them in. */
#include "kube_port.h"

#include <stdlib.h>
#include <string.h>

#define CHECK_WORDS " health check node port"

const char *kube_service_of(const char *text, const char *words, size_t *len)
{
	const char *end = text ? strstr(text, words) : NULL, *from = end;

	if (!end)
		return NULL;
	while (from > text && from[-1] != '"' && from[-1] != ' ')
		from--;
	*len = (size_t)(end - from);
	return memchr(from, '/', *len) ? from : NULL;
}

/* "ingress/web" of "ingress/web:http" */
static size_t without_port(const char *service, size_t len)
{
	const char *colon = memchr(service, ':', len);

	return colon ? (size_t)(colon - service) : len;
}

static uint16_t port_in(const char *text)
{
	const char *port = strstr(text, "--dport ");
	unsigned long value = port ? strtoul(port + strlen("--dport "), NULL, 10) : 0;

	return value > UINT16_MAX ? 0 : (uint16_t)value;
}

void kube_note_check_port(const struct fw_rules *rules, struct host_rule *rule)
{
	size_t len, other_len;
	const char *service = kube_service_of(rule->text, " has no local endpoints", &len);

	if (!service)
		return;
	len = without_port(service, len);
	for (const struct fw_chain *c = rules->chains; c; c = c->next) {
		if (strcmp(c->name, "KUBE-NODEPORTS") != 0)
			continue;
		for (const struct fw_rule *r = c->rules; r; r = r->next) {
			const char *other = kube_service_of(r->text, CHECK_WORDS, &other_len);

			if (!other || without_port(other, other_len) != len ||
			    strncmp(other, service, len) != 0)
				continue;
			rule->check_port = port_in(r->text);
			return;
		}
	}
}
