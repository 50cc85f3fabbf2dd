// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a kind of health-check client goes by, as far as its request or the preset tells. */
#include "client.h"

#include <string.h>

/* Beginnings of User-Agent, and what was measured with these clients. */
static const struct {
	const char *agent;
	enum client_judges judges;
} clients[] = {
	{ "Blackbox Exporter/", JUDGES_WHOLE_ANSWER },
	{ "curl/", JUDGES_WHOLE_ANSWER },
	{ "Wget/", JUDGES_WHOLE_ANSWER },
	{ "check_http/", JUDGES_STATUS },
	{ "KeepAliveClient", JUDGES_STATUS },
	{ "Monit/", JUDGES_STATUS_LINE },
};

size_t client_known_prefix(const char *agent, size_t len)
{
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		size_t n = strlen(clients[i].agent);

		if (len >= n && strncmp(agent, clients[i].agent, n) == 0)
			return n;
	}
	return 0;
}

enum client_judges client_judges(const struct settings *s, const struct probe *p)
{
	const char *agent = p->http_request.agent;

	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (strncmp(agent, clients[i].agent, strlen(clients[i].agent)) == 0)
			return clients[i].judges;
	if (s->preset && s->preset->judges != JUDGES_UNKNOWN)
		return s->preset->judges;
	/* Varnish's probe */
	return p->http_request.bare_close ? JUDGES_STATUS_PROBABLY : JUDGES_UNKNOWN;
}
