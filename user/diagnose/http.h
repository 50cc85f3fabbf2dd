/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The first line and the few headers of HTTP that a health check is about. */
#ifndef HCT_HTTP_H
#define HCT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request {
	bool valid;
	char method[16];
	char path[128]; /* cut when longer */
	char host[96]; /* "" when none was seen */
	char agent[32]; /* User-Agent, its beginning; "" when none was seen */
	bool bare_close; /* no headers but Host and "Connection: close", in this order */
	bool forwarded; /* a proxy's or a browser's header: on a user's behalf */
};

struct http_response {
	bool valid;
	int status;
	char location[128]; /* "" when none was seen */
	bool wants_tls; /* a TLS port's answer to a request in clear */
};

/* How an answer says where it ends (RFC 9112, 6.3). */
enum http_framing {
	HTTP_FRAMING_UNKNOWN, /* its head was not seen to its end */
	HTTP_FRAMING_NONE, /* it has no body */
	HTTP_FRAMING_LENGTH,
	HTTP_FRAMING_CHUNKED,
	HTTP_FRAMING_CLOSE, /* with the connection */
};

/* An answer as it comes, segment by segment. */
struct http_answer {
	enum http_framing framing;
	bool final; /* the status line of the last response was seen; those before it were 1xx */
	bool broken; /* bytes in between were not seen, or it is no HTTP: nothing more is read */
	bool to_head; /* it answers HEAD, and so has no body */
	bool line_cut; /* LINE is the beginning of a longer one */
	bool malformed; /* clients differ in what they make of it: see take_header() */
	bool has_length; /* a Content-Length was met */
	bool chunks_ended; /* the last chunk and the empty line behind it were read */
	uint8_t chunk_state; /* of the body, with HTTP_FRAMING_CHUNKED */
	uint16_t headers; /* of the head */
	uint16_t line_len;
	uint32_t fed; /* bytes read, from the first one on */
	uint32_t head_len; /* bytes up to and with the empty line; 0 not seen */
	uint64_t length; /* of the body, with HTTP_FRAMING_LENGTH */
	uint64_t chunk_left; /* bytes of the chunk that is being read */
	char line[160]; /* that is being read */
};

/*
 * Reads the next LEN bytes of an answer.  OUT gets the first status line that is
 * no 1xx, as soon as it is complete, and the Location.
 */
void http_answer_feed(struct http_answer *a, const uint8_t *data, size_t len,
		      struct http_response *out);

/* Says in OUT, of an answer with status 400, whether these bytes of it are a TLS port's refusal. */
void http_note_refusal(const uint8_t *data, size_t len, struct http_response *out);

/*
 * Parse the start of a message, which may be cut anywhere; bytes that are not
 * printable ASCII are replaced by '?'.  Returns whether it is HTTP at all.
 */
bool http_parse_request(const uint8_t *data, size_t len, struct http_request *out);
bool http_parse_response(const uint8_t *data, size_t len, struct http_response *out);
/* The same of the first line alone: method and path, or status. */
bool http_parse_request_line(const uint8_t *data, size_t len, struct http_request *out);
bool http_parse_status_line(const uint8_t *data, size_t len, struct http_response *out);

#endif
