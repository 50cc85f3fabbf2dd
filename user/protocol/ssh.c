// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* SSH: both sides begin with a line of theirs (RFC 4253, 4.2). */
#include "protocol.h"

static bool matches(const struct exchange *x)
{
	if (x->datagram)
		return false;
	return bytes_begin(x->request, "SSH-") ||
	       (bytes_begin(x->answer, "SSH-") && (x->greeting || !x->request.len));
}

static void read_banner(const struct exchange *x, struct reading *r)
{
	struct bytes line;

	if (!x->answer.len)
		return;
	reading_quote(r, x->answer);
	if (!bytes_begin(x->answer, "SSH-"))
		r->result = x->answer.len < 4 ? READ_INCOMPLETE : READ_ERROR; /* "Exceeded MaxStartups" */
	else
		r->result = bytes_line(x->answer, &line) ? READ_GOOD : READ_INCOMPLETE;
}

const struct protocol protocol_ssh = { "ssh", matches, read_banner };
