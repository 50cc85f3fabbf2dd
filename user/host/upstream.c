// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a proxy connects to, by its command line.  Names are not looked up: that may wait,
 * and the proxy may have got another answer.
 */
#include "upstream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_WORDS 64

struct command {
	const char *words[MAX_WORDS];
	size_t n;
};

static bool get_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !value || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	return true;
}

static bool get_addr(const char *text, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (strcmp(text, "localhost") == 0)
		text = "127.0.0.1";
	if (inet_pton(AF_INET, text, addr + 12) == 1) {
		addr[10] = addr[11] = 0xff;
		return true;
	}
	return inet_pton(AF_INET6, text, addr) == 1;
}

/* "HOST:PORT" or "[HOST]:PORT", up to the end or a comma. */
static bool get_endpoint(const char *text, uint8_t addr[16], uint16_t *port)
{
	char copy[96], *host = copy, *colon;

	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return false;
	copy[strcspn(copy, ",")] = '\0';
	colon = strrchr(copy, ':');
	if (!colon || !get_port(colon + 1, port))
		return false;
	*colon = '\0';
	if (*host == '[' && colon > host + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		host++;
	}
	return get_addr(host, addr);
}

/* The value of option NAME, with one dash or two, in its own word or behind '='; NULL none. */
static const char *option(const struct command *c, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 1; i < c->n; i++) {
		const char *word = c->words[i];

		if (*word != '-')
			continue;
		word += word[1] == '-' ? 2 : 1;
		if (strncmp(word, name, len) != 0)
			continue;
		if (word[len] == '=')
			return word + len + 1;
		if (!word[len])
			return i + 1 < c->n ? c->words[i + 1] : NULL;
	}
	return NULL;
}

static bool of_docker_proxy(const struct command *c, uint8_t addr[16], uint16_t *port)
{
	const char *proto = option(c, "proto"), *ip = option(c, "container-ip"),
		   *number = option(c, "container-port");

	return (!proto || strcmp(proto, "tcp") == 0) && ip && number && get_addr(ip, addr) &&
	       get_port(number, port);
}

/* Its second address; the first is what it listens on. */
static bool of_socat(const struct command *c, uint8_t addr[16], uint16_t *port)
{
	static const char *const kinds[] = { "TCP", "TCP4", "TCP6", "TCP-CONNECT", "TCP4-CONNECT",
					     "TCP6-CONNECT", "OPENSSL", "OPENSSL-CONNECT", "SSL" };
	const char *word = c->n > 2 ? c->words[c->n - 1] : "";
	size_t len = strcspn(word, ":");

	for (size_t i = 0; word[len] && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i]) == len && strncasecmp(word, kinds[i], len) == 0)
			return get_endpoint(word + len + 1, addr, port);
	return false;
}

static bool of_socket_proxyd(const struct command *c, uint8_t addr[16], uint16_t *port)
{
	return c->n > 1 && get_endpoint(c->words[c->n - 1], addr, port);
}

static const struct {
	const char *name; /* of its program */
	bool (*read)(const struct command *c, uint8_t addr[16], uint16_t *port);
} proxies[] = {
	{ "docker-proxy", of_docker_proxy },
	{ "socat", of_socat },
	{ "socat1", of_socat },
	{ "systemd-socket-proxyd", of_socket_proxyd },
};

bool upstream_of_command(const char *command, size_t len, uint8_t addr[16], uint16_t *port)
{
	struct command c = { .n = 0 };
	const char *name;

	if (!len || command[len - 1])
		return false; /* cut */
	for (size_t at = 0; at < len && c.n < MAX_WORDS; at += strlen(command + at) + 1)
		c.words[c.n++] = command + at;
	name = strrchr(c.words[0], '/');
	name = name ? name + 1 : c.words[0];
	for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
		if (strcmp(proxies[i].name, name) == 0)
			return proxies[i].read(&c, addr, port);
	return false;
}
