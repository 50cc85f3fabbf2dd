/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ClientHello and ServerHello say in clear, as far as they were captured. */
#ifndef HCT_TLS_HELLO_H
#define HCT_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_1_2 0x0303
#define TLS_1_3 0x0304

struct tls_hello {
	uint16_t version; /* of a ClientHello the highest that it offers; 0 none */
	char sni[128]; /* "" none, or not captured */
	char alpn[64]; /* of a ClientHello all that it offers: "h2,http/1.1" */
	bool cut; /* it goes on behind what was captured */
};

/*
 * Reads the record at DATA, of which LEN bytes were captured.  False: it is none
 * of its kind.  What is said behind a length that lies stays empty.
 */
bool tls_read_client_hello(const uint8_t *data, size_t len, struct tls_hello *out);
bool tls_read_server_hello(const uint8_t *data, size_t len, struct tls_hello *out);
/* "TLS 1.2"; NULL for what is no version. */
const char *tls_version_name(uint16_t version);
#define TLS_HELLO_CHECK_LEN 29 /* of its beginning, by which it is known */
/* The fixed ClientHello of HAProxy's ssl-hello-chk, which takes any TLS record for an answer? */
bool tls_is_hello_check(const uint8_t *data, size_t len);

#endif
