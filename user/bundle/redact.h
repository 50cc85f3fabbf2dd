/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What --redact makes of a run: the same one, with pseudonyms for all that
 * tells of the host and its users but is not needed for a diagnosis.
 *
 * Names are learnt as they are met, and then replaced in free text, too; so all
 * of a run goes through it once before what it makes of it is used.
 */
#ifndef HCT_REDACT_H
#define HCT_REDACT_H

#include "pseudo_addr.h"
#include "pseudo_name.h"
#include "record/recording_info.h"
#include "stream/case_host.h"
#include "stream/stream.h"

#define REDACT_POINTS 256

struct redact;

/* SETTINGS: of the run.  NULL: no memory. */
struct redact *redact_new(const struct settings *settings);
void redact_free(struct redact *r); /* accepts NULL */
/* A name of this host, which texts of the recording may have. */
void redact_host_name(struct redact *r, const char *name);
struct pseudo_names *redact_names(struct redact *r);
struct pseudo_addr *redact_addrs(struct redact *r);

/* OUT is what may be told of IN; its strings live as long as R, or are interned. */
void redact_settings(struct redact *r, const struct settings *in, struct settings *out);
/* The *N points at IN (not more than there is room for) in OUT, which is returned. */
const struct point_status *redact_points(struct redact *r, const struct point_status *in, size_t *n,
					 struct point_status out[REDACT_POINTS]);
void redact_start(struct redact *r, const struct stream_start *in, struct stream_start *out,
		  struct point_status points[REDACT_POINTS]);
void redact_obs(struct redact *r, const struct obs *in, struct obs *out,
		uint8_t payload[HCT_PAYLOAD_MAX]);
void redact_answer(struct redact *r, const struct answer *in, struct answer *out);

/* How a text is read. */
enum redact_text_kind {
	REDACT_ADDRESSES, /* nothing but addresses is replaced */
	REDACT_PLAIN,
	REDACT_RULES, /* of a firewall */
	REDACT_LISTENERS, /* as ss(8) prints them */
	REDACT_LINKS, /* as ip(8) prints them */
	REDACT_WRAPPERS, /* hosts.allow, hosts.deny */
};
/* free() what it returns; NULL: no memory. */
char *redact_text(struct redact *r, enum redact_text_kind kind, const char *text);
/* A section of the host's state; NULL: there is no memory, or no telling what it holds. */
char *redact_state(struct redact *r, const struct recording_state *state);
/* Where WORD is an address, and nothing else: its pseudonym, free() it.  Else NULL. */
char *redact_address_word(struct redact *r, const char *word);

#endif
