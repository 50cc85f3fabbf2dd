// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whatever both sides say: the readers of protocols stay within it, and what they
 * quote is printable.  libFuzzer's entry.  An input is flags, the length of the
 * request and that of a greeting, then request and answer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *copy_of(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len);
	return copy;
}

static void check(const struct reading *r)
{
	if (!memchr(r->quote, 0, sizeof(r->quote)) ||
	    !memchr(r->grpc.service, 0, sizeof(r->grpc.service)))
		abort();
	for (const char *c = r->quote; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exchange x = { 0 };
	struct reading r;
	unsigned version;
	size_t asked, answered;
	uint8_t *request, *answer;

	if (size < 3)
		return 0;
	asked = data[1] < size - 3 ? data[1] : size - 3;
	answered = size - 3 - asked;
	request = copy_of(data + 3, asked);
	answer = copy_of(data + 3 + asked, answered);
	x.request = (struct bytes){ request, asked };
	x.answer = (struct bytes){ answer, answered };
	x.greeting = data[2] < answered ? data[2] : answered;
	x.datagram = data[0] & 1;
	x.request_cut = data[0] & 2;
	x.answer_cut = data[0] & 4;
	protocol_read(&x, &r);
	check(&r);
	if (proxy_header_len(request, asked, &version) > asked)
		abort();
	protocol_takes_turns(request, asked);
	free(request);
	free(answer);
	return 0;
}
