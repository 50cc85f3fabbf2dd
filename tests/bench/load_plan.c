// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the load generator does: targets from text, and the sequence of probes. */
#include "load_plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Source ports come round in a prime number of steps, so that a node meets the
 * same port and target again only after some PORTS rounds of all nodes.
 */
#define FIRST_PORT 1031
#define PORTS 64499
#define DEFAULT_TIMEOUT_MS 2000

static const char *const kind_names[LOAD_KINDS] = {
	[LOAD_TCP] = "tcp", [LOAD_HTTP] = "http", [LOAD_UDP] = "udp",
	[LOAD_ECHO] = "echo", [LOAD_SYN] = "syn",
};

const char *load_kind_name(enum load_kind kind)
{
	return kind_names[kind];
}

static int parse_kind(const char *text, enum load_kind *out)
{
	for (int i = 0; i < LOAD_KINDS; i++) {
		if (strcmp(text, kind_names[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_addr(const char *text, uint32_t *out)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, text, &addr) != 1)
		return -EINVAL;
	*out = ntohl(addr.s_addr);
	return 0;
}

int load_prefix(const char *text, uint32_t *addr, uint32_t *len)
{
	char copy[32];
	char *slash;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	slash = strchr(copy, '/');
	*len = 32;
	if (slash) {
		*slash = '\0';
		*len = (uint32_t)strtoul(slash + 1, NULL, 10);
		if (*len < 1 || *len > 32)
			return -EINVAL;
	}
	return parse_addr(copy, addr);
}

/* N_NODES addresses, spread over the prefix; its first and last are left out. */
static int give_nodes(struct load_target *t, uint32_t prefix, uint32_t len, uint32_t n_nodes)
{
	uint64_t room = (UINT64_C(1) << (32 - len));

	room = room > 2 ? room - 2 : 1;
	t->n_nodes = n_nodes < room ? n_nodes : (uint32_t)room;
	if (!t->n_nodes)
		return -EINVAL;
	t->step = (uint32_t)(room / t->n_nodes);
	t->first_node = prefix + (len < 31);
	return 0;
}

static int parse_option(struct load_target *t, char *text)
{
	char *value = strchr(text, '=');

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (strcmp(text, "timeout") == 0) {
		t->timeout_ms = (uint32_t)strtoul(value, NULL, 10);
		return t->timeout_ms ? 0 : -EINVAL;
	}
	if (strcmp(text, "from") == 0)
		/* STEP holds the prefix's length until load_plan_close() */
		return load_prefix(value, &t->first_node, &t->step);
	return -EINVAL;
}

static int add_ports(struct load_plan *plan, struct load_target *t, const char *ports)
{
	unsigned first, last, n;
	int fields = sscanf(ports, "%u-%u", &first, &last);
	struct load_target *grown;

	if (fields < 1 || first > 65535)
		return -EINVAL;
	if (fields < 2)
		last = first;
	if (last < first || last > 65535)
		return -EINVAL;
	n = last - first + 1;
	grown = realloc(plan->targets, (plan->n_targets + n) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	plan->targets = grown;
	for (unsigned port = first; port <= last; port++) {
		t->port = (uint16_t)port;
		plan->targets[plan->n_targets++] = *t;
	}
	return 0;
}

int load_plan_add(struct load_plan *plan, const char *text)
{
	struct load_target t = { .timeout_ms = DEFAULT_TIMEOUT_MS };
	char *copy = strdup(text), *save = NULL, *kind, *addr, *ports, *option;
	int err = -EINVAL;

	if (!copy)
		return -ENOMEM;
	kind = strtok_r(copy, ",", &save);
	addr = strtok_r(NULL, ",", &save);
	ports = strtok_r(NULL, ",", &save);
	if (!ports || parse_kind(kind, &t.kind) || parse_addr(addr, &t.addr))
		goto cleanup;
	while ((option = strtok_r(NULL, ",", &save)))
		if (parse_option(&t, option))
			goto cleanup;
	err = add_ports(plan, &t, ports);
cleanup:
	free(copy);
	return err;
}

int load_plan_close(struct load_plan *plan)
{
	int err = plan->n_targets ? 0 : -EINVAL;

	for (unsigned i = 0; i < plan->n_targets && !err; i++) {
		struct load_target *t = &plan->targets[i];

		err = t->step ? give_nodes(t, t->first_node, t->step, plan->n_nodes) :
				give_nodes(t, plan->from, plan->from_len, plan->n_nodes);
	}
	return err;
}

void load_plan_free(struct load_plan *plan)
{
	free(plan->targets);
	plan->targets = NULL;
	plan->n_targets = 0;
}

const struct load_target *load_plan_probe(const struct load_plan *plan, uint64_t i,
					  struct load_source *from)
{
	const struct load_target *t;

	i += plan->first;
	t = &plan->targets[i % plan->n_targets];
	from->addr = t->first_node + (uint32_t)(i / plan->n_targets % t->n_nodes) * t->step;
	from->port = (uint16_t)(FIRST_PORT + i % PORTS);
	return t;
}
