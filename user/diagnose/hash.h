/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A hash for keys of whole words, for uthash's BYHASHVALUE: its own looks at each byte. */
#ifndef HCT_HASH_H
#define HCT_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Of SIZE bytes at KEY, SIZE a multiple of 8. */
static inline unsigned hash_words(const void *key, size_t size)
{
	uint64_t hash = size, word;

	for (size_t i = 0; i < size; i += sizeof(word)) {
		memcpy(&word, (const char *)key + i, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return (unsigned)hash;
}

#endif
