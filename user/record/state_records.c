// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A section of the host's state as records of a recording. */
#include "state_records.h"

#include <string.h>

#include "bytes.h"
#include "format.h"

#define CUT_OFF "\n(the rest was cut off: it is too long)\n"

static int add_record(struct store *out, const struct bytes *head, const char *text, size_t len)
{
	uint8_t before[VARINT_MAX], between[VARINT_MAX];
	struct bytes all = { .data = before, .room = sizeof(before) };
	struct bytes text_len = { .data = between, .room = sizeof(between) };
	int err;

	put_varint(&text_len, len);
	put_varint(&all, head->len + text_len.len + len);
	err = store_add(out, all.data, all.len);
	if (!err)
		err = store_add(out, head->data, head->len);
	if (!err)
		err = store_add(out, text_len.data, text_len.len);
	return err ? err : store_add(out, text, len);
}

int state_records_add(struct store *out, bool at_end, uint64_t time_ns, const char *name,
		      const char *text, size_t most)
{
	size_t left = strlen(text);
	bool cut = left > most, first = true;
	int err;

	if (cut)
		left = most;
	do {
		size_t n = left < RECORD_STATE_PART ? left : RECORD_STATE_PART;
		uint8_t data[128];
		struct bytes head = { .data = data, .room = sizeof(data) };

		put_byte(&head, first ? RECORD_STATE : RECORD_STATE_MORE);
		put_byte(&head, at_end);
		put_varint(&head, time_ns);
		put_string(&head, name, strnlen(name, 64));
		err = add_record(out, &head, text, n);
		text += n;
		left -= n;
		first = false;
		if (!left && cut) {
			text = CUT_OFF;
			left = strlen(text);
			cut = false;
		}
	} while (left && !err);
	return err;
}
