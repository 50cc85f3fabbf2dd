/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts: the catalogue as data, and what a diagnosis of one probe is.
 */
#ifndef HCT_VERDICT_H
#define HCT_VERDICT_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hct_points.h"
#include "base/shell.h"
#include "verdict_list.h"

enum verdict_id {
#define X(ID, name) VERDICT_##ID,
	VERDICTS(X)
#undef X
	VERDICT_COUNT
};

enum outcome { OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_UNKNOWN };
/* certain: the kernel said so; likely: one explanation left; guess: the best of several. */
enum confidence { CONFIDENCE_CERTAIN, CONFIDENCE_LIKELY, CONFIDENCE_GUESS };

struct facts;
struct diagnosis;

/* What a rule found: whether it matches, and how sure that is. */
enum match { NO_MATCH, MATCH_GUESS, MATCH_LIKELY, MATCH_CERTAIN };

struct rule {
	/*
	 * Rests on something not having been seen, at one of these points (a bit
	 * each): with lost events, or a point not attached, it proves nothing.
	 */
	uint32_t absence;
	enum match (*match)(const struct facts *f);
	/* Fills where, why, fix, note; may change outcome and code. */
	void (*report)(const struct facts *f, struct diagnosis *d);
};

/*
 * All that a verdict is: const data and two functions, in one place under
 * verdict/.  rules.c has the order in which the rules are asked.
 */
struct verdict {
	const char *id; /* "firewall-drop": stable once shipped, and so is its meaning */
	const char *code; /* what the load balancer shows; NULL: none */
	const char *step; /* of the load balancer's troubleshooting procedure; "" none */
	const char *summary; /* a few words, for a summary line */
	const char *meaning; /* what it means, for `explain` */
	const char *evidence; /* what on the host proves it, for `explain` */
	const char *remedy; /* the fix in general, for `explain` */
	enum outcome outcome; /* the usual one */
	uint32_t needs; /* a bit per enum hct_point without which it cannot be given */
	struct rule rule; /* .match NULL: nothing in one probe's facts tells it */
};

#define X(ID, name) extern const struct verdict verdict_##name;
VERDICTS(X)
#undef X

#define POINT_BIT(point) (UINT32_C(1) << HCT_POINT_##point)

const struct verdict *verdict_info(enum verdict_id id);
/* -1 when there is no such verdict. */
int verdict_by_name(const char *name);
/* The verdicts that cannot be given without POINT (enum hct_point) in OUT; returns how many. */
size_t verdicts_needing(unsigned point, enum verdict_id out[VERDICT_COUNT]);

/* Is there a verdict that cannot be given without POINT? */
bool point_is_needed(unsigned point);

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
#define ADVICE_LEN 640
#define FIX_TEXT_LEN (COMMAND_LEN + ADVICE_LEN + 8)

/* What helps.  A command works as it is pasted; what cannot be one is advice. */
struct fix {
	struct command command; /* "" none */
	struct command undo; /* the inverse of the change that is the cause; "" not known */
	struct command show; /* changes nothing, and shows the cause or what comes next; "" none */
	char advice[ADVICE_LEN]; /* "" none */
};

/*
 * Both as one text, as JSON's "fix" has it: a command, and behind " # " what
 * is advice, so that a shell takes the whole; "" where there is neither.
 */
const char *fix_text(char out[FIX_TEXT_LEN], const struct fix *fix);
bool fix_is_empty(const struct fix *fix);
bool fix_is_same(const struct fix *a, const struct fix *b);

/* A diagnosis: one root cause, in the admin's words. */
struct diagnosis {
	enum verdict_id verdict;
	enum outcome outcome;
	enum confidence confidence;
	const char *code; /* NULL: none; usually the catalogue's, a late failure can have another */
	struct where where;
	char why[WHY_LEN]; /* one or two sentences */
	struct fix fix; /* empty for healthy */
	char note[320]; /* a warning beside the verdict ("healthy, but …"); "" none */
};

#endif
