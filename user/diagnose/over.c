// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* When a probe is over. */
#include "over.h"

#include "answer.h"
#include "extent.h"

#include <netinet/in.h>

/* After its FIN: it may have closed its own side only. */
static bool may_take_answer(const struct probe *p)
{
	return probe_lb_half_closed(p) || (p->request_ns && p->first_byte_ns > p->lb_fin_ns);
}

/* A SYNPROXY rule answered for a service that is not there, and the kernel has said so. */
static bool was_refused_behind_synproxy(const struct probe *p)
{
	return p->host_rst_ns && p->reset.seen && !p->reset.has_socket && !p->established_ns &&
	       p->has_listener && !p->listener.found;
}

bool probe_is_over(const struct probe *p, bool expect_http)
{
	bool refused = p->icmp_left_ns || p->icmp_sent.seen;
	struct extent extent;

	if (p->tuple.protocol != IPPROTO_TCP)
		return p->reply_ns || refused;
	if (p->lb_rst_ns || p->next_ns || (p->lb_fin_ns && !may_take_answer(p)))
		return true;
	if (!p->synack_ns && !p->ack_ns && !p->established_ns)
		return refused || p->host_rst_ns || (p->reset.seen && !p->reset.has_socket);
	if (was_refused_behind_synproxy(p))
		return true;
	/* a check that only connects has passed by now, whatever the application does next */
	if (!p->request_ns && !expect_http)
		return false;
	if (p->host_rst_ns)
		return true;
	/* a whole answer is none before it arrived: until then it may be lost on its way */
	probe_extent(p, &extent);
	if (extent.numbered)
		return p->host_fin_ns && extent.arrived;
	return p->host_fin_ns || p->app_close_ns;
}

bool probe_is_answered(const struct probe *p)
{
	struct extent extent;

	if (p->tuple.protocol != IPPROTO_TCP || !p->http_response.valid || p->lossy)
		return false;
	probe_extent(p, &extent);
	return extent.numbered && extent.arrived && extent.wholeness == WHOLENESS_WHOLE &&
	       p->answer.framing != HTTP_FRAMING_CLOSE;
}

bool probe_waits_for_gateway(const struct probe *p)
{
	bool made = p->synack_retransmits || (p->has_good_route && !p->route_failed);

	return p->tuple.protocol != IPPROTO_UDP && made && !p->synack_ns && !p->reply_ns &&
	       !p->established_ns && !p->drop.seen && !p->host_rst_ns && !p->icmp_left_ns;
}
