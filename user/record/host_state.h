/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host's state as its own tools and files have it, for people who read a
 * recording elsewhere: addresses, routes, neighbours, listeners, firewall
 * rules, sysctls, TCP wrappers.
 */
#ifndef HCT_RECORD_HOST_STATE_H
#define HCT_RECORD_HOST_STATE_H

#include <stddef.h>

/*
 * Calls PUT for each section, with text that lives as long as the call: of the
 * calling thread's network namespace.  A tool that is missing or fails is said
 * in its section's text, which is never empty.  It takes as long as the tools do, some 0.1 s; each is
 * given 5 s at most.  Nothing of the host is changed.
 */
void host_state_collect(void (*put)(void *ctx, const char *name, const char *text), void *ctx);

#endif
