/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a probe's two sides say to each other, where it is no HTTP/1 (user/protocol). */
#ifndef HCT_SPOKEN_H
#define HCT_SPOKEN_H

#include "probe.h"
#include "protocol/protocol.h"

/* More of the request's head came: a PROXY header is told apart, and what follows it is read. */
void spoken_note_request(struct probe *p);
/* Keeps the beginning of an answer that is no HTTP/1; O is a segment of it. */
void spoken_note_answer(struct probe *p, const struct obs *o);
/* Keeps the beginning of the first datagram of each direction. */
void spoken_note_datagram(struct probe *p, const struct obs *o);

/* Reads what was said; nothing of HTTP/1 and TLS, which are read elsewhere. */
void probe_reading(const struct probe *p, struct reading *out);
/* The load balancer sent a PROXY header and nothing else. */
bool proxy_header_alone(const struct probe *p);

#endif
