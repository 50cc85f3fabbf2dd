/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Captured payload without what it says of users, hosts and applications. */
#ifndef HCT_REDACT_HTTP_H
#define HCT_REDACT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hct_event.h"
#include "redact.h"

/*
 * Writes to OUT what stays of the LEN bytes at DATA, of a reply or a request:
 * of HTTP its method, version, status and the names of usual headers, with
 * pseudonyms for path and hosts; of anything else the bytes by which a protocol
 * is recognised.  The length stays where pseudonyms leave room.  Returns it.
 */
size_t redact_payload(struct redact *r, bool reply, const uint8_t *data, size_t len,
		      uint8_t out[HCT_PAYLOAD_MAX]);

/* The pseudonym of a request's path, query and all, as text. */
void redact_http_path(struct redact *r, const char *path, size_t len, char *out, size_t size);

#endif
