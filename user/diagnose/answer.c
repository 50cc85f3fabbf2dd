// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* When the target answered a probe. */
#include "answer.h"

#include <netinet/in.h>
#include <string.h>

uint64_t probe_reply_ns(const struct probe *p)
{
	return p->tuple.protocol == IPPROTO_TCP ? p->synack_ns : p->reply_ns;
}

bool probe_answer_time(const struct probe *p, uint64_t *ns)
{
	bool plain_tcp = strcmp(probe_protocol(p), "tcp") == 0 || p->tuple.protocol != IPPROTO_TCP;
	uint64_t answered = plain_tcp ? probe_reply_ns(p) : p->first_byte_ns;

	if (answered < p->start_ns)
		return false;
	*ns = answered - p->start_ns;
	return true;
}

#define RIGHT_BEHIND_NS UINT64_C(50000000)

/*
 * A FIN behind the request may close the load balancer's own side only: it then
 * takes the answer, or waits for it in vain without another word.  Who closes
 * both sides answers what comes then with a reset.
 */
bool probe_lb_half_closed(const struct probe *p)
{
	if (!p->lb_fin_ns || !p->request_ns || (p->host_fin_ns && p->host_fin_ns <= p->lb_fin_ns))
		return false;
	if (p->first_byte_ns)
		return p->first_byte_ns > p->lb_fin_ns && p->numbered &&
		       (int32_t)(p->acked - p->answer_start) > 0;
	return !p->lb_rst_ns && p->lb_fin_ns - p->request_ns <= RIGHT_BEHIND_NS;
}

bool probe_stays_open(const struct probe *p)
{
	return p->http_response.valid && !p->lb_fin_ns && !p->lb_rst_ns && !p->host_fin_ns &&
	       !p->host_rst_ns && !p->lossy && !p->missing;
}

uint64_t probe_lb_end_ns(const struct probe *p)
{
	if (probe_lb_half_closed(p))
		return p->lb_rst_ns;
	if (p->lb_fin_ns && (!p->lb_rst_ns || p->lb_fin_ns < p->lb_rst_ns))
		return p->lb_fin_ns;
	return p->lb_rst_ns;
}
