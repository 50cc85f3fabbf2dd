/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HCT_TRAFFIC_HTTP_H
#define HCT_TRAFFIC_HTTP_H

#define HTTP_CLOSE "Connection: close"

/* Serves for ever at the struct sockaddr_in that CTX is. */
_Noreturn void http_serve(void *ctx);

#endif
