// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A probe's facts about the way on: whether it left again, and came back, and what its sender was told. */
#include <netinet/in.h>
#include <string.h>

#include "base/address.h"
#include "icmp_words.h"
#include "probe.h"

#define ROUND_NS UINT64_C(200000000) /* a sender repeats a packet later, a loop brings it back sooner */

static void copy_device(char out[IFNAMSIZ], const char *device)
{
	memcpy(out, device, IFNAMSIZ);
	out[IFNAMSIZ - 1] = '\0';
}

void probe_note_passed_on(struct probe *p, const struct obs *o)
{
	if (!p->passed_on)
		copy_device(p->passed_device, o->device);
	p->passed_on = true;
	p->round_ns = o->time_ns;
}

bool probe_is_return(struct probe *p, const struct obs *o)
{
	bool is_segment = p->tuple.protocol == IPPROTO_TCP &&
			  !(o->packet.tcp_flags & HCT_TCP_SYN);
	bool soon;

	if (!p->passed_on || is_segment || o->point == HCT_POINT_XDP || !o->device[0])
		return false;
	if (!p->back_device[0])
		copy_device(p->back_device, o->device);
	if (strncmp(p->back_device, o->device, IFNAMSIZ) != 0)
		return false;
	soon = o->time_ns - p->round_ns < ROUND_NS;
	p->came_back += soon;
	p->round_ns = o->time_ns;
	return soon;
}

void probe_note_icmp_left(struct probe *p, const struct obs *o)
{
	if (p->icmp_left_ns)
		return;
	p->icmp_left_ns = o->time_ns;
	p->icmp_left_type = o->packet.icmp_type;
	p->icmp_left_code = o->packet.icmp_code;
}

bool obs_is_redirect(const struct obs *o)
{
	bool v6 = !addr_is_ipv4(o->tuple.target);

	return icmp_is_redirect(v6, o->icmp.type);
}
