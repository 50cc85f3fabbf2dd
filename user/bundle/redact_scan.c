// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Addresses in text. */
#include "redact_scan.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "render/format.h"

#define V4_BITS 96

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool parse_v4(const char *text, size_t len, uint8_t addr[16])
{
	char copy[16];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	memcpy(addr, mapped, sizeof(mapped));
	return inet_pton(AF_INET, copy, addr + 12) == 1;
}

static bool parse_v6(const char *text, size_t len, uint8_t addr[16])
{
	char copy[48];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET6, copy, addr) == 1;
}

/* A run of ones, then zeros; eight ones at least. */
static bool is_mask(const uint8_t addr[16], unsigned *len)
{
	uint32_t mask = (uint32_t)addr[12] << 24 | (uint32_t)addr[13] << 16 |
			(uint32_t)addr[14] << 8 | addr[15];

	*len = V4_BITS;
	for (uint32_t rest = mask; rest & 0x80000000; rest <<= 1)
		++*len;
	return mask >= 0xff000000 && (mask | (mask - 1)) == 0xffffffff;
}

static bool is_network(const uint8_t addr[16], unsigned len)
{
	for (unsigned i = len; i < 128; i++)
		if (addr[i / 8] >> (7 - i % 8) & 1)
			return false;
	return len < 128;
}

/* "/24" or "/255.255.255.0" at TEXT: its bytes, 0: none; *BITS of the v4-mapped form. */
static size_t prefix_length(const char *text, bool v4, unsigned *bits)
{
	uint8_t mask[16];
	size_t n;

	if (*text != '/')
		return 0;
	n = strspn(text + 1, "0123456789.");
	if (v4 && parse_v4(text + 1, n, mask) && is_mask(mask, bits))
		return n + 1;
	n = strspn(text + 1, "0123456789");
	if (!n || n > 3)
		return 0;
	*bits = (unsigned)atoi(text + 1) + (v4 ? V4_BITS : 0);
	return *bits <= 128 ? n + 1 : 0;
}

/* LEN bytes that are ADDR, as a dotted quad where V4. */
static void put_addr(struct scan *s, uint8_t addr[16], size_t len, bool v4)
{
	unsigned bits = 128, mask;
	size_t suffix = prefix_length(s->at + len, v4, &bits);
	char text[ADDR_TEXT_LEN];
	bool changed;

	if (v4 && is_mask(addr, &mask) && !suffix)
		changed = false;
	else if (suffix && is_network(addr, bits))
		changed = pseudo_prefix(redact_addrs(s->r), addr, bits);
	else
		changed = pseudo_addr(redact_addrs(s->r), addr);
	if (changed)
		fprintf(s->out, "%s%s", v4 || memcmp(addr, mapped, sizeof(mapped)) ? "" : "::ffff:",
			format_addr(text, addr));
	else
		fwrite(s->at, 1, len, s->out);
	fwrite(s->at + len, 1, suffix, s->out);
	s->at += len + suffix;
}

/* Groups of hexadecimal digits at TEXT with ':' between them. */
static unsigned count_groups(const char *text, size_t len, bool *all_two)
{
	unsigned groups = 1, digits = 0;

	*all_two = true;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != ':') {
			digits++;
			continue;
		}
		*all_two &= digits == 2;
		if (digits == 0 || digits > 2)
			return 0;
		digits = 0;
		groups += i < len;
	}
	return groups;
}

static void put_mac(struct scan *s, size_t len)
{
	static const char *const kept[] = { "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00" };
	char key[80] = "";
	size_t used = 0;

	for (size_t i = 0; i < len && used < sizeof(key) - 4;) {
		unsigned value = (unsigned)strtoul(s->at + i, NULL, 16);

		used += (size_t)snprintf(key + used, sizeof(key) - used, "%s%02x", i ? ":" : "", value);
		i += strspn(s->at + i, "0123456789abcdefABCDEF") + 1;
	}
	if (strcmp(key, kept[0]) == 0 || strcmp(key, kept[1]) == 0)
		fwrite(s->at, 1, len, s->out);
	else
		fputs(pseudo_name(redact_names(s->r), NAME_MAC, key, used), s->out);
	s->at += len;
}

static bool scan_v4(struct scan *s)
{
	size_t len = strspn(s->at, "0123456789.");
	uint8_t addr[16];

	while (len && s->at[len - 1] == '.')
		len--;
	if (s->at > s->start && s->at[-1] == '.')
		return false;
	if (is_word_char(s->at[len]) || !parse_v4(s->at, len, addr))
		return false;
	put_addr(s, addr, len, true);
	return true;
}

bool scan_address(struct scan *s)
{
	size_t len = strspn(s->at, "0123456789abcdefABCDEF:."), colons = 0;
	uint8_t addr[16];
	unsigned groups;
	bool all_two;

	if (scan_v4(s))
		return true;
	while (len && (s->at[len - 1] == '.' || (s->at[len - 1] == ':' &&
						 !(len > 1 && s->at[len - 2] == ':'))))
		len--;
	for (size_t i = 0; i < len; i++)
		colons += s->at[i] == ':';
	if (colons < 2 || is_word_char(s->at[len]) || (s->at > s->start && s->at[-1] == ':'))
		return false;
	groups = count_groups(s->at, len, &all_two);
	if (groups >= 6 && all_two) {
		put_mac(s, len);
		return true;
	}
	if (parse_v6(s->at, len, addr)) {
		put_addr(s, addr, len, false);
		return true;
	}
	if (groups == 6) {
		put_mac(s, len);
		return true;
	}
	return false;
}

bool scan_v4_start(struct scan *s)
{
	uint8_t addr[16] = { 0 };
	unsigned parts = 0, value;
	const char *at = s->at;
	int used;

	memcpy(addr, mapped, sizeof(mapped));
	while (parts < 3 && isdigit((unsigned char)*at) && sscanf(at, "%3u%n", &value, &used) == 1 &&
	       value < 256 && at[used] == '.') {
		addr[12 + parts++] = (uint8_t)value;
		at += used + 1;
	}
	if (!parts || is_word_char(*at))
		return false;
	pseudo_prefix(redact_addrs(s->r), addr, V4_BITS + parts * 8);
	for (unsigned i = 0; i < parts; i++)
		fprintf(s->out, "%u.", addr[12 + i]);
	s->at = at;
	return true;
}

bool scan_hex_address(struct scan *s)
{
	uint8_t addr[16];
	size_t digits;
	uint32_t value;

	if (s->at[0] != '0' || s->at[1] != 'x')
		return false;
	digits = strspn(s->at + 2, "0123456789abcdefABCDEF");
	if (digits < 5)
		return false;
	if (digits > 8) {
		fputs("0x0", s->out);
		s->at += 2 + digits;
		return true;
	}
	value = htonl((uint32_t)strtoul(s->at, NULL, 16));
	memcpy(addr, mapped, sizeof(mapped));
	memcpy(addr + 12, &value, 4);
	pseudo_addr(redact_addrs(s->r), addr);
	memcpy(&value, addr + 12, 4);
	fprintf(s->out, "0x%08x", ntohl(value));
	s->at += 2 + digits;
	return true;
}

char *redact_address_word(struct redact *r, const char *word)
{
	size_t len = strlen(word), open = *word == '[', end;
	char text[ADDR_TEXT_LEN], *out;
	uint8_t addr[16];

	end = open && word[len - 1] == ']' ? len - 1 : len;
	if (!(parse_v4(word + open, end - open, addr) || parse_v6(word + open, end - open, addr)))
		return NULL;
	if (!pseudo_addr(redact_addrs(r), addr))
		return strdup(word);
	return asprintf(&out, open ? "[%s]" : "%s", format_addr(text, addr)) < 0 ? NULL : out;
}
