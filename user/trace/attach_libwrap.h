/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Uprobes on hosts_access() in every libwrap.so that this host's programs use. */
#ifndef HCT_ATTACH_LIBWRAP_H
#define HCT_ATTACH_LIBWRAP_H

#include <stddef.h>

struct bpf_program;
struct libwrap_links;

/*
 * 0 with *OUT and *N set to the number of libraries (0: none is installed, so
 * nothing here uses it), or -errno when a library could not be watched.
 */
int libwrap_attach(struct bpf_program *enter, struct bpf_program *leave,
		   struct libwrap_links **out, size_t *n);
/* Detaches.  Accepts NULL. */
void libwrap_free(struct libwrap_links *l);

#endif
