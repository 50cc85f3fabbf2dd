/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TLS alerts by their names (RFC 8446, 6; those of older versions, too). */
#ifndef HCT_TLS_ALERTS_H
#define HCT_TLS_ALERTS_H

#include <stdint.h>

#define TLS_ALERT_CLOSE_NOTIFY 0

/* "unknown_ca"; "unassigned" for a number that has no name. */
const char *tls_alert_name(uint8_t number);

#endif
