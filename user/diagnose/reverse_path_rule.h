/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules of a firewall that filter by the reverse path, as the kernel's rp_filter does. */
#ifndef HCT_REVERSE_PATH_RULE_H
#define HCT_REVERSE_PATH_RULE_H

#include <stdbool.h>

#include "host/host.h"

/*
 * Does RULE drop what comes in by another device than the route to its source
 * leads out of?  nft "fib saddr . iif oif missing", iptables "-m rpfilter --invert".
 */
bool is_reverse_path_rule(const struct host_rule *rule);
/* Is any route to the source enough for it? */
bool is_loose_reverse_path_rule(const struct host_rule *rule);
/* How its owner is told to let such packets in, sentences; "" not known. */
const char *reverse_path_owner_advice(const struct host_rule *rule);

#endif
