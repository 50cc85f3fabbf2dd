/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules of nftables, iptables-nft and legacy iptables in one form, made to
 * be asked: can this rule match packets of that kind?
 *
 * A condition says what it demands of a field of the packet, as ranges of
 * values.  What is not understood is kept as FW_UNKNOWN: it may or may not
 * match.
 */
#ifndef HCT_FIREWALL_H
#define HCT_FIREWALL_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fw_field {
	FW_UNKNOWN,
	FW_NFPROTO, /* 1 byte: NFPROTO_IPV4, NFPROTO_IPV6 */
	FW_PROTO, /* 1 byte: IPPROTO_* */
	FW_SADDR4, /* 4 bytes */
	FW_DADDR4,
	FW_SADDR6, /* 16 bytes */
	FW_DADDR6,
	FW_SPORT, /* 2 bytes */
	FW_DPORT,
	FW_IIF, /* 16 bytes: the device's name */
	FW_OIF,
	FW_CTSTATE, /* 4 bytes: one of FW_CT_* */
	FW_TCPFLAGS, /* 1 byte */
	FW_ICMPTYPE, /* 1 byte */
	FW_SADDRTYPE, /* 1 byte: RTN_* of the address where the packet is: RTN_LOCAL, RTN_UNICAST … */
	FW_DADDRTYPE,
	FW_ETHERTYPE, /* 2 bytes; when it is not told, it is as FW_NFPROTO says */
	FW_DEVICETYPE, /* 2 bytes: ARPHRD_* of the device that it came in by */
	FW_ARPHTYPE, /* 2 bytes; this and what follows are of an ARP packet alone */
	FW_ARPPTYPE,
	FW_ARPHLEN, /* 1 byte */
	FW_ARPPLEN,
	FW_ARPOP, /* 2 bytes: 1 a request, 2 a reply */
	FW_ARPSADDR, /* 4 bytes: the sender's address */
	FW_ARPDADDR,
	FW_FIELDS,
	FW_TUPLE, /* several of them together; in conditions only */
};

/* As nftables has them: NF_CT_STATE_BIT(). */
enum { FW_CT_INVALID = 1, FW_CT_ESTABLISHED = 2, FW_CT_RELATED = 4, FW_CT_NEW = 8,
       FW_CT_UNTRACKED = 64 };

#define FW_MAX_PARTS 5

/* Both ends belong to it; big-endian, so that memcmp() orders them. */
struct fw_range {
	uint8_t lo[16];
	uint8_t hi[16];
};

struct fw_condition {
	enum fw_field field;
	bool negate;
	bool masked; /* the field's value is and-ed with MASK before it is compared */
	uint8_t mask[16];
	const struct fw_range *range; /* belongs to the rules; any of them fits */
	size_t n;
	/* FW_TUPLE: any N_PARTS ranges that lie side by side fit, one for each of PART. */
	uint8_t n_parts;
	enum fw_field part[FW_MAX_PARTS];
};

enum fw_verdict {
	FW_CONTINUE,
	FW_ACCEPT,
	FW_DROP,
	FW_REJECT,
	FW_JUMP,
	FW_GOTO,
	FW_RETURN,
	FW_NAT, /* sent elsewhere: DNAT, REDIRECT; like ACCEPT */
	FW_OTHER, /* a queue, or what is not understood */
};

/* What a rule does to the packet besides its verdict. */
enum fw_effect {
	FW_EFFECT_NONE, /* nothing, or it is not understood */
	FW_EFFECT_QUEUE, /* hands it to a program (verdict FW_OTHER) */
	FW_EFFECT_DNAT, /* REDIRECT and NETMAP, too (FW_NAT) */
	FW_EFFECT_SNAT, /* MASQUERADE, too (FW_ACCEPT) */
	FW_EFFECT_REWRITE, /* writes to one of its addresses or ports as it passes */
	FW_EFFECT_TPROXY, /* hands it to a proxy's socket, if there is one */
};

#define FW_MAX_CONDITIONS 16

/*
 * A rule; of a rule with a verdict map, one for each element, which all have the
 * rule's number, handle, counter and text.
 */
struct fw_rule {
	struct fw_rule *next;
	uint64_t handle; /* nft's and iptables-nft's; 0: none */
	unsigned number; /* its place in its chain, from 1, as --line-numbers counts */
	/*
	 * In the syntax of its backend, what stands behind the chain:
	 * "-s 10.0.0.0/8 -j DROP", "ip saddr 10.0.0.0/8 drop".  Printable, at most
	 * 255 bytes, cut with "…".  NULL with nft, before fw_text_complete().
	 */
	const char *text;
	const char *comment; /* of an element of a verdict map, printable; NULL none */
	uint64_t packets; /* that it counted so far */
	bool has_packets; /* it has a counter */
	enum fw_effect effect;
	enum fw_verdict verdict;
	char target[64]; /* FW_JUMP, FW_GOTO: the chain */
	size_t n;
	struct fw_condition *cond; /* belongs to the rules */
};

struct fw_chain {
	struct fw_chain *next;
	struct fw_chain *next_alike; /* with the same hash */
	const char *backend; /* "nft", "iptables-nft", "ebtables-nft", "iptables-legacy" */
	char family[12]; /* "ip", "ip6", "inet", "netdev", "bridge" */
	char table[64];
	char name[64];
	const char *hook; /* "INPUT", "bridge INPUT" …, as host_ops.chains; NULL: only jumped to */
	int32_t priority; /* of a chain with a hook */
	char device[IFNAMSIZ]; /* that it is bound to (netdev, inet ingress); "" none, or several */
	bool drops; /* its policy */
	uint64_t policy_packets; /* that met the policy so far */
	bool has_policy_packets;
	struct fw_rule *rules, **last;
	unsigned n_rules;
};

struct fw_block; /* memory that lives as long as the rules */
struct fw_rules {
	struct fw_chain *chains, **last;
	struct fw_chain **by_hash;
	struct fw_block *blocks;
	bool incomplete; /* some rules could not be read: WHY */
	char why[160];
};

/*
 * Reads what applies to IPv4, or IPv6, in the network namespace of the calling
 * thread.  0, or -errno (-EPERM: not without CAP_NET_ADMIN).  Give OUT back with
 * fw_rules_free() in either case.
 */
int fw_rules_read(bool ipv6, struct fw_rules *out);
/*
 * Fills in the texts that fw_rules_read() left out, in the same namespace: as
 * nft prints them, where it is installed, else in our words.  It starts a tool;
 * only for who shows a rule.  0 or -errno.
 */
int fw_text_complete(struct fw_rules *rules);
void fw_rules_free(struct fw_rules *rules);

/* ---- for the readers; each NULL: no memory ---- */

struct fw_chain *fw_chain_add(struct fw_rules *rules, const char *backend, const char *family,
			      const char *table, const char *name);
struct fw_chain *fw_chain_find(const struct fw_rules *rules, const struct fw_chain *like,
			       const char *name);
/* A rule behind the others of CHAIN; AGAIN: it is one with the last of them. */
struct fw_rule *fw_rule_add(struct fw_rules *rules, struct fw_chain *chain, bool again);
void *fw_alloc(struct fw_rules *rules, size_t size);
/* RULES take over what FROM holds in memory; nothing is left in FROM. */
void fw_adopt(struct fw_rules *rules, struct fw_rules *from);
/* TEXT as struct fw_rule has it. */
const char *fw_text_keep(struct fw_rules *rules, const char *text);
/*
 * A condition behind the others of RULE, with N ranges to be filled in (*RANGES,
 * all zero).  One too many for a rule makes its last one FW_UNKNOWN.
 */
struct fw_condition *fw_condition_add(struct fw_rules *rules, struct fw_rule *rule,
				      enum fw_field field, size_t n, struct fw_range **ranges);
size_t fw_field_len(enum fw_field field);

/* The chains that nftables has, iptables-nft's among them. */
int fw_read_nft(bool ipv6, struct fw_rules *rules);
/* The rules that iptables-save or ip6tables-save printed, with or without -c; spoils TEXT. */
int fw_parse_save(struct fw_rules *rules, const char *backend, bool ipv6, char *text);
/* The same of ebtables-nft-save or arptables-nft-save; the texts are good, the conditions are not. */
int fw_parse_ebtables(struct fw_rules *rules, const char *backend, char *text);

/* ---- asking ---- */

enum fw_match { FW_NO, FW_SOME, FW_ALL };

/* Packets of a kind: for each field the values that they can have; n == 0: not known. */
#define FW_MAX_VALUES 24
struct fw_packets {
	struct {
		size_t n;
		struct fw_range range[FW_MAX_VALUES];
	} field[FW_FIELDS];
};

/* Whether none, some or all of PACKETS match. */
enum fw_match fw_rule_match(const struct fw_rule *rule, const struct fw_packets *packets);

#endif
