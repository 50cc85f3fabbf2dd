/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * GnuTLS, loaded when an HTTPS check is sent.  Linked, it and what it needs would
 * take 2.5 MiB of every run of hctrace, which hardly ever sends one.
 */
#ifndef HCT_GNUTLS_LATE_H
#define HCT_GNUTLS_LATE_H

#include <gnutls/gnutls.h>

#define GNUTLS_CALLS(X) \
	X(gnutls_bye) \
	X(gnutls_certificate_allocate_credentials) \
	X(gnutls_certificate_free_credentials) \
	X(gnutls_credentials_set) \
	X(gnutls_deinit) \
	X(gnutls_error_is_fatal) \
	X(gnutls_handshake) \
	X(gnutls_init) \
	X(gnutls_record_get_direction) \
	X(gnutls_record_recv) \
	X(gnutls_record_send) \
	X(gnutls_server_name_set) \
	X(gnutls_set_default_priority) \
	X(gnutls_transport_set_int2)

struct gnutls_calls {
#define X(name) __typeof__(&(name)) name;
	GNUTLS_CALLS(X)
#undef X
};

/*
 * GnuTLS's functions; NULL where this host has no GnuTLS 3 (libgnutls.so.30).  To be called once
 * before threads do.
 */
const struct gnutls_calls *gnutls_late(void);

#endif
