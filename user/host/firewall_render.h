/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Values of nftables' registers in nft's syntax; the inside of firewall_render.c. */
#ifndef HCT_FIREWALL_RENDER_H
#define HCT_FIREWALL_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum render_type {
	RENDER_UNKNOWN,
	RENDER_IPV4,
	RENDER_IPV6,
	RENDER_PORT,
	RENDER_PROTO,
	RENDER_NFPROTO,
	RENDER_ETHERTYPE,
	RENDER_DEVICE, /* its name */
	RENDER_INDEX, /* its number */
	RENDER_CTSTATE,
	RENDER_ICMP,
	RENDER_ICMPV6,
	RENDER_TCPFLAGS,
	RENDER_MARK,
	RENDER_ADDRTYPE,
	RENDER_ETHER,
	RENDER_HOST, /* four bytes in the host's order */
	RENDER_NUMBER, /* one byte or two, big-endian */
};

/* What a register holds, and what nft calls it. */
struct render_term {
	enum render_type type;
	char name[32]; /* "ip saddr" */
	char second[32]; /* two fields of this type in one load: the other one */
	uint8_t len; /* bytes loaded */
	bool masked;
	uint8_t mask[16];
	bool constant; /* VALUE, of LEN bytes, without a name */
	uint8_t value[16];
};

#define RENDER_VALUE_LEN 128

/* Bytes that a value of TYPE has; 0: any number. */
size_t render_type_len(enum render_type type);
/* VALUE, of LEN bytes, as nft prints it; false: not known how. */
bool render_value(char out[RENDER_VALUE_LEN], enum render_type type, const uint8_t *value,
		  size_t len);
/* The values from LO to HI: "80", "80-90", "10.0.0.0/8", "*". */
bool render_range(char out[RENDER_VALUE_LEN], enum render_type type, const uint8_t *lo,
		  const uint8_t *hi, size_t len);
/* The names of the bits in VALUE: "syn,ack". */
bool render_bits(char out[RENDER_VALUE_LEN], enum render_type type, const uint8_t *value,
		 size_t len);
/* Ones, then zeros: how many ones; -1: it is no prefix. */
int render_prefix(const uint8_t *mask, size_t len);

#endif
