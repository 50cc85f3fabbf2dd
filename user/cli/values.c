// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The values of options, from text. */
#include "values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_SEC UINT64_C(1000000000)
#define MAX_TIME_NS (365 * 24 * 3600 * NS_PER_SEC)
#define MAX_SIZE (UINT64_C(1) << 30)
#define MAX_WORD 32

int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *text - '0', &n))
			return -EINVAL;
	}
	if (n < min || n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

static uint64_t unit_ns(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", NS_PER_SEC }, { "ms", NS_PER_MS }, { "s", NS_PER_SEC },
		{ "m", 60 * NS_PER_SEC }, { "min", 60 * NS_PER_SEC }, { "h", 3600 * NS_PER_SEC },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].name, unit) == 0)
			return units[i].ns;
	return 0;
}

int value_time(const char *text, uint64_t *ns)
{
	const char *unit = text + strspn(text, "0123456789.");
	uint64_t scale = unit_ns(unit), total = 0;
	const char *c = text;

	if (!scale || !isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*c); c++) {
		if (total > MAX_TIME_NS / scale)
			return -EINVAL;
		total = total * 10 + (uint64_t)(*c - '0');
	}
	if (total > MAX_TIME_NS / scale)
		return -EINVAL;
	total *= scale;
	if (*c == '.' && !isdigit((unsigned char)*++c))
		return -EINVAL;
	for (; isdigit((unsigned char)*c); c++) {
		scale /= 10;
		total += (uint64_t)(*c - '0') * scale;
	}
	if (c != unit || total == 0 || total > MAX_TIME_NS)
		return -EINVAL;
	*ns = total;
	return 0;
}

/* A number of bytes up to MAX, with one of the first UNITS letters of "kMGT" behind it or none. */
static int get_size(const char *text, unsigned units, uint64_t max, uint64_t *out)
{
	static const char letters[] = "kMGT";
	size_t len = strlen(text);
	unsigned shift = 0;
	char digits[24];

	for (unsigned i = 0; i < units && len; i++)
		if (toupper((unsigned char)text[len - 1]) == toupper(letters[i]))
			shift = 10 * (i + 1);
	if (shift)
		len--;
	if (len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (value_number(digits, 1, max >> shift, out))
		return -EINVAL;
	*out <<= shift;
	return 0;
}

int value_size(const char *text, uint32_t *bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), n;

	if (get_size(text, 2, MAX_SIZE, &n) || n < page || (n & (n - 1)))
		return -EINVAL;
	*bytes = (uint32_t)n;
	return 0;
}

int value_bytes(const char *text, uint64_t min, uint64_t *bytes)
{
	if (get_size(text, 4, INT64_MAX, bytes) || *bytes < min)
		return -EINVAL;
	return 0;
}

int value_codes(const char *text, struct code_range *out)
{
	char first[8] = "", last[8] = "";
	size_t len = strcspn(text, "-");
	uint64_t from, to;

	if (len >= sizeof(first) || strlen(text + len) >= sizeof(last))
		return -EINVAL;
	memcpy(first, text, len);
	strcpy(last, text[len] == '-' ? text + len + 1 : first);
	if (value_number(first, 100, 599, &from) || value_number(last, 100, 599, &to) || from > to)
		return -EINVAL;
	*out = (struct code_range){ (int)from, (int)to };
	return 0;
}

int value_prefix(const char *text, struct prefix *out, bool *host_bits)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char addr[INET6_ADDRSTRLEN];
	uint64_t bits, family_bits;

	if (len >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, len);
	addr[len] = '\0';
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, addr, out->addr + 12) == 1) {
		memset(out->addr + 10, 0xff, 2);
		family_bits = 32;
	} else if (inet_pton(AF_INET6, addr, out->addr) == 1) {
		family_bits = 128;
	} else {
		return -EINVAL;
	}
	bits = family_bits;
	if (slash && value_number(slash + 1, 0, family_bits, &bits))
		return -EINVAL;
	out->len = (uint8_t)(128 - family_bits + bits);

	*host_bits = false;
	for (size_t i = out->len / 8u; i < 16; i++) {
		uint8_t mask = i == out->len / 8u ? (uint8_t)(0xff00 >> (out->len % 8)) : 0;

		if (out->addr[i] & (uint8_t)~mask)
			*host_bits = true;
		out->addr[i] &= mask;
	}
	return 0;
}

int prefix_parse(struct prefix *out, const char *text)
{
	bool host_bits;

	if (value_prefix(text, out, &host_bits) || host_bits)
		return -EINVAL;
	return 0;
}

/* Edit distance of two words (Levenshtein), one row at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[MAX_WORD + 1], len = strlen(b);

	if (len > MAX_WORD)
		return SIZE_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (best > diagonal + 1)
				best = diagonal + 1;
			if (best > row[j] + 1)
				best = row[j] + 1;
			row[j + 1] = best;
		}
	}
	return row[len];
}

const char *value_nearest(const char *word, const char *(*candidate)(size_t i))
{
	/* A third of the letters may be wrong: more would guess at random. */
	size_t best = strlen(word) / 3 ? strlen(word) / 3 : 1;
	const char *found = NULL, *name;

	for (size_t i = 0; (name = candidate(i)); i++) {
		size_t d = distance(word, name);

		if (d < best || (d == best && !found)) {
			best = d;
			found = name;
		}
	}
	return found;
}
