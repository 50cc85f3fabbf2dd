/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The routing rules (`ip rule`): which of them a reply meets, and their text. */
#ifndef HCT_ROUTING_RULES_H
#define HCT_ROUTING_RULES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct routing_rule {
	uint8_t action; /* FR_ACT_* of linux/fib_rules.h */
	uint32_t priority;
	uint32_t table; /* FR_ACT_TO_TBL */
	uint32_t target; /* FR_ACT_GOTO: the priority to go on with */
	bool invert;
	bool from, to; /* false: any; prefixes are v4-mapped, lengths of the family's own form */
	uint8_t src[16], dst[16];
	uint8_t src_len, dst_len;
	uint8_t tos;
	bool has_mark;
	uint32_t mark, mask;
	char iif[IFNAMSIZ], oif[IFNAMSIZ];
	bool l3mdev;
	bool has_uid;
	uint32_t uid[2];
	uint8_t ip_proto; /* 0: any */
	uint16_t sport[2], dport[2]; /* 0: any */
	uint32_t suppress_len; /* answers with a prefix no longer are none; UINT32_MAX: no such */
	uint32_t suppress_group; /* the same of a group of devices */
	bool unknown; /* it asks for something that is not in here */
};

/* Hosts with a rule for each container have some hundreds. */
#define MAX_ROUTING_RULES 1024
struct routing_rules {
	uint8_t family; /* AF_INET, AF_INET6 */
	size_t n;
	bool truncated;
	struct routing_rule r[MAX_ROUTING_RULES]; /* in the order in which they are asked */
};

/* In the network namespace of the calling thread.  0 or -errno. */
int routing_rules_read(uint8_t family, struct routing_rules *out);

enum rule_fit {
	FIT_NO,
	FIT_MARKED, /* only where it carries a mark */
	FIT_MAYBE, /* it goes by a user, a port or the like, which is not known here */
	FIT_YES,
};
/*
 * Does a reply meet the rule, that a socket of this host bound to no device sends
 * without a mark from address FROM to TO?  IN_VRF: its device belongs to a VRF.
 */
enum rule_fit routing_rule_fit(const struct routing_rule *rule, uint8_t family,
			       const uint8_t from[16], const uint8_t to[16], bool in_vrf);

/* LEN counts the bits of the FAMILY's own form; PREFIX and ADDR are v4-mapped. */
bool routing_covers(uint8_t family, const uint8_t prefix[16], unsigned len, const uint8_t addr[16]);

/*
 * As `ip rule` prints it behind the priority, words with one space in between,
 * which `ip rule del priority N` takes, too; "" where it cannot be said in full.
 */
void routing_rule_text(const struct routing_rule *rule, uint8_t family, char *out, size_t size);

#endif
