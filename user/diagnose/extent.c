// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How much of an answer was sent, how much of it arrived, and whether it was whole. */
#include "extent.h"

#include <string.h>

/*
 * A chunked body ends with an empty chunk.  Kernels' side before 0.2 did not look
 * at the end of each segment, and the tracepoints cannot.
 */
static enum wholeness of_chunks(const struct probe *p, const struct extent *e)
{
	/* all of it was read: the chunks themselves say so, with trailers and extensions */
	if (e->numbered && !p->answer.broken && p->answer.fed == e->sent)
		return p->answer.chunks_ended ? WHOLENESS_WHOLE : WHOLENESS_CUT;
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

	if (went_quiet(p) || a->malformed)
		return WHOLENESS_UNKNOWN;
	if (!a->head_len) /* the head is not complete, though all that was sent was read? */
		return e->numbered && e->sent && !a->broken && a->fed == e->sent
			       ? WHOLENESS_CUT
			       : WHOLENESS_UNKNOWN;
	switch (a->framing) {
	case HTTP_FRAMING_NONE:
		return WHOLENESS_WHOLE;
	case HTTP_FRAMING_LENGTH:
		if (!e->numbered)
			return WHOLENESS_UNKNOWN;
		return e->body_sent >= a->length ? WHOLENESS_WHOLE : WHOLENESS_CUT;
	case HTTP_FRAMING_CHUNKED:
		return of_chunks(p, e);
	case HTTP_FRAMING_CLOSE:
		return p->host_fin_ns && !ended_before(p, p->host_fin_ns) ? WHOLENESS_WHOLE :
									    WHOLENESS_CUT;
	case HTTP_FRAMING_UNKNOWN:
		break;
	}
	return WHOLENESS_UNKNOWN;
}

/* Of a second exchange no acknowledgement is told, but of TLS while its records are. */
static bool acks_are_told(const struct probe *p)
{
	if (p->tls.state & HCT_TLS_SEEN)
		return !(p->tls.state & HCT_TLS_FULL_HOST);
	return p->turns <= 1;
}

void probe_extent(const struct probe *p, struct extent *out)
{
	memset(out, 0, sizeof(*out));
	out->numbered = p->numbered && p->first_byte_ns && acks_are_told(p);
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
