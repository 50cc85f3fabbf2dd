/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose connection libwrap decided about, when the kernel side could not tell. */
#ifndef HCT_LIBWRAP_JOIN_H
#define HCT_LIBWRAP_JOIN_H

#include "flows.h"

/* The open flow that O (point LIBWRAP, no tuple) fits best, by client and process; NULL: none. */
struct flow *libwrap_flow(const struct flows *flows, const struct obs *o);

#endif
