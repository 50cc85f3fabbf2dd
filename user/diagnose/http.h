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
	bool forwarded; /* a proxy's or a browser's header: on a user's behalf */
};

struct http_response {
	bool valid;
	int status;
	char location[128]; /* "" when none was seen */
	bool wants_tls; /* a TLS port's answer to a request in clear */
};

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
