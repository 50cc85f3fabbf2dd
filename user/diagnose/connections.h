/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of connections that are kept, from one request to the next: where
 * they end behind a DNAT, and which process serves them.  A request's own events
 * begin with the request, and do not tell that again.
 */
#ifndef HCT_CONNECTIONS_H
#define HCT_CONNECTIONS_H

#include "probe.h"

struct connections;
struct connections *connections_new(void); /* NULL: no memory */
void connections_free(struct connections *c); /* accepts NULL */
/* P is over, and its connection goes on. */
void connections_keep(struct connections *c, const struct probe *p);
/* Gives P, which has just begun, what is known of its connection. */
void connections_recall(const struct connections *c, struct probe *p);

#endif
