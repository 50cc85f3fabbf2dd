/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host's answers as lines of a case file: an "answer" line, and an "item"
 * line for each member of a list.
 *
 *	answer listeners q=tcp/8080
 *	item addr=127.0.0.1 port=8080 pid=812 comm=nginx
 *	answer route-back q=192.168.0.10,100.125.10.5 err=-101
 */
#ifndef HCT_CASE_HOST_H
#define HCT_CASE_HOST_H

#include <stdio.h>

#include "host/host.h"

enum answer_kind {
	ANSWER_LISTENERS,
	ANSWER_ROUTE_BACK,
	ANSWER_GATEWAY,
	ANSWER_FORWARD_ROUTE,
	ANSWER_WRAPPERS,
	ANSWER_CHAINS,
	ANSWER_RULES,
	ANSWER_RULE,
	ANSWER_SYSCTL,
	ANSWER_DEVICES,
	ANSWER_OWNER,
	ANSWER_NETNS_NAME,
	ANSWER_CONDITION,
	ANSWER_ADDRESS_NETNS,
	ANSWER_SOCKET_UNIT,
	ANSWER_COUNT
};

struct answer_netns_name {
	char name[64];
};
struct answer_address_netns {
	uint32_t netns;
};
struct answer_socket_unit {
	char name[64];
};
struct answer_sysctl {
	int64_t value;
};

struct answer {
	enum answer_kind kind;
	char question[256]; /* what was asked, see the question_*() */
	int err; /* 0 or -errno; with an error the rest is empty */
	union {
		struct host_listeners listeners;
		struct host_route route;
		struct host_gateway gateway;
		struct host_forward_route forward_route;
		struct host_wrappers wrappers;
		struct host_chains chains;
		struct host_rules rules;
		struct host_rule rule;
		struct answer_sysctl sysctl;
		struct host_devices devices;
		struct host_process owner;
		struct answer_netns_name netns_name;
		struct host_condition condition;
		struct answer_address_netns address_netns;
		struct answer_socket_unit socket_unit;
	};
};

/* Each starts A for one question: kind and words set, the rest empty. */
void question_listeners(struct answer *a, uint8_t protocol, uint16_t port);
void question_listeners_in(struct answer *a, uint32_t netns, uint8_t protocol, uint16_t port);
void question_route_back(struct answer *a, const uint8_t target[16], const uint8_t lb[16]);
void question_gateway(struct answer *a, const uint8_t target[16], const uint8_t lb[16],
		      const char *device);
void question_forward_route(struct answer *a, const uint8_t lb[16], const uint8_t target[16],
			    const char *device, uint32_t mark);
void question_wrappers(struct answer *a, uint32_t pid, const char *daemon,
		       const uint8_t client[16]);
void question_chains(struct answer *a, bool ipv6, const char *hook);
/* The same words for all packets of a kind, see rule_packet_kind(). */
void question_rules(struct answer *a, const struct host_packet *packet);
void question_rule(struct answer *a, uint32_t netns, const char *family, const char *table,
		   const char *chain, uint64_t handle);
void question_sysctl(struct answer *a, const char *name);
void question_devices(struct answer *a);
void question_owner(struct answer *a, const struct hct_tuple *tuple);
void question_netns_name(struct answer *a, uint32_t netns);
void question_condition(struct answer *a, uint32_t pid);
void question_address_netns(struct answer *a, const uint8_t addr[16]);
void question_socket_unit(struct answer *a, uint16_t port);

/* Writes A as one line or several. */
void case_put_answer(FILE *out, const struct answer *a);
/* Reads the words after "answer", or after "item": 0, or -EINVAL with *BAD set. */
int case_get_answer(char *words, struct answer *a, const char **bad);
int case_get_item(char *words, struct answer *a, const char **bad);

#endif
