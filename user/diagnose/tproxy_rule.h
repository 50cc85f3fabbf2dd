/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A firewall rule that hands packets to a transparent proxy. */
#ifndef HCT_TPROXY_RULE_H
#define HCT_TPROXY_RULE_H

#include "culprit.h"

struct tproxy {
	struct culprit culprit; /* the rule */
	bool alone; /* no other such rule can have had the packet */
	uint16_t port; /* of the proxy, host byte order; 0: not known */
	bool has_mark; /* it marks what it hands over, for routing */
	uint32_t mark, mask;
	bool has_address; /* it asks for a proxy on ADDRESS */
	uint8_t address[16];
};

/* Fills in port, mark and address from TEXT, a rule of iptables or nftables. */
void tproxy_read_text(const char *text, uint16_t target_port, struct tproxy *out);
/* The rule that has the first packet of the probe F is about, ahead of routing.  False: none is known. */
bool tproxy_find(const struct facts *f, struct tproxy *out);
/* The same, where RULE is known to be the one. */
void tproxy_of_culprit(const struct facts *f, const struct culprit *rule, struct tproxy *out);

enum tproxy_listener {
	TPROXY_UNKNOWN, /* the host could not be asked */
	TPROXY_NOBODY,
	TPROXY_ELSEWHERE, /* somebody, but not on an address that the rule looks at */
	TPROXY_SOMEBODY
};
/* Who listens on the port that T sends to; *WHO with TPROXY_SOMEBODY and _ELSEWHERE. */
enum tproxy_listener tproxy_listener(const struct facts *f, const struct tproxy *t,
				     struct host_listener *who);

#endif
