/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a probe is over. */
#ifndef HCT_OVER_H
#define HCT_OVER_H

#include "probe.h"

/*
 * Has P come to its end, so that only stragglers can follow?  EXPECT_HTTP: the
 * check asks something.
 */
bool probe_is_over(const struct probe *p, bool expect_http);
/* Has P's answer come to its own end and arrived, while the connection goes on? */
bool probe_is_answered(const struct probe *p);
/* An answer was made and has a route, but none was seen to leave, nor to be dropped. */
bool probe_waits_for_gateway(const struct probe *p);

#endif
