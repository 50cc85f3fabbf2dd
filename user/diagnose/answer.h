/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When the target answered a probe: one notion of it for text and JSON. */
#ifndef HCT_ANSWER_H
#define HCT_ANSWER_H

#include "probe.h"

/* CLOCK_MONOTONIC of the SYN-ACK, the datagram or the echo reply; 0: none was seen. */
uint64_t probe_reply_ns(const struct probe *p);
/*
 * How long the answer took that this kind of check asks for: the SYN-ACK, the
 * first byte of the response, the datagram or the echo reply.  False: none was seen.
 */
bool probe_answer_time(const struct probe *p, uint64_t *ns);
/* It was answered in HTTP, and nobody ended the connection. */
bool probe_stays_open(const struct probe *p);
/* CLOCK_MONOTONIC at which the load balancer's FIN or RST came; 0: neither. */
uint64_t probe_lb_end_ns(const struct probe *p);
bool probe_lb_half_closed(const struct probe *p);

#endif
