// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Observations to bytes. */
#include "obs_code.h"

#include <stdlib.h>

#include "format.h"
#include "obs_wire.h"
#include "stream/points.h"
#include "strings.h"

#define SCRATCH (HCT_PAYLOAD_MAX + 2048)
#define STRINGS_OF_ONE 64 /* more than one observation can bring */

/* The fields of a point's observations, the common ones first. */
struct plan {
	size_t n;
	const struct field *fields[MAX_FIELDS];
	enum field_class classes[MAX_FIELDS];
};

struct obs_encoder {
	struct plan plans[HCT_POINT_COUNT];
	struct string_table *strings;
	struct slot slots[N_SLOTS];
	size_t last_slot; /* N_SLOTS: there is none */
	uint64_t last_ns;
	struct bytes *out; /* strings go here before what names them */
};

static void plan_add(struct plan *plan, const struct field *fields, size_t n)
{
	for (size_t i = 0; i < n && plan->n < MAX_FIELDS; i++, plan->n++) {
		plan->fields[plan->n] = &fields[i];
		plan->classes[plan->n] = class_of(&fields[i]);
	}
}

struct obs_encoder *obs_encoder_new(void)
{
	struct obs_encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->strings = string_table_new();
	if (!e->strings) {
		free(e);
		return NULL;
	}
	for (int point = 0; point < HCT_POINT_COUNT; point++) {
		const struct field *fields;
		size_t n;

		fields = case_common_fields(&n);
		plan_add(&e->plans[point], fields, n);
		fields = case_point_fields(point, &n);
		plan_add(&e->plans[point], fields, n);
	}
	return e;
}

void obs_encoder_free(struct obs_encoder *e)
{
	if (!e)
		return;
	string_table_free(e->strings);
	free(e);
}

static void put_list(struct bytes *out, const char *name, const struct field *fields, size_t n)
{
	put_string(out, name, strlen(name));
	put_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		put_byte(out, class_of(&fields[i]));
		put_string(out, fields[i].key, strlen(fields[i].key));
	}
}

void obs_encoder_start(struct obs_encoder *e, struct bytes *out, uint64_t time_ns)
{
	const struct field *fields;
	size_t n;

	string_table_clear(e->strings);
	memset(e->slots, 0, sizeof(e->slots));
	e->last_slot = N_SLOTS;
	e->last_ns = time_ns;
	put_byte(out, RECORD_FIELDS);
	put_varint(out, HCT_POINT_COUNT + 1);
	fields = case_common_fields(&n);
	put_list(out, "", fields, n);
	for (int point = 0; point < HCT_POINT_COUNT; point++) {
		fields = case_point_fields(point, &n);
		put_list(out, point_name(point), fields, n);
	}
}

bool obs_encoder_full(const struct obs_encoder *e)
{
	return string_table_count(e->strings) > STRINGS_MAX - STRINGS_OF_ONE;
}

static void put_time(struct obs_encoder *e, struct bytes *out, uint64_t time_ns)
{
	put_zigzag(out, (int64_t)(time_ns - e->last_ns));
	e->last_ns = time_ns;
}

/* The number of a string; it is written first when it has none yet. */
static void put_named(struct obs_encoder *e, struct bytes *to, const void *data, size_t len)
{
	bool is_new;
	unsigned number;

	if (len > STRING_LEN_MAX)
		len = STRING_LEN_MAX;
	number = string_table_find(e->strings, data, len, &is_new);
	if (is_new) {
		put_byte(e->out, RECORD_STRING);
		put_string(e->out, data, len);
	}
	put_varint(to, number);
}

static uint64_t get_unsigned(const struct field *field, const void *at)
{
	switch (field->kind) {
	case FIELD_U8:
	case FIELD_STATE:
		return *(const uint8_t *)at;
	case FIELD_U16:
		return *(const uint16_t *)at;
	case FIELD_U32:
	case FIELD_RECORD:
		return *(const uint32_t *)at;
	case FIELD_BOOL:
		return *(const bool *)at;
	default:
		return *(const uint64_t *)at;
	}
}

/* Does the field say anything? */
static bool is_set(const struct field *field, const void *at)
{
	static const uint8_t none[16];

	switch (field->kind) {
	case FIELD_S32:
		return *(const int32_t *)at != 0;
	case FIELD_S64:
		return *(const int64_t *)at != 0;
	case FIELD_STRING:
		return *(const char *)at != '\0';
	case FIELD_NAME:
		return *(const char *const *)at != NULL;
	case FIELD_ADDR:
		return memcmp(at, none, sizeof(none)) != 0;
	default:
		return get_unsigned(field, at) != 0;
	}
}

static void put_tcp_number(struct bytes *to, uint32_t *last, uint32_t value)
{
	put_zigzag(to, (int32_t)(value - *last));
	*last = value;
}

static void put_field(struct obs_encoder *e, struct bytes *to, const struct field *field,
		      enum field_class class, const void *at, struct slot *slot, bool reply)
{
	const char *name;

	switch (class) {
	case CLASS_UNSIGNED:
		put_varint(to, get_unsigned(field, at));
		break;
	case CLASS_SIGNED:
		put_zigzag(to, field->kind == FIELD_S32 ? *(const int32_t *)at
							: *(const int64_t *)at);
		break;
	case CLASS_TEXT:
		name = field->kind == FIELD_NAME ? *(const char *const *)at : at;
		put_named(e, to, name, field->kind == FIELD_NAME ? strlen(name)
								 : strnlen(name, field->size));
		break;
	case CLASS_ADDR:
		put_named(e, to, at, 16);
		break;
	case CLASS_SEQ:
		put_tcp_number(to, &slot->tcp_seq[reply], *(const uint32_t *)at);
		break;
	case CLASS_ACK:
		put_tcp_number(to, &slot->tcp_seq[!reply], *(const uint32_t *)at);
		break;
	case CLASS_REPLY_SEQ:
		put_tcp_number(to, &slot->tcp_seq[1], *(const uint32_t *)at);
		break;
	}
}

static void put_fields(struct obs_encoder *e, struct bytes *to, const struct obs *o,
		       struct slot *slot)
{
	const struct plan *plan = &e->plans[o->point];
	uint64_t set = 0;

	for (size_t i = 0; i < plan->n; i++)
		if (is_set(plan->fields[i], (const char *)o + plan->fields[i]->offset))
			set |= UINT64_C(1) << i;
	put_varint(to, set);
	for (size_t i = 0; i < plan->n; i++)
		if (set & UINT64_C(1) << i)
			put_field(e, to, plan->fields[i], plan->classes[i],
				  (const char *)o + plan->fields[i]->offset, slot, o->reply);
}

static bool is_flow(const struct slot *slot, const struct obs *o)
{
	return slot->used && slot->flow_id == o->flow_id &&
	       memcmp(slot->tuple.lb, o->tuple.lb, 16) == 0 &&
	       memcmp(slot->tuple.target, o->tuple.target, 16) == 0 &&
	       slot->tuple.lb_port == o->tuple.lb_port &&
	       slot->tuple.target_port == o->tuple.target_port &&
	       slot->tuple.protocol == o->tuple.protocol;
}

/* Writes what flow it is; returns its slot and adds to *TAG. */
static struct slot *put_flow(struct obs_encoder *e, struct bytes *to, const struct obs *o,
			     uint8_t *tag)
{
	size_t n = (o->flow_id * UINT64_C(0x9e3779b97f4a7c15) >> 54) & (N_SLOTS - 1);
	struct slot *slot = &e->slots[n];
	bool same = n == e->last_slot;

	e->last_slot = n;
	if (is_flow(slot, o)) {
		if (same)
			*tag |= OBS_SAME_FLOW;
		else
			put_varint(to, n);
		return slot;
	}
	*tag |= OBS_NEW_FLOW;
	memset(slot, 0, sizeof(*slot));
	slot->used = true;
	slot->flow_id = o->flow_id;
	slot->tuple = o->tuple;
	put_varint(to, n);
	put_zigzag(to, (int64_t)(o->flow_id - o->time_ns));
	put_byte(to, o->tuple.protocol);
	put_named(e, to, o->tuple.lb, 16);
	put_named(e, to, o->tuple.target, 16);
	put_data(to, &o->tuple.lb_port, 2);
	put_data(to, &o->tuple.target_port, 2);
	return slot;
}

static void put_stack(struct obs_encoder *e, struct bytes *to, const struct obs *o)
{
	size_t n = o->stack_len < HCT_STACK_MAX ? o->stack_len : HCT_STACK_MAX;

	put_byte(to, (uint8_t)n);
	for (size_t i = 0; i < n; i++) {
		const char *name = o->stack[i] ? o->stack[i] : "?";

		put_named(e, to, name, strlen(name));
	}
}

void obs_encode(struct obs_encoder *e, struct bytes *out, const struct obs *o)
{
	uint8_t scratch[SCRATCH], tag = OBS_TAG;
	struct bytes to = { .data = scratch, .room = sizeof(scratch) };
	uint8_t flags = o->packet.tcp_flags & OBS_TCP_KNOWN;
	size_t payload_len = o->payload_len < HCT_PAYLOAD_MAX ? o->payload_len : HCT_PAYLOAD_MAX;
	struct slot *slot;

	if (o->point >= HCT_POINT_COUNT)
		return;
	e->out = out;
	put_varint(&to, o->point);
	put_time(e, &to, o->time_ns);
	slot = put_flow(e, &to, o, &tag);
	if (o->flow_seq != slot->next_seq) {
		tag |= OBS_SEQ;
		put_varint(&to, o->flow_seq);
	}
	slot->next_seq = o->flow_seq + 1;
	if (flags) {
		tag |= OBS_TCP_FLAGS;
		put_byte(&to, flags);
	}
	if (o->has_process) {
		tag |= OBS_PROCESS;
		put_varint(&to, o->pid);
		put_named(e, &to, o->comm, strnlen(o->comm, sizeof(o->comm)));
	}
	put_fields(e, &to, o, slot);
	if (o->point == HCT_POINT_TRANSLATION) {
		put_named(e, &to, o->translation.addr, 16);
		put_data(&to, &o->translation.port, 2);
	}
	if (o->stack_len) {
		tag |= OBS_STACK;
		put_stack(e, &to, o);
	}
	if (payload_len) {
		tag |= OBS_PAYLOAD;
		put_string(&to, o->payload, payload_len);
	}
	put_byte(out, tag);
	put_data(out, to.data, to.len);
}

void obs_encode_tick(struct obs_encoder *e, struct bytes *out, uint64_t now_ns)
{
	put_byte(out, RECORD_TICK);
	put_time(e, out, now_ns);
}
