/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Users' requests that say so: a load balancer adds X-Forwarded-For to what it
 * routes, and its own checks have none.  What follows such a request is nobody's
 * concern here, and most of what a busy target would have to tell.
 *
 * user/diagnose/http.c looks for this header, too, among others: whatever is
 * found here, it finds.
 */
#ifndef BPF_USERS_H
#define BPF_USERS_H

#include "state.h"

#define USERS_HEADER "x-forwarded-for"
#define USERS_HEADER_LEN 15
#define LOWER_CASE 0x2020202020202020ULL /* leaves '-' and ':' as they are */

/* The eight letters of the header from K on. */
static __always_inline __u64 letters_from(int k)
{
	const char header[] = USERS_HEADER;
	__u64 letters = 0;

	for (int i = 7; i >= 0; i--)
		letters = letters << 8 | (__u8)header[k + i];
	return letters;
}

/*
 * 1 when A is B, else 0; not by a branch, each of which the verifier would follow
 * both ways.  The asm keeps the compiler from making one of it.
 */
static __always_inline __u64 is_same(__u64 a, __u64 b)
{
	__u64 difference = a ^ b, negative = -difference, same;

	asm volatile("" : "+r"(negative));
	same = ((difference | negative) >> 63) ^ 1;
	asm volatile("" : "+r"(same));
	return same;
}

/* 0 when LETTERS are eight letters of the header in a row. */
static __always_inline __u64 is_part(__u64 letters)
{
	__u64 product = 1;

#pragma unroll
	for (int k = 0; k < 8; k++)
		product *= letters ^ letters_from(k);
	return product;
}

/* Is the header, with its line's end before and its colon behind, at START of the N bytes? */
static __always_inline bool header_at(const __u8 *bytes, __u32 n, __u64 start)
{
	const char header[] = USERS_HEADER;
	__u32 difference;

	/* one 64-bit value to be compared and used: the verifiers of 5.10 and 6.1 see no other bounds */
	asm volatile("" : "+r"(start));
	if (start < 1 || start > HCT_PAYLOAD_SHORT - USERS_HEADER_LEN - 1 ||
	    start + USERS_HEADER_LEN >= n)
		return false;
	difference = (bytes[start - 1] ^ '\n') | (bytes[start + USERS_HEADER_LEN] ^ ':');
#pragma unroll
	for (int i = 0; i < USERS_HEADER_LEN; i++)
		difference |= (bytes[start + i] | 0x20) ^ header[i];
	return !difference;
}

/*
 * Is X-Forwarded-For among the N captured bytes?  Fifteen letters have eight of
 * them at a multiple of eight somewhere, so that one look per eight bytes finds
 * where it can be.
 */
static __noinline bool is_users_request(const __u8 *bytes, __u32 n)
{
	__u64 place = 0, k = 0, letters;

#pragma clang loop unroll(disable)
	for (__u32 at = 0; at + 8 <= HCT_PAYLOAD_SHORT; at += 8)
		place |= is_same(is_part(*(const __u64 *)(bytes + at) | LOWER_CASE), 0) * at;
	if (place > HCT_PAYLOAD_SHORT - 8)
		return false;
	letters = *(const __u64 *)(bytes + place) | LOWER_CASE;
#pragma unroll
	for (int i = 0; i < 8; i++)
		k += is_same(letters, letters_from(i)) * i;
	return header_at(bytes, n, place - k);
}

#endif
