// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pseudonyms of addresses: a keyed permutation that keeps prefixes. */
#include "pseudo_addr.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uthash.h>

#define MAX_SEEN 1000000 /* a recording is not trusted: behind that, none are remembered */
#define V4_BITS 96 /* of the v4-mapped form */

struct kept {
	uint8_t addr[16];
	unsigned len;
	bool below; /* what is in it stays; else only its own bits do */
};

static const struct kept well_known[] = {
	{ { [10] = 0xff, [11] = 0xff }, V4_BITS, false },
	{ { [10] = 0xff, [11] = 0xff, 0 }, V4_BITS + 8, true }, /* this host */
	{ { [10] = 0xff, [11] = 0xff, 127 }, V4_BITS + 8, true }, /* loopback */
	{ { [10] = 0xff, [11] = 0xff, 224 }, V4_BITS + 3, true }, /* multicast, broadcast */
	{ { [10] = 0xff, [11] = 0xff, 10 }, V4_BITS + 8, false },
	{ { [10] = 0xff, [11] = 0xff, 172, 16 }, V4_BITS + 12, false },
	{ { [10] = 0xff, [11] = 0xff, 192, 168 }, V4_BITS + 16, false },
	{ { [10] = 0xff, [11] = 0xff, 169, 254 }, V4_BITS + 16, false }, /* link-local */
	{ { 0 }, 127, true }, /* ::, ::1 */
	{ { 0xff }, 8, true }, /* multicast */
	{ { 0xfe, 0x80 }, 64, false }, /* link-local */
	{ { 0xfc }, 7, false }, /* unique local */
	{ { 0x20 }, 3, false }, /* global unicast */
};
#define N_KNOWN (sizeof(well_known) / sizeof(well_known[0]))

struct seen {
	uint8_t addr[16], pseudo[16];
	UT_hash_handle hh;
};

struct pseudo_addr {
	uint64_t key[2];
	struct kept kept[N_KNOWN + MAX_PREFIXES];
	size_t n_kept;
	struct seen *seen;
};

/* How many bits A and B have in common at the front, at most LEN. */
static unsigned common(const uint8_t a[16], const uint8_t b[16], unsigned len)
{
	unsigned i = 0, n;

	while (i < 16 && a[i] == b[i])
		i++;
	/* of an int's 32 bits, those of a byte are the last 8 */
	n = i == 16 ? 128 : i * 8 + (unsigned)__builtin_clz((unsigned)(a[i] ^ b[i])) - 24;
	return n < len ? n : len;
}

static void cut(uint8_t addr[16], unsigned len)
{
	for (unsigned i = len; i < 128; i++)
		addr[i / 8] &= (uint8_t)~(1u << (7 - i % 8));
}

static uint64_t rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
	v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

/* SipHash-2-4 (Aumasson, Bernstein) of three words. */
static uint64_t sip(const uint64_t key[2], const uint64_t words[3])
{
	uint64_t v[4] = { key[0] ^ UINT64_C(0x736f6d6570736575),
			  key[1] ^ UINT64_C(0x646f72616e646f6d),
			  key[0] ^ UINT64_C(0x6c7967656e657261),
			  key[1] ^ UINT64_C(0x7465646279746573) };

	for (size_t i = 0; i < 4; i++) {
		uint64_t word = i < 3 ? words[i] : UINT64_C(24) << 56; /* the length in bytes */

		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (size_t i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static bool stays(const struct pseudo_addr *p, const uint8_t addr[16])
{
	for (size_t i = 0; i < p->n_kept; i++)
		if (p->kept[i].below &&
		    common(addr, p->kept[i].addr, p->kept[i].len) == p->kept[i].len)
			return true;
	return false;
}

/* How many bits of ADDR stay, being on the way to what is kept, or within it. */
static unsigned kept_bits(const struct pseudo_addr *p, const uint8_t addr[16])
{
	unsigned most = 0;

	for (size_t i = 0; i < p->n_kept; i++) {
		unsigned len = p->kept[i].len, n = common(addr, p->kept[i].addr, len);

		/* up to where they part, and the bit by which they do */
		if (n + 1 < len)
			len = n + 1;
		if (len > most)
			most = len;
	}
	return most;
}

/* Whether a bit is turned depends on the bits in front of it: so prefixes stay prefixes. */
static void permute(const struct pseudo_addr *p, const uint8_t addr[16], uint8_t out[16])
{
	uint8_t front[16];

	memcpy(out, addr, 16);
	if (stays(p, addr))
		return;
	for (unsigned i = kept_bits(p, addr); i < 128; i++) {
		uint64_t words[3] = { 0, 0, i };

		memcpy(front, addr, i / 8);
		memset(front + i / 8, 0, sizeof(front) - i / 8);
		front[i / 8] = (uint8_t)(addr[i / 8] & ~(0xffu >> i % 8));
		memcpy(words, front, sizeof(front));
		if (sip(p->key, words) & 1)
			out[i / 8] ^= (uint8_t)(0x80u >> i % 8);
	}
}

bool pseudo_addr(struct pseudo_addr *p, uint8_t addr[16])
{
	/* a solicited-node group has the last bytes of a host's address in it */
	static const uint8_t solicited[13] = { 0xff, 2, [11] = 1, 0xff };
	struct seen *seen;

	if (memcmp(addr, solicited, sizeof(solicited)) == 0) {
		memset(addr + sizeof(solicited), 0, 16 - sizeof(solicited));
		return true;
	}
	if (stays(p, addr))
		return false;
	HASH_FIND(hh, p->seen, addr, 16, seen);
	if (!seen && HASH_COUNT(p->seen) < MAX_SEEN && (seen = malloc(sizeof(*seen)))) {
		memcpy(seen->addr, addr, 16);
		permute(p, addr, seen->pseudo);
		HASH_ADD(hh, p->seen, addr, 16, seen);
	}
	if (seen) {
		memcpy(addr, seen->pseudo, 16);
	} else {
		uint8_t pseudo[16];

		permute(p, addr, pseudo);
		memcpy(addr, pseudo, 16);
	}
	return true;
}

bool pseudo_prefix(struct pseudo_addr *p, uint8_t addr[16], unsigned len)
{
	for (size_t i = N_KNOWN; i < p->n_kept; i++)
		if (len <= p->kept[i].len && common(addr, p->kept[i].addr, len) == len)
			return false;
	if (len <= 3 || len == V4_BITS || len == V4_BITS + 1)
		return false; /* half of everything says nothing of a host */
	if (!pseudo_addr(p, addr))
		return false;
	cut(addr, len);
	return true;
}

static bool new_key(struct pseudo_addr *p)
{
	return getrandom(p->key, sizeof(p->key), 0) == sizeof(p->key);
}

struct pseudo_addr *pseudo_addr_new(const struct settings *settings)
{
	struct pseudo_addr *p = calloc(1, sizeof(*p));

	if (!p || !new_key(p)) {
		free(p);
		return NULL;
	}
	memcpy(p->kept, well_known, sizeof(well_known));
	p->n_kept = N_KNOWN;
	for (size_t i = 0; i < settings->n_from; i++) {
		struct kept *kept = &p->kept[p->n_kept++];

		memcpy(kept->addr, settings->from[i].addr, 16);
		kept->len = settings->from[i].len;
		kept->below = true;
	}
	return p;
}

void pseudo_addr_free(struct pseudo_addr *p)
{
	struct seen *seen, *next;

	if (!p)
		return;
	HASH_ITER(hh, p->seen, seen, next) {
		HASH_DEL(p->seen, seen);
		free(seen);
	}
	free(p);
}

static bool is_mixed_up(const struct pseudo_addr *p)
{
	const struct seen *seen, *next, *other;

	HASH_ITER(hh, p->seen, seen, next) {
		HASH_FIND(hh, p->seen, seen->pseudo, 16, other);
		if (other)
			return true;
	}
	return false;
}

bool pseudo_addr_settle(struct pseudo_addr *p)
{
	struct seen *seen, *next;
	bool changed = false;

	/* in a small network that is all known there is no way around it */
	for (int tries = 0; is_mixed_up(p) && tries < 64 && new_key(p); tries++) {
		changed = true;
		HASH_ITER(hh, p->seen, seen, next)
			permute(p, seen->addr, seen->pseudo);
	}
	return !changed;
}

void pseudo_addr_each(struct pseudo_addr *p,
		      void (*each)(void *ctx, const uint8_t addr[16], const uint8_t pseudo[16]),
		      void *ctx)
{
	const struct seen *seen, *next;

	HASH_ITER(hh, p->seen, seen, next)
		each(ctx, seen->addr, seen->pseudo);
}
