// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* HTTP/2 with prior knowledge, and gRPC's health service in it.  libnghttp2 decodes the headers. */
#include "protocol.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define FRAME_HEAD 9
#define MAX_FRAME 16384

enum { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_RST_STREAM = 3, FRAME_SETTINGS = 4, FRAME_GOAWAY = 7,
       FRAME_CONTINUATION = 9 };
enum { FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4, FLAG_PADDED = 8, FLAG_PRIORITY = 32 };
enum { NO_ERROR = 0, REFUSED_STREAM = 7 };

static const char *const errors[] = { "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR",
	"FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
	"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED" };

/* What one side sent in the first stream. */
struct side {
	bool grpc; /* content-type: application/grpc… */
	bool headers, ended; /* headers were seen; the stream's end was */
	int status, grpc_status;
	char message[READING_QUOTE_LEN]; /* grpc-message */
	const char *end; /* GOAWAY or RST_STREAM with an error */
	uint32_t error;
	struct bytes data; /* the beginning of its first DATA */
};

struct frame {
	unsigned type, flags;
	uint32_t stream;
	struct bytes payload; /* as far as there is */
	bool whole;
};

static uint32_t get_u32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool take_frame(struct bytes *b, struct frame *out)
{
	size_t len;

	if (b->len < FRAME_HEAD)
		return false;
	len = (size_t)b->data[0] << 16 | (size_t)b->data[1] << 8 | b->data[2];
	if (len > MAX_FRAME)
		return false;
	*out = (struct frame){ .type = b->data[3], .flags = b->data[4],
			       .stream = get_u32(b->data + 5) & 0x7fffffff,
			       .payload = bytes_after(*b, FRAME_HEAD),
			       .whole = b->len - FRAME_HEAD >= len };
	if (out->payload.len > len)
		out->payload.len = len;
	*b = bytes_after(*b, FRAME_HEAD + len);
	return true;
}

static bool is(const uint8_t *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

/* At most three digits; -1: it is no number. */
static int number(const uint8_t *text, size_t len)
{
	int n = 0;

	if (!len || len > 3)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		n = n * 10 + (text[i] - '0');
	}
	return n;
}

static void take_header(struct side *s, const nghttp2_nv *nv)
{
	struct bytes value = { nv->value, nv->valuelen };

	if (is(nv->name, nv->namelen, ":status")) {
		int status = number(nv->value, nv->valuelen);

		if (status >= 200 && !s->status)
			s->status = status;
	} else if (is(nv->name, nv->namelen, "content-type")) {
		s->grpc |= bytes_begin(value, "application/grpc");
	} else if (is(nv->name, nv->namelen, "grpc-status")) {
		s->grpc_status = number(nv->value, nv->valuelen);
	} else if (is(nv->name, nv->namelen, "grpc-message")) {
		struct reading said = { .quote = "" };

		reading_quote(&said, value);
		memcpy(s->message, said.quote, sizeof(s->message));
	}
}

/* What is left of a HEADERS frame's payload without padding and priority. */
static struct bytes block_of(const struct frame *f)
{
	struct bytes b = f->payload;
	size_t pad = 0;

	if (f->type != FRAME_HEADERS)
		return b;
	if (f->flags & FLAG_PADDED && b.len) {
		pad = b.data[0];
		b = bytes_after(b, 1);
	}
	if (f->flags & FLAG_PRIORITY)
		b = bytes_after(b, 5);
	if (f->whole)
		b.len = pad < b.len ? b.len - pad : 0;
	return b;
}

static void inflate(nghttp2_hd_inflater *inflater, struct side *s, struct bytes block, bool last)
{
	while (block.len || last) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.data, block.len,
						   last);

		if (n < 0)
			return;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			take_header(s, &nv);
		block = bytes_after(block, (size_t)n);
		if (flags & NGHTTP2_HD_INFLATE_FINAL) {
			nghttp2_hd_inflate_end_headers(inflater);
			return;
		}
		if (!n && !(flags & NGHTTP2_HD_INFLATE_EMIT))
			return;
	}
}

static void take_end(struct side *s, const struct frame *f)
{
	size_t at = f->type == FRAME_GOAWAY ? 4 : 0;

	if (f->payload.len < at + 4)
		return;
	s->error = get_u32(f->payload.data + at);
	if (s->error != NO_ERROR)
		s->end = f->type == FRAME_GOAWAY ? "GOAWAY" : "RST_STREAM";
}

/* False: these are no frames. */
static bool read_side(struct bytes b, struct side *s)
{
	nghttp2_hd_inflater *inflater;
	struct frame f;
	bool settings = false;

	memset(s, 0, sizeof(*s));
	s->grpc_status = -1;
	if (nghttp2_hd_inflate_new(&inflater))
		return false;
	while (take_frame(&b, &f)) {
		if (!settings && f.type != FRAME_SETTINGS && f.type != FRAME_GOAWAY)
			break;
		settings = true;
		if (f.type == FRAME_HEADERS || f.type == FRAME_CONTINUATION) {
			s->headers = true;
			inflate(inflater, s, block_of(&f), f.whole && f.flags & FLAG_END_HEADERS);
		} else if (f.type == FRAME_DATA && !s->data.len) {
			s->data = f.payload;
		} else if (f.type == FRAME_GOAWAY || f.type == FRAME_RST_STREAM) {
			take_end(s, &f);
		}
		if ((f.type == FRAME_HEADERS || f.type == FRAME_DATA) && f.flags & FLAG_END_STREAM)
			s->ended = true;
		if (!f.whole)
			break;
	}
	nghttp2_hd_inflate_del(inflater);
	return settings;
}

/* Field NUMBER of the message in a gRPC frame: compressed flag, length, then protobuf. */
static bool message_field(struct bytes data, unsigned wire, struct bytes *out)
{
	struct bytes m = bytes_after(data, 5);

	if (data.len < 5 || data.data[0] || m.len < 2 || m.data[0] != (1 << 3 | wire))
		return false;
	*out = bytes_after(m, 1);
	return true;
}

static int serving_status(struct bytes data)
{
	struct bytes value;

	if (data.len >= 5 && !data.data[0] && !get_u32(data.data + 1))
		return 0; /* an empty message: UNKNOWN, the default */
	if (!message_field(data, 0, &value) || value.data[0] > 127)
		return -1;
	return value.data[0];
}

static void take_service(struct bytes data, char out[READING_SERVICE_LEN])
{
	struct reading said = { .quote = "" };
	struct bytes value;
	size_t len;

	if (!message_field(data, 2, &value))
		return;
	len = value.data[0];
	value = bytes_after(value, 1);
	if (value.len > len)
		value.len = len;
	reading_quote(&said, value);
	said.quote[READING_SERVICE_LEN - 1] = '\0';
	memcpy(out, said.quote, READING_SERVICE_LEN);
}

static bool matches(const struct exchange *x)
{
	return !x->datagram && bytes_begin(x->request, "PRI * HTTP/2.0\r\n");
}

static void read_grpc(const struct side *asked, const struct side *said, struct reading *r)
{
	static const char *const serving[] = { "UNKNOWN", "SERVING", "NOT_SERVING",
					       "SERVICE_UNKNOWN" };
	int now = serving_status(said->data);

	r->application = "grpc";
	r->grpc.seen = true;
	r->grpc.status = said->grpc_status;
	r->grpc.serving = now;
	take_service(asked->data, r->grpc.service);
	if (said->status && said->status != 200) {
		r->result = READ_ERROR;
		reading_say(r, "HTTP status %d", said->status);
	} else if (said->grpc_status > 0) {
		r->result = READ_ERROR;
		reading_say(r, "grpc-status %d%s%s", said->grpc_status, said->message[0] ? ": " : "",
			    said->message);
	} else if (now >= 0 && now != 1) {
		r->result = READ_ERROR;
		reading_say(r, "serving status %d (%s)", now, now < 4 ? serving[now] : "unknown");
	} else if (said->ended && said->headers && said->grpc_status < 0 && now < 0) {
		r->result = READ_ERROR;
		reading_say(r, "no grpc-status, so that it is no gRPC");
	} else if (said->grpc_status == 0 || now == 1) {
		r->result = READ_GOOD;
		reading_say(r, now == 1 ? "SERVING" : "grpc-status 0");
	}
}

static void read_http2(const struct exchange *x, struct reading *r)
{
	struct bytes reply = exchange_reply(x);
	struct side asked, said;

	if (!reply.len)
		return;
	read_side(bytes_after(x->request, strlen(PREFACE)), &asked);
	if (!read_side(reply, &said)) {
		r->result = reply.len < FRAME_HEAD ? READ_INCOMPLETE : READ_OTHER;
		r->foreign = r->result == READ_OTHER;
		reading_quote(r, reply);
		return;
	}
	r->status = said.status;
	r->result = READ_INCOMPLETE;
	if (asked.grpc || said.grpc)
		read_grpc(&asked, &said, r);
	else if (said.status) {
		r->result = READ_GOOD; /* by which codes: the settings know */
		reading_say(r, "HTTP status %d", said.status);
	}
	if (r->result == READ_INCOMPLETE && said.end) {
		r->result = READ_ERROR;
		reading_say(r, "%s, %s", said.end,
			    said.error < sizeof(errors) / sizeof(errors[0]) ? errors[said.error] :
									      "an unknown error");
	} else if (r->result == READ_INCOMPLETE && (said.headers || x->answer_cut)) {
		r->result = READ_OTHER; /* its status is not among what could be decoded */
	}
}

const struct protocol protocol_http2 = { "http2", matches, read_http2 };
