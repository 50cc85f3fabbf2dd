// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How much of an answer was sent, how much of it arrived, and whether it was whole. */
#include "extent.h"

#include <string.h>

/*
 * A chunked body ends with an empty chunk.  Kernels' side before 0.2 did not look
 * at the end of each segment, and the tracepoints cannot.
 */
static enum wholeness of_chunks(const struct probe *p)
{
	if (!p->watched_tail)
		return WHOLENESS_UNKNOWN;
	return p->tail & HCT_TAIL_LAST_CHUNK ? WHOLENESS_WHOLE : WHOLENESS_CUT;
}

/* Had the load balancer ended it by then? */
static bool ended_before(const struct probe *p, uint64_t time_ns)
{
	return (p->lb_fin_ns && p->lb_fin_ns < time_ns) || (p->lb_rst_ns && p->lb_rst_ns < time_ns);
}

/* After so many events no more is told of a flow but its end: how far the answer came is not known. */
static bool went_quiet(const struct probe *p)
{
	return p->last_seq + 1 - p->first_seq >= HCT_FLOW_MAX_EVENTS && !p->lb_fin_ns && !p->lb_rst_ns &&
	       !p->host_fin_ns;
}

static enum wholeness wholeness(const struct probe *p, const struct extent *e)
{
	const struct http_answer *a = &p->answer;

	if (!p->http_response.valid || went_quiet(p))
		return WHOLENESS_UNKNOWN;
	switch (a->framing) {
	case HTTP_FRAMING_NONE:
		return WHOLENESS_WHOLE;
	case HTTP_FRAMING_LENGTH:
		if (!a->head_len) /* the length is known, where the head ends is not */
			return WHOLENESS_UNKNOWN;
		if (!e->numbered)
			return WHOLENESS_UNKNOWN;
		return e->body_sent >= a->length ? WHOLENESS_WHOLE : WHOLENESS_CUT;
	case HTTP_FRAMING_CHUNKED:
		return a->head_len ? of_chunks(p) : WHOLENESS_UNKNOWN;
	case HTTP_FRAMING_CLOSE:
		return p->host_fin_ns && !ended_before(p, p->host_fin_ns) ? WHOLENESS_WHOLE :
									    WHOLENESS_CUT;
	case HTTP_FRAMING_UNKNOWN:
		break;
	}
	/* the head itself is not complete, though all that was sent was read */
	return e->numbered && !a->broken && a->fed == e->sent ? WHOLENESS_CUT : WHOLENESS_UNKNOWN;
}

void probe_extent(const struct probe *p, struct extent *out)
{
	memset(out, 0, sizeof(*out));
	/* of further steps of a protocol no acknowledgement is told */
	out->numbered = p->numbered && p->first_byte_ns && p->turns <= 1;
	out->arrived = !p->retransmits;
	if (out->numbered) {
		out->sent = (uint32_t)(p->answer_end - p->answer_start);
		out->acked = (uint32_t)(p->acked - p->answer_start);
		if (out->acked > out->sent) /* its FIN, too */
			out->acked = out->sent;
		out->arrived = out->acked == out->sent;
	}
	if (p->answer.head_len && out->sent > p->answer.head_len)
		out->body_sent = out->sent - p->answer.head_len;
	out->body_length = p->answer.length;
	out->wholeness = wholeness(p, out);
}
