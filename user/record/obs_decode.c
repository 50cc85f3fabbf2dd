// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bytes to observations.  They are not trusted: nothing is taken that a case file could not say. */
#include "obs_code.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "format.h"
#include "obs_wire.h"
#include "stream/points.h"
#include "strings.h"

#define MAX_LISTS 256

/* A field as the recording has it; the list of a point follows the common one. */
struct planned {
	enum field_class class;
	const struct field *field; /* NULL: none that is known here */
};

struct plan {
	int point; /* -1: none that is known here */
	uint8_t n;
	struct planned fields[MAX_FIELDS];
};

struct obs_decoder {
	size_t n_plans;
	struct plan common;
	struct plan plans[MAX_LISTS];
	struct string_table *strings;
	struct slot slots[N_SLOTS];
	size_t last_slot; /* N_SLOTS: there is none */
	uint64_t last_ns;
};

struct obs_decoder *obs_decoder_new(void)
{
	struct obs_decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->strings = string_table_new();
	if (!d->strings) {
		free(d);
		return NULL;
	}
	return d;
}

void obs_decoder_free(struct obs_decoder *d)
{
	if (!d)
		return;
	string_table_free(d->strings);
	free(d);
}

void obs_decoder_start(struct obs_decoder *d, uint64_t time_ns)
{
	string_table_clear(d->strings);
	memset(d->slots, 0, sizeof(d->slots));
	d->last_slot = N_SLOTS;
	d->last_ns = time_ns;
	d->n_plans = 0;
}

static bool is_word(const uint8_t *data, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(data, word, len) == 0;
}

static const struct field *find_field(const struct field *fields, size_t n, const uint8_t *key,
				      size_t len, enum field_class class)
{
	for (size_t i = 0; i < n; i++)
		if (is_word(key, len, fields[i].key))
			return class_of(&fields[i]) == class ? &fields[i] : NULL;
	return NULL;
}

static bool is_class(uint8_t byte)
{
	return byte == CLASS_UNSIGNED || byte == CLASS_SIGNED || byte == CLASS_TEXT ||
	       byte == CLASS_ADDR || byte == CLASS_SEQ || byte == CLASS_ACK ||
	       byte == CLASS_REPLY_SEQ;
}

static int find_point(const uint8_t *name, size_t len)
{
	for (int point = 0; point < HCT_POINT_COUNT; point++)
		if (is_word(name, len, point_name(point)))
			return point;
	return -1;
}

/* One list of fields, behind those that PLAN has; KNOWN are N that it can be of. */
static int take_list(struct cursor *in, struct plan *plan, const struct field *known, size_t n)
{
	uint64_t count = take_varint(in);

	if (count > MAX_FIELDS || plan->n + count > MAX_FIELDS)
		return -EBADMSG;
	for (uint64_t i = 0; i < count; i++) {
		uint8_t class = take_byte(in);
		size_t len;
		const uint8_t *key = take_string(in, &len);

		if (in->bad || !is_class(class))
			return -EBADMSG;
		plan->fields[plan->n].class = class;
		plan->fields[plan->n++].field = find_field(known, n, key, len, class);
	}
	return 0;
}

int obs_decode_fields(struct obs_decoder *d, struct cursor *in)
{
	uint64_t lists = take_varint(in);
	const struct field *known;
	const uint8_t *name;
	size_t n, len;

	d->n_plans = 0;
	take_string(in, &len);
	if (in->bad || len || !lists || lists > MAX_LISTS)
		return -EBADMSG;
	d->common.n = 0;
	known = case_common_fields(&n);
	if (take_list(in, &d->common, known, n))
		return -EBADMSG;
	for (uint64_t i = 0; i + 1 < lists; i++) {
		struct plan *plan = &d->plans[i];

		name = take_string(in, &len);
		if (in->bad)
			return -EBADMSG;
		*plan = d->common;
		plan->point = find_point(name, len);
		known = NULL;
		n = 0;
		if (plan->point >= 0)
			known = case_point_fields(plan->point, &n);
		if (take_list(in, plan, known, n))
			return -EBADMSG;
	}
	d->n_plans = (size_t)lists - 1;
	return 0;
}

int obs_decode_string(struct obs_decoder *d, struct cursor *in)
{
	size_t len;
	const uint8_t *data = take_string(in, &len);

	return in->bad ? -EBADMSG : string_table_add(d->strings, data, len);
}

static uint64_t take_time(struct obs_decoder *d, struct cursor *in)
{
	d->last_ns += (uint64_t)take_zigzag(in);
	if (d->last_ns > INT64_MAX)
		in->bad = true;
	return d->last_ns;
}

int obs_decode_tick(struct obs_decoder *d, struct cursor *in, uint64_t *now_ns)
{
	*now_ns = take_time(d, in);
	return in->bad ? -EBADMSG : 0;
}

/* To OUT, which is zero all over, with a NUL at the end of its SIZE. */
static void take_text(struct obs_decoder *d, struct cursor *in, char *out, size_t size)
{
	size_t len;
	const uint8_t *data = string_table_data(d->strings, take_varint(in), &len);

	if (!data || len >= size || memchr(data, '\0', len))
		in->bad = true;
	else
		memcpy(out, data, len);
}

static void take_addr(struct obs_decoder *d, struct cursor *in, uint8_t out[16])
{
	size_t len;
	const uint8_t *data = string_table_data(d->strings, take_varint(in), &len);

	if (!data || len != 16)
		in->bad = true;
	else
		memcpy(out, data, 16);
}

static const char *take_name(struct obs_decoder *d, struct cursor *in)
{
	const char *name = string_table_name(d->strings, take_varint(in));

	if (!name)
		in->bad = true;
	return name;
}

static void set_unsigned(struct cursor *in, const struct field *field, void *at, uint64_t value)
{
	switch (field->kind) {
	case FIELD_U8:
	case FIELD_STATE:
		in->bad |= value > UINT8_MAX;
		*(uint8_t *)at = (uint8_t)value;
		break;
	case FIELD_U16:
		in->bad |= value > UINT16_MAX;
		*(uint16_t *)at = (uint16_t)value;
		break;
	case FIELD_U32:
	case FIELD_RECORD:
		in->bad |= value > UINT32_MAX;
		*(uint32_t *)at = (uint32_t)value;
		break;
	case FIELD_BOOL:
		in->bad |= value > 1;
		*(bool *)at = value == 1;
		break;
	default:
		*(uint64_t *)at = value;
		break;
	}
}

static void set_signed(struct cursor *in, const struct field *field, void *at, int64_t value)
{
	if (field->kind == FIELD_S64) {
		*(int64_t *)at = value;
		return;
	}
	in->bad |= value < INT32_MIN || value > INT32_MAX;
	*(int32_t *)at = (int32_t)value;
}

static uint32_t take_tcp_number(struct cursor *in, uint32_t *last)
{
	*last += (uint32_t)take_zigzag(in);
	return *last;
}

/* The value of P, which is put where it belongs in O. */
static void take_field(struct obs_decoder *d, struct cursor *in, const struct planned *p,
		       struct slot *slot, struct obs *o)
{
	void *at = p->field ? (char *)o + p->field->offset : NULL;
	uint32_t number;

	switch (p->class) {
	case CLASS_SEQ:
	case CLASS_ACK:
		number = take_tcp_number(in, &slot->tcp_seq[(p->class == CLASS_SEQ) == o->reply]);
		if (at)
			*(uint32_t *)at = number;
		return;
	case CLASS_REPLY_SEQ:
		number = take_tcp_number(in, &slot->tcp_seq[1]);
		if (at)
			*(uint32_t *)at = number;
		return;
	case CLASS_SIGNED:
		if (at)
			set_signed(in, p->field, at, take_zigzag(in));
		else
			take_varint(in);
		return;
	default:
		break;
	}
	if (!at)
		take_varint(in);
	else if (p->class == CLASS_UNSIGNED)
		set_unsigned(in, p->field, at, take_varint(in));
	else if (p->class == CLASS_ADDR)
		take_addr(d, in, at);
	else if (p->field->kind == FIELD_NAME)
		*(const char **)at = take_name(d, in);
	else
		take_text(d, in, at, p->field->size);
}

static void take_fields(struct obs_decoder *d, struct cursor *in, const struct plan *plan,
			struct slot *slot, struct obs *o)
{
	uint64_t set = take_varint(in);

	if (plan->n < MAX_FIELDS && set >> plan->n)
		in->bad = true;
	for (; set && !in->bad; set &= set - 1)
		take_field(d, in, &plan->fields[__builtin_ctzll(set)], slot, o);
}

static struct slot *take_flow(struct obs_decoder *d, struct cursor *in, uint8_t tag, uint64_t now)
{
	uint64_t n = tag & OBS_SAME_FLOW ? d->last_slot : take_varint(in);
	struct slot *slot;
	const uint8_t *ports;

	if (n >= N_SLOTS || (!(tag & OBS_NEW_FLOW) && !d->slots[n].used)) {
		in->bad = true;
		return &d->slots[0];
	}
	slot = &d->slots[n];
	d->last_slot = (size_t)n;
	if (!(tag & OBS_NEW_FLOW))
		return slot;
	memset(slot, 0, sizeof(*slot));
	slot->used = true;
	slot->flow_id = now + (uint64_t)take_zigzag(in);
	slot->tuple.protocol = take_byte(in);
	take_addr(d, in, slot->tuple.lb);
	take_addr(d, in, slot->tuple.target);
	ports = take_data(in, 4);
	if (ports) {
		memcpy(&slot->tuple.lb_port, ports, 2);
		memcpy(&slot->tuple.target_port, ports + 2, 2);
	}
	return slot;
}

static bool is_protocol(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP ||
	       protocol == IPPROTO_ICMPV6 || protocol == 0;
}

static void take_stack(struct obs_decoder *d, struct cursor *in, struct obs *o)
{
	uint8_t n = take_byte(in);

	if (n > HCT_STACK_MAX)
		in->bad = true;
	for (uint8_t i = 0; i < n && !in->bad; i++)
		o->stack[o->stack_len++] = take_name(d, in);
}

static void take_payload(struct cursor *in, struct obs *o, uint8_t payload[HCT_PAYLOAD_MAX])
{
	size_t len;
	const uint8_t *data = take_string(in, &len);

	if (in->bad || len > HCT_PAYLOAD_MAX) {
		in->bad = true;
		return;
	}
	memcpy(payload, data, len);
	o->payload = payload;
	o->payload_len = len;
}

int obs_decode(struct obs_decoder *d, struct cursor *in, uint8_t tag, struct obs *o,
	       uint8_t payload[HCT_PAYLOAD_MAX], bool *known)
{
	static const uint8_t none[16];
	uint64_t list = take_varint(in);
	const struct plan *plan;
	const uint8_t *port;
	struct slot *slot;
	uint64_t seq;

	memset(o, 0, sizeof(*o));
	if (list >= d->n_plans)
		return -EBADMSG;
	plan = &d->plans[list];
	*known = plan->point >= 0;
	o->point = *known ? plan->point : 0;
	o->time_ns = take_time(d, in);
	slot = take_flow(d, in, tag, o->time_ns);
	seq = tag & OBS_SEQ ? take_varint(in) : slot->next_seq;
	o->flow_id = slot->flow_id;
	o->tuple = slot->tuple;
	o->flow_seq = (uint32_t)seq;
	slot->next_seq = (uint32_t)seq + 1;
	if (tag & OBS_TCP_FLAGS)
		o->packet.tcp_flags = take_byte(in);
	if (tag & OBS_PROCESS) {
		uint64_t pid = take_varint(in);

		o->has_process = true;
		o->pid = (uint32_t)pid;
		in->bad |= pid > UINT32_MAX;
		take_text(d, in, o->comm, sizeof(o->comm));
	}
	take_fields(d, in, plan, slot, o);
	if (*known && o->point == HCT_POINT_TRANSLATION) {
		take_addr(d, in, o->translation.addr);
		port = take_data(in, 2);
		if (port)
			memcpy(&o->translation.port, port, 2);
	}
	if (tag & OBS_STACK)
		take_stack(d, in, o);
	if (tag & OBS_PAYLOAD)
		take_payload(in, o, payload);
	if (*known && o->point == HCT_POINT_ROUTE)
		o->route.has_gateway = memcmp(o->route.gateway, none, sizeof(none)) != 0;
	if (in->bad || seq > UINT32_MAX || o->packet.tcp_flags & ~OBS_TCP_KNOWN ||
	    !is_protocol(o->tuple.protocol) || (*known && !obs_is_whole(o)))
		return -EBADMSG;
	return 0;
}
