/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The base chains that one packet meets, in their order. */
#ifndef HCT_RULE_ORDER_H
#define HCT_RULE_ORDER_H

#include "firewall.h"
#include "host.h"

struct rule_stop {
	const struct fw_chain *base;
	unsigned hook; /* hooks are met in this order */
	bool doubtful; /* it is not known whether the packet meets it: the device decides */
};

/* A new array of *N; NULL with *N == 0: it meets none, with 1: no memory. */
struct rule_stop *rule_order(const struct fw_rules *rules, const struct host_packet *packet,
			     size_t *n);

#endif
