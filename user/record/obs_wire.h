/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the encoder and the decoder of observations share. */
#ifndef HCT_RECORD_OBS_WIRE_H
#define HCT_RECORD_OBS_WIRE_H

#include "stream/case_obs.h"

#define OBS_TAG 0x80
#define OBS_SAME_FLOW 0x01 /* as the last observation */
#define OBS_NEW_FLOW 0x02
#define OBS_SEQ 0x04 /* not the number behind the flow's last */
#define OBS_PROCESS 0x08
#define OBS_PAYLOAD 0x10
#define OBS_STACK 0x20
#define OBS_TCP_FLAGS 0x40

/* The flags that a case file has letters for. */
#define OBS_TCP_KNOWN (HCT_TCP_FIN | HCT_TCP_SYN | HCT_TCP_RST | HCT_TCP_PSH | HCT_TCP_ACK)

#define N_SLOTS 1024 /* flows that are told by number */
#define MAX_FIELDS 64 /* of an observation: one bit each */

/* How a field's value is written. */
enum field_class {
	CLASS_UNSIGNED = 'u', /* varint */
	CLASS_SIGNED = 's', /* zigzag */
	CLASS_TEXT = 't', /* varint: a string */
	CLASS_ADDR = 'a', /* varint: a string of 16 bytes */
	CLASS_SEQ = 'q', /* zigzag: to what was last told of that direction's bytes */
	CLASS_ACK = 'k', /* the same of the other direction's */
	CLASS_REPLY_SEQ = 'r', /* the same of the reply's, whatever the direction */
};

/* A flow that has a number. */
struct slot {
	bool used;
	uint64_t flow_id;
	struct hct_tuple tuple;
	uint32_t next_seq;
	uint32_t tcp_seq[2]; /* last told, by direction: request, reply */
};

/* The same for all fields of a kind; TCP's numbers are told by their place. */
static inline enum field_class class_of(const struct field *field)
{
	if (field->offset == offsetof(struct obs, packet.seq))
		return CLASS_SEQ;
	if (field->offset == offsetof(struct obs, packet.ack))
		return CLASS_ACK;
	if (field->offset == offsetof(struct obs, answer_end))
		return CLASS_REPLY_SEQ;
	switch (field->kind) {
	case FIELD_S32:
	case FIELD_S64:
		return CLASS_SIGNED;
	case FIELD_STRING:
	case FIELD_NAME:
		return CLASS_TEXT;
	case FIELD_ADDR:
		return CLASS_ADDR;
	default:
		return CLASS_UNSIGNED;
	}
}

#endif
