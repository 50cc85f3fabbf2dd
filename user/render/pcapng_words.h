/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a pcapng file says in words: names of interfaces, comments of packets,
 * records that are no packets.  All is made safe to print.
 */
#ifndef HCT_PCAPNG_WORDS_H
#define HCT_PCAPNG_WORDS_H

#include "diagnose/engine.h"
#include "pcapng_hold.h"

#define WORDS_LEN 1280

/* Is O about a packet, rather than a socket, a route or a process? */
bool words_is_packet(const struct obs *o);
/* "eth0 tc-ingress", "kernel drop"; INSIDE: in another namespace than the watched one. */
void words_interface_name(char out[WORDS_LEN], enum hct_point point, const char *device,
			  bool inside);
/* The same in a sentence, from the point's contract. */
void words_interface_description(char out[WORDS_LEN], enum hct_point point, const char *device,
				 bool inside);

/* Says with ITEM, of which nothing is said yet, where it was met. */
void words_of_packet(struct hold *h, struct held *item);
/*
 * Says with each of FLOW's packets (at least one) where it was met and what
 * happened next to it, and with the last one the verdict.
 */
void words_of_probe(struct hold *h, struct held_flow *flow, const struct probe *p,
		    const struct diagnosis *d);
/* Says with FLOW's last packet that there is no verdict. */
void words_of_no_verdict(struct hold *h, struct held_flow *flow);

/* Records.  A probe of which no packet is held, or that never came: */
void words_record_probe(struct hold *h, const struct probe *p, const struct diagnosis *d);
void words_record_lost(struct hold *h, enum hct_point point, uint64_t count, uint64_t time_ns);
/* Something to know about the recording itself. */
void words_record_note(struct hold *h, const char *text, uint64_t time_ns);

#endif
