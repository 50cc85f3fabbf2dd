/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules as iptables-save prints them, and a probe's packets, for tests of who drops what. */
#ifndef HCT_RULE_FIXTURE_H
#define HCT_RULE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/rule_find.h"

static inline void put_addr(uint8_t out[16], const char *text)
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET6, text, out) == 1)
		return;
	out[10] = out[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

/* A SYN from 100.125.10.5:40122 to 192.168.0.10:80 at INPUT, come by eth0. */
static inline struct host_packet syn(void)
{
	struct host_packet p = { .hook = "INPUT", .in = "eth0" };

	put_addr(p.tuple.lb, "100.125.10.5");
	put_addr(p.tuple.target, "192.168.0.10");
	p.tuple.lb_port = htons(40122);
	p.tuple.target_port = htons(80);
	p.tuple.protocol = IPPROTO_TCP;
	p.packet.tcp_flags = HCT_TCP_SYN;
	return p;
}

/* Its answer at OUTPUT, to leave by eth0. */
static inline struct host_packet syn_ack(void)
{
	struct host_packet p = syn();

	p.reply = true;
	strcpy(p.hook, "OUTPUT");
	strcpy(p.in, "");
	strcpy(p.out, "eth0");
	p.packet.tcp_flags = HCT_TCP_SYN | HCT_TCP_ACK;
	return p;
}

/* Adds what TEXT says, as iptables-save prints it, for BACKEND. */
static inline void add_rules(struct fw_rules *rules, const char *backend, const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	assert_int_equal(fw_parse_save(rules, backend, false, copy), 0);
	free(copy);
}

static inline struct fw_chain *chain_named(const struct fw_rules *rules, const char *name)
{
	struct fw_chain *c = rules->chains;

	while (c && strcmp(c->name, name))
		c = c->next;
	assert_non_null(c);
	return c;
}

/*
 * The candidates as words: "INPUT/3! LB/1? INPUT/policy!"; "!": it is surely met,
 * "?": it may be, "i": by state invalid alone.
 */
static inline const char *candidates(const struct fw_rules *rules, const struct host_packet *p)
{
	static char text[2048];
	struct rule_hits hits;
	size_t used = 0;

	assert_int_equal(rule_find(rules, p, &hits), 0);
	text[0] = '\0';
	for (size_t i = 0; i < hits.n && used < sizeof(text) - 128; i++) {
		struct host_rule r;
		char number[16];

		rule_tell(&hits.hit[i], &r);
		snprintf(number, sizeof(number), "%u", r.number);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s/%s%s%s",
					 used ? " " : "", r.chain, r.policy ? "policy" : number,
					 r.surely ? "!" : "?", r.invalid_only ? "i" : "");
	}
	rule_hits_free(&hits);
	return text;
}

#endif
