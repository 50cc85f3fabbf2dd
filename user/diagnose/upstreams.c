// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Connections that processes of this host opened themselves, and that failed. */
#include "upstreams.h"

#include <string.h>

void upstreams_add(struct upstreams *u, const struct obs *o)
{
	struct upstream *one = &u->ring[u->next];

	u->next = (u->next + 1) % UPSTREAMS_KEPT;
	memset(one, 0, sizeof(*one));
	one->start_ns = o->time_ns - UINT64_C(1000) * o->upstream.took_us;
	one->end_ns = o->time_ns;
	one->netns = o->netns;
	one->pid = o->pid;
	one->parent = o->upstream.parent;
	memcpy(one->comm, o->comm, sizeof(one->comm));
	memcpy(one->addr, o->upstream.addr, sizeof(one->addr));
	one->port = o->upstream.port;
	one->err = o->upstream.err;
}

static bool is_between(const struct upstream *one, uint64_t from_ns, uint64_t until_ns)
{
	return one->end_ns && one->start_ns >= from_ns && one->end_ns <= until_ns;
}

bool upstreams_any(const struct upstreams *u, uint64_t from_ns, uint64_t until_ns)
{
	for (size_t i = 0; i < UPSTREAMS_KEPT; i++)
		if (is_between(&u->ring[i], from_ns, until_ns))
			return true;
	return false;
}

bool upstreams_find(const struct upstreams *u, uint32_t pid, uint64_t from_ns, uint64_t until_ns,
		    struct upstream *out)
{
	unsigned times = 0;
	bool others = false;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; pid && i < UPSTREAMS_KEPT; i++) {
		const struct upstream *one = &u->ring[(u->next + i) % UPSTREAMS_KEPT];

		if ((one->pid != pid && one->parent != pid) || !is_between(one, from_ns, until_ns))
			continue;
		if (times++ && (memcmp(out->addr, one->addr, 16) != 0 || out->port != one->port))
			others = true;
		*out = *one;
	}
	out->times = times;
	out->others = others;
	return times > 0;
}
