// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a kind of health-check client goes by, as far as its request or the preset tells. */
#include "client.h"

#include <string.h>

/*
 * Beginnings of User-Agent, what was measured with these clients, and whose settings they have:
 * a preset's name, or NULL.
 */
static const struct client {
	const char *agent;
	enum client_judges judges;
	const char *preset;
} clients[] = {
	{ "Blackbox Exporter/", JUDGES_WHOLE_ANSWER, NULL },
	{ "curl/", JUDGES_WHOLE_ANSWER, NULL },
	{ "Wget/", JUDGES_WHOLE_ANSWER, NULL },
	{ "check_http/", JUDGES_STATUS, NULL },
	{ "KeepAliveClient", JUDGES_STATUS, "keepalived" },
	{ "Monit/", JUDGES_STATUS_LINE, NULL },
	{ "Envoy/HC", JUDGES_UNKNOWN, "envoy" },
	{ "kube-probe/", JUDGES_UNKNOWN, "kubelet" },
	{ "GoogleHC/", JUDGES_UNKNOWN, "gcp" },
	{ "ELB-HealthChecker/", JUDGES_UNKNOWN, "aws-alb" },
};

static const struct client *client_of(const char *agent)
{
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (strncmp(agent, clients[i].agent, strlen(clients[i].agent)) == 0)
			return &clients[i];
	return NULL;
}

/* What only words of advice depend on is not kept in a bundle that is redacted. */
size_t client_known_prefix(const char *agent, size_t len)
{
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		size_t n = strlen(clients[i].agent);

		if (clients[i].judges != JUDGES_UNKNOWN && len >= n &&
		    strncmp(agent, clients[i].agent, n) == 0)
			return n;
	}
	return 0;
}

enum client_judges client_judges(const struct settings *s, const struct probe *p)
{
	const struct client *client = client_of(p->http_request.agent);

	if (client && client->judges != JUDGES_UNKNOWN)
		return client->judges;
	if (s->preset && s->preset->judges != JUDGES_UNKNOWN)
		return s->preset->judges;
	/* Varnish's probe */
	return p->http_request.bare_close ? JUDGES_STATUS_PROBABLY : JUDGES_UNKNOWN;
}

const struct preset *client_preset(const struct settings *s, const struct http_request *r)
{
	const struct client *client = client_of(r->agent);

	if (client && client->preset)
		return preset_named(client->preset);
	/* the default is a guess, and of all that have a preset only HAProxy asks like this */
	if (!s->preset_given && r->valid && !r->agent[0] && strcmp(r->method, "OPTIONS") == 0)
		return preset_named("haproxy");
	return s->preset;
}
