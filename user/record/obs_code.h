/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Observations as bytes, after the tables that a case file's words come from
 * (case_obs.h).  A recording names the fields that it has, so that another
 * version can read it: what that one does not know is left out.
 *
 *	RECORD_FIELDS	varint number of lists; each: string point ("": common to
 *			all), varint fields; each: byte class, string key
 *	observation	byte 0x80 | OBS_*, varint point (number of its list),
 *			zigzag ns since the last time that was told,
 *			flow: none, or varint slot; a new one besides: zigzag
 *			(id − time), byte protocol, varint lb, varint target
 *			(strings), their ports as on the wire,
 *			[varint seq] [byte tcp flags] [varint pid, varint comm],
 *			varint: which of the common and of its point's fields follow,
 *			the fields, [translation: varint address, port],
 *			[byte n, n varint stack], [string payload]
 */
#ifndef HCT_RECORD_OBS_CODE_H
#define HCT_RECORD_OBS_CODE_H

#include "bytes.h"
#include "stream/obs.h"

#define OBS_BYTES_MAX 16384 /* an observation with the strings that it brings, at most */

struct obs_encoder;
struct obs_encoder *obs_encoder_new(void); /* NULL: no memory */
void obs_encoder_free(struct obs_encoder *e); /* accepts NULL */
/* Starts a chunk, whose times count from TIME_NS; writes its record of fields. */
void obs_encoder_start(struct obs_encoder *e, struct bytes *out, uint64_t time_ns);
/* There may be no room for the strings of another observation: start a new chunk. */
bool obs_encoder_full(const struct obs_encoder *e);
void obs_encode(struct obs_encoder *e, struct bytes *out, const struct obs *o);
void obs_encode_tick(struct obs_encoder *e, struct bytes *out, uint64_t now_ns);

struct obs_decoder;
struct obs_decoder *obs_decoder_new(void); /* NULL: no memory */
void obs_decoder_free(struct obs_decoder *d); /* accepts NULL */
void obs_decoder_start(struct obs_decoder *d, uint64_t time_ns);
/* The records behind their first byte; 0, or -EBADMSG: there is no sense in it. */
int obs_decode_fields(struct obs_decoder *d, struct cursor *in);
int obs_decode_string(struct obs_decoder *d, struct cursor *in);
int obs_decode_tick(struct obs_decoder *d, struct cursor *in, uint64_t *now_ns);
/* TAG: its first byte.  *KNOWN: its point has a name here; else it was skipped. */
int obs_decode(struct obs_decoder *d, struct cursor *in, uint8_t tag, struct obs *o,
	       uint8_t payload[HCT_PAYLOAD_MAX], bool *known);

#endif
