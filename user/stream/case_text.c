// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text form of values in a case file. */
#include "case_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "render/format.h"
#include "names.h"

#define NS_PER_SEC UINT64_C(1000000000)

/* Indexed by BPF_TCP_* of linux/bpf.h. */
static const char *const states[] = {
	"",	 "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",    "TIME_WAIT",
	"CLOSE", "CLOSE_WAIT",	"LAST_ACK", "LISTEN",	"CLOSING",   "NEW_SYN_RECV",
};
#define N_STATES (sizeof(states) / sizeof(states[0]))

void text_put(FILE *out, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] > 0x20 && bytes[i] < 0x7f && bytes[i] != '%')
			putc(bytes[i], out);
		else
			fprintf(out, "%%%02X", bytes[i]);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int text_get(const char *in, void *out, size_t size)
{
	uint8_t *bytes = out;
	size_t len = 0;

	for (; *in; in++) {
		int byte = (uint8_t)*in;

		if (*in == '%') {
			int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);

			if (low < 0)
				return -EINVAL;
			byte = high << 4 | low;
			in += 2;
		}
		if (len == size)
			return -EINVAL;
		bytes[len++] = (uint8_t)byte;
	}
	return (int)len;
}

int text_get_string(const char *in, char *out, size_t size)
{
	int len = text_get(in, out, size - 1);

	if (len < 0 || memchr(out, '\0', (size_t)len))
		return -EINVAL;
	memset(out + len, 0, size - (size_t)len);
	return 0;
}

int text_get_u64(const char *in, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!*in)
		return -EINVAL;
	for (; *in; in++) {
		unsigned digit = (unsigned)(*in - '0');

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		value = value * 10 + digit;
	}
	if (value > max)
		return -EINVAL;
	*out = value;
	return 0;
}

int text_get_s64(const char *in, int64_t *out)
{
	bool negative = *in == '-';
	uint64_t value;

	if (text_get_u64(in + negative, INT64_MAX, &value))
		return -EINVAL;
	*out = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

void text_put_time(FILE *out, int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	fprintf(out, "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "", size / NS_PER_SEC,
		size % NS_PER_SEC);
}

int text_get_time(const char *in, int64_t *ns)
{
	bool negative = *in == '-';
	const char *dot = strchr(in, '.');
	size_t len = dot ? (size_t)(dot - in) : strlen(in);
	uint64_t seconds, fraction = 0, unit = NS_PER_SEC;
	char whole[24];

	if (len >= sizeof(whole))
		return -EINVAL;
	memcpy(whole, in, len);
	whole[len] = '\0';
	if (text_get_u64(whole + negative, INT64_MAX / NS_PER_SEC - 1, &seconds))
		return -EINVAL;
	for (in = dot ? dot + 1 : ""; *in; in++) {
		if (*in < '0' || *in > '9' || unit == 1)
			return -EINVAL;
		unit /= 10;
		fraction += unit * (uint64_t)(*in - '0');
	}
	*ns = (int64_t)(seconds * NS_PER_SEC + fraction);
	if (negative)
		*ns = -*ns;
	return 0;
}

static int get_addr(const char *in, uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct in_addr v4;

	if (inet_pton(AF_INET, in, &v4) == 1) {
		memcpy(addr, mapped, sizeof(mapped));
		memcpy(addr + 12, &v4, sizeof(v4));
		return 0;
	}
	return inet_pton(AF_INET6, in, addr) == 1 ? 0 : -EINVAL;
}

int text_get_endpoint(const char *in, uint8_t addr[16], uint16_t *port)
{
	const char *colon = strrchr(in, ':'), *close = strchr(in, ']');
	char text[ADDR_TEXT_LEN];
	uint64_t number = 0;
	size_t len;

	if (*in != '[' && colon && strchr(in, ':') != colon)
		colon = NULL; /* a bare IPv6 address */
	if (*in == '[') {
		if (!close || (close[1] && close[1] != ':'))
			return -EINVAL;
		colon = close[1] ? close + 1 : NULL;
		in++;
		len = (size_t)(close - in);
	} else {
		len = colon ? (size_t)(colon - in) : strlen(in);
	}
	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, in, len);
	text[len] = '\0';
	if (get_addr(text, addr) || (colon && text_get_u64(colon + 1, UINT16_MAX, &number)))
		return -EINVAL;
	*port = (uint16_t)number;
	return 0;
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
	case FIELD_ENUM:
	case FIELD_RECORD:
		return *(const uint32_t *)at;
	case FIELD_BOOL:
		return *(const bool *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static void put_key(FILE *out, const struct field *field)
{
	fprintf(out, " %s=", field->key);
}

static void put_signed(FILE *out, const struct field *field, int64_t value)
{
	if (!value)
		return;
	put_key(out, field);
	fprintf(out, "%" PRId64, value);
}

static void put_string(FILE *out, const struct field *field, const char *text, size_t len)
{
	put_key(out, field);
	text_put(out, text, len);
}

static void put_addr(FILE *out, const struct field *field, const uint8_t addr[16])
{
	static const uint8_t none[16];
	char text[ADDR_TEXT_LEN];

	if (memcmp(addr, none, sizeof(none)) == 0)
		return;
	put_key(out, field);
	fputs(format_addr(text, addr), out);
}

static void put_unsigned(FILE *out, const struct field *field, uint64_t value)
{
	if (!value)
		return;
	put_key(out, field);
	if (field->kind == FIELD_STATE && value < N_STATES)
		fputs(states[value], out);
	else if (field->kind == FIELD_ENUM && value < field->size)
		fputs(field->names[value], out);
	else if (field->kind == FIELD_RECORD)
		fprintf(out, "%u/%u:%u", (unsigned)(value >> 24), (unsigned)(value >> 16 & 0xff),
			(unsigned)(value & 0xffff));
	else
		fprintf(out, "%" PRIu64, value);
}

void fields_put(FILE *out, const struct field *fields, size_t n, const void *base)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *field = &fields[i];
		const void *at = (const char *)base + field->offset;
		const char *name;

		switch (field->kind) {
		case FIELD_STRING:
			if (*(const char *)at)
				put_string(out, field, at, strnlen(at, field->size));
			break;
		case FIELD_NAME:
			name = *(const char *const *)at;
			if (name)
				put_string(out, field, name, strlen(name));
			break;
		case FIELD_ADDR:
			put_addr(out, field, at);
			break;
		case FIELD_S32:
			put_signed(out, field, *(const int32_t *)at);
			break;
		case FIELD_S64:
			put_signed(out, field, *(const int64_t *)at);
			break;
		default:
			put_unsigned(out, field, get_unsigned(field, at));
			break;
		}
	}
}

static int set_name(const char **at, const char *value)
{
	char text[256];

	if (text_get_string(value, text, sizeof(text)))
		return -EINVAL;
	*at = names_intern(text);
	return 0;
}

static int set_signed(const struct field *field, void *at, const char *value)
{
	int64_t number;

	if (text_get_s64(value, &number))
		return -EINVAL;
	if (field->kind == FIELD_S64) {
		*(int64_t *)at = number;
		return 0;
	}
	if (number < INT32_MIN || number > INT32_MAX)
		return -EINVAL;
	*(int32_t *)at = (int32_t)number;
	return 0;
}

static int set_unsigned(const struct field *field, void *at, const char *value)
{
	static const uint64_t max[] = {
		[FIELD_U8] = UINT8_MAX,	  [FIELD_U16] = UINT16_MAX, [FIELD_U32] = UINT32_MAX,
		[FIELD_U64] = UINT64_MAX, [FIELD_BOOL] = 1,	    [FIELD_STATE] = UINT8_MAX,
	};
	uint64_t number;

	if (text_get_u64(value, max[field->kind], &number))
		return -EINVAL;
	switch (field->kind) {
	case FIELD_U8:
	case FIELD_STATE:
		*(uint8_t *)at = (uint8_t)number;
		return 0;
	case FIELD_U16:
		*(uint16_t *)at = (uint16_t)number;
		return 0;
	case FIELD_U32:
		*(uint32_t *)at = (uint32_t)number;
		return 0;
	case FIELD_BOOL:
		*(bool *)at = number;
		return 0;
	default:
		*(uint64_t *)at = number;
		return 0;
	}
}

/* "22/1:196" */
static int set_record(uint32_t *at, const char *value)
{
	unsigned type, what, len;
	char more;

	if (strspn(value, "0123456789/:") != strlen(value) ||
	    sscanf(value, "%3u/%3u:%5u%c", &type, &what, &len, &more) != 3 || !type ||
	    type > UINT8_MAX || what > UINT8_MAX || len > UINT16_MAX)
		return -EINVAL;
	*at = (uint32_t)type << 24 | what << 16 | len;
	return 0;
}

static int set_enum(const struct field *field, uint32_t *at, const char *value)
{
	for (size_t i = 0; i < field->size; i++) {
		if (strcmp(field->names[i], value) != 0)
			continue;
		*at = (uint32_t)i;
		return 0;
	}
	return -EINVAL;
}

static int set_field(const struct field *field, void *at, const char *value)
{
	switch (field->kind) {
	case FIELD_STRING:
		return text_get_string(value, at, field->size);
	case FIELD_NAME:
		return set_name(at, value);
	case FIELD_ADDR:
		return get_addr(value, at);
	case FIELD_S32:
	case FIELD_S64:
		return set_signed(field, at, value);
	case FIELD_STATE:
		for (size_t i = 1; i < N_STATES; i++) {
			if (strcmp(states[i], value) != 0)
				continue;
			*(uint8_t *)at = (uint8_t)i;
			return 0;
		}
		return set_unsigned(field, at, value);
	case FIELD_RECORD:
		return set_record(at, value);
	case FIELD_ENUM:
		return set_enum(field, at, value);
	default:
		return set_unsigned(field, at, value);
	}
}

int fields_get(const struct field *fields, size_t n, void *base, const char *key, const char *value)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].key, key) == 0)
			return set_field(&fields[i], (char *)base + fields[i].offset, value);
	return -ENOENT;
}

char *text_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");
	size_t len = strcspn(word, " \t");

	if (!len)
		return NULL;
	*rest = word + len + (word[len] ? 1 : 0);
	word[len] = '\0';
	return word;
}

char *text_value(char *word)
{
	char *equals = strchr(word, '=');

	if (!equals)
		return NULL;
	*equals = '\0';
	return equals + 1;
}
