/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Words that the advice of several verdicts shares. */
#ifndef HCT_ADVICE_H
#define HCT_ADVICE_H

#include "rules.h"

/* Appends to TEXT of SIZE bytes; what does not fit is cut. */
void say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define WHY(d) (d)->why, sizeof((d)->why)
#define FIX(d) (d)->fix, sizeof((d)->fix)
#define NOTE(d) (d)->note, sizeof((d)->note)

/* Sets layer, and device, function and reason from INCIDENT (may be NULL). */
void where_set(struct diagnosis *d, const char *layer, const struct probe_incident *incident);
/* "SYN", "SYN-ACK", "request", "answer", …: the packet that INCIDENT hit. */
const char *packet_words(const struct facts *f, const struct probe_incident *incident);
/* " on eth0", or "". */
const char *on_device(char out[IFNAMSIZ + 8], const char *device);

/* No rule matched: what was seen last, and what could not be seen. */
void tell_unknown(const struct facts *f, struct diagnosis *d);
/* RULE matched, but rests on the absence of events that may have been lost or could not be seen. */
void tell_unproven(const struct facts *f, const struct rule *rule, struct diagnosis *d);

#endif
