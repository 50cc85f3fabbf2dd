/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a service is told where to listen, in its own words. */
#ifndef HCT_LISTENER_SETTING_H
#define HCT_LISTENER_SETTING_H

#include <stddef.h>

/*
 * Sentences of advice for the process COMM, whose socket is bound to DEVICE and
 * should take what comes by WANTED.
 */
void listener_setting_advice(char *out, size_t size, const char *comm, const char *device,
			     const char *wanted);
/* The same for a socket on ADDR, in words, alone.  0: there are none but the usual words. */
int listener_address_advice(char *out, size_t size, const char *comm, const char *addr);

#endif
