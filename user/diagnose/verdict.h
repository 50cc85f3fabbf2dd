/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts: the catalogue as data, and what a diagnosis of one probe is.
 */
#ifndef HCT_VERDICT_H
#define HCT_VERDICT_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum verdict_id {
	VERDICT_HEALTHY,
	VERDICT_NO_PROBE,
	VERDICT_XDP_DROP,
	VERDICT_TC_DROP,
	VERDICT_FIREWALL_DROP,
	VERDICT_FIREWALL_REJECT,
	VERDICT_CONNTRACK_FULL,
	VERDICT_CONNTRACK_INVALID,
	VERDICT_RP_FILTER,
	VERDICT_MARTIAN_SOURCE,
	VERDICT_NOT_LOCAL,
	VERDICT_FORWARD_DROP,
	VERDICT_POLICY_DROP,
	VERDICT_KERNEL_DROP,
	VERDICT_NO_LISTENER,
	VERDICT_ACCEPT_QUEUE_FULL,
	VERDICT_SYN_QUEUE_FULL,
	VERDICT_STALE_CONNECTION,
	VERDICT_NO_ROUTE_BACK,
	VERDICT_GATEWAY_UNREACHABLE,
	VERDICT_WRONG_INTERFACE,
	VERDICT_REPLY_DROPPED,
	VERDICT_REPLY_REWRITTEN,
	VERDICT_REPLY_LOST,
	VERDICT_UDP_NO_LISTENER,
	VERDICT_UNREACHABLE_SUPPRESSED,
	VERDICT_ICMP_IGNORED,
	VERDICT_SOCKET_BUFFER_FULL,
	VERDICT_APP_NOT_ACCEPTING,
	VERDICT_APP_SLOW,
	VERDICT_APP_CLOSED,
	VERDICT_TCP_WRAPPERS,
	VERDICT_HTTP_STATUS,
	VERDICT_NOT_HTTP,
	VERDICT_TLS_ALERT,
	VERDICT_PROBE_ABORTED,
	VERDICT_UNKNOWN,
	VERDICT_COUNT
};

/* A row of the catalogue: const data (catalogue.c). */
struct verdict_info {
	const char *id; /* "firewall-drop": stable once shipped */
	const char *code; /* what the load balancer shows; NULL: none */
	const char *step; /* of the load balancer's troubleshooting procedure; "" none */
	const char *summary; /* a few words, for a summary line */
	const char *meaning; /* what it means, for `explain` */
	const char *evidence; /* what on the host proves it, for `explain` */
	const char *remedy; /* the fix in general, for `explain` */
};

const struct verdict_info *verdict_info(enum verdict_id id);
/* -1 when there is no such verdict. */
int verdict_by_name(const char *name);

enum outcome { OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_UNKNOWN };
/* certain: the kernel said so; likely: one explanation left; guess: the best of several. */
enum confidence { CONFIDENCE_CERTAIN, CONFIDENCE_LIKELY, CONFIDENCE_GUESS };

const char *outcome_name(enum outcome outcome);
const char *confidence_name(enum confidence confidence);

/* Where the probe ended.  Empty strings: does not apply or is not known. */
struct where {
	char layer[16]; /* "device", "netfilter", "route", "neighbour", "socket", "application" */
	char backend[24];
	char hook[16];
	char family[12]; /* nftables' and iptables': "ip", "inet", … */
	char table[64];
	char chain[64];
	bool policy; /* the chain's policy, no rule */
	uint32_t rule; /* its number in the chain, from 1; 0: not known, or the policy */
	uint64_t handle; /* nft's; 0: none */
	char text[256]; /* the rule in its own syntax */
	/*
	 * How sure it is that it was this rule or policy (the verdict's own
	 * confidence is about what happened, not about which rule did it).
	 */
	bool named;
	enum confidence confidence;
	char device[IFNAMSIZ];
	char function[64];
	char reason[48];
};

/* A rule's text alone is up to 255 bytes, and of several candidates each is told. */
#define WHY_LEN 1024
#define FIX_LEN 1024

/* A diagnosis: one root cause, in the admin's words. */
struct diagnosis {
	enum verdict_id verdict;
	enum outcome outcome;
	enum confidence confidence;
	const char *code; /* NULL: none; usually the catalogue's, a late failure can have another */
	struct where where;
	char why[WHY_LEN]; /* one or two sentences */
	char fix[FIX_LEN]; /* a command or a setting; "" for healthy */
	char note[320]; /* a warning beside the verdict ("healthy, but …"); "" none */
};

#endif
