// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which network namespace of this host has an address. */
#include "address_netns.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "addresses.h"
#include "netns.h"

#define MAX_OTHER_NETNS 64

struct search {
	const uint8_t *addr;
	struct host_addresses all;
};

/* 1: this namespace has it, 0, or -errno. */
static int has_address(void *ctx)
{
	struct search *s = ctx;
	int err = addresses_read(&s->all);

	if (err)
		return err;
	for (size_t i = 0; i < s->all.n; i++)
		if (memcmp(s->all.a[i].addr, s->addr, 16) == 0)
			return 1;
	return 0;
}

int address_netns_find(const uint8_t addr[16], uint32_t *out)
{
	struct netns_ref refs[MAX_OTHER_NETNS];
	struct search s = { .addr = addr };
	size_t n;
	int found = has_address(&s);

	*out = 0;
	if (found < 0)
		return found;
	if (found) {
		*out = netns_self();
		return 0;
	}
	n = netns_others(refs, MAX_OTHER_NETNS);
	for (size_t i = 0; i < n; i++) {
		if (netns_visit(&refs[i], has_address, &s) != 1)
			continue;
		if (*out) {
			*out = 0;
			return -ENOTUNIQ;
		}
		*out = refs[i].netns;
	}
	return *out ? 0 : -ENOENT;
}
