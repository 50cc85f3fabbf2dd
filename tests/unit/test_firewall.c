// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Firewall rules: what iptables-save prints, what it matches, and the way through the chains. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/walk.h"
#include "host/daemons.h"
#include "firewall/firewall.h"

/* TCP from 100.125.0.0/16 to port 80, a SYN, by eth0. */
static void describe(struct fw_packets *p)
{
	static const struct {
		enum fw_field field;
		const char *lo, *hi;
	} values[] = {
		{ FW_PROTO, "\6", "\6" }, { FW_DPORT, "\0\120", "\0\120" },
		{ FW_SADDR4, "\144\175\0\0", "\144\175\377\377" },
		{ FW_DADDR4, "\300\250\0\12", "\300\250\0\12" },
		{ FW_CTSTATE, "\0\0\0\10", "\0\0\0\10" }, { FW_TCPFLAGS, "\2", "\2" },
		{ FW_IIF, "eth0\0\0\0\0\0\0\0\0\0\0\0", "eth0\0\0\0\0\0\0\0\0\0\0\0" },
	};

	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t len = fw_field_len(values[i].field);

		memcpy(p->field[values[i].field].range[0].lo, values[i].lo, len);
		memcpy(p->field[values[i].field].range[0].hi, values[i].hi, len);
		p->field[values[i].field].n = 1;
	}
}

static void parse(struct fw_rules *rules, const char *text)
{
	char *copy = strdup(text);

	memset(rules, 0, sizeof(*rules));
	assert_non_null(copy);
	assert_int_equal(fw_parse_save(rules, "iptables-legacy", false, copy), 0);
	free(copy);
}

static void matches(void **state)
{
	static const struct {
		const char *rule;
		enum fw_match match;
	} cases[] = {
		{ "", FW_ALL },
		{ "-s 100.125.0.0/16", FW_ALL },
		{ "-s 100.125.0.0/255.255.0.0", FW_ALL },
		{ "-s 100.0.0.0/8", FW_ALL },
		{ "-s 100.125.10.0/24", FW_SOME },
		{ "-s 100.126.0.0/16", FW_NO },
		{ "! -s 100.126.0.0/16", FW_ALL },
		{ "! -s 100.125.0.0/16", FW_NO },
		{ "! -s 100.125.10.5/32", FW_SOME },
		{ "-s 0.0.0.5/0.0.0.255", FW_SOME },
		{ "-d 192.168.0.10/32", FW_ALL },
		{ "-d 192.168.0.11/32", FW_NO },
		{ "-p tcp", FW_ALL },
		{ "-p udp", FW_NO },
		{ "! -p udp", FW_ALL },
		{ "-p tcp -m tcp --dport 80", FW_ALL },
		{ "-p tcp -m tcp --dport 70:90", FW_ALL },
		{ "-p tcp -m tcp --dport :79", FW_NO },
		{ "-p tcp -m tcp ! --dport 80", FW_NO },
		{ "-p tcp -m tcp --sport 1024:65535", FW_SOME }, /* not told which */
		{ "-p tcp -m multiport --dports 22,80,443", FW_ALL },
		{ "-p tcp -m multiport --dports 22,81:443", FW_NO },
		{ "-p tcp -m multiport ! --dports 22,443", FW_ALL },
		{ "-i eth0", FW_ALL },
		{ "-i eth+", FW_ALL },
		{ "-i +", FW_ALL },
		{ "-i eth", FW_NO },
		{ "-i lo", FW_NO },
		{ "! -i lo", FW_ALL },
		{ "-m conntrack --ctstate NEW", FW_ALL },
		{ "-m state --state RELATED,ESTABLISHED", FW_NO },
		{ "-m conntrack ! --ctstate RELATED,ESTABLISHED", FW_ALL },
		{ "-m conntrack --ctstate DNAT", FW_SOME },
		{ "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", FW_ALL },
		{ "-p tcp -m tcp --tcp-flags SYN,ACK ACK", FW_NO },
		{ "-m limit --limit 5/sec", FW_SOME },
		{ "-s 100.126.0.0/16 -m limit --limit 5/sec", FW_NO },
		{ "-m mark --mark 0x7/0xff -p udp", FW_NO },
		{ "-m comment --comment \"-s 1.2.3.4 \\\"-p udp\"", FW_ALL },
		{ "-m set --match-set bad src -p udp", FW_NO },
		{ "-m set ! --match-set bad src", FW_SOME },
	};
	struct fw_packets packets;

	describe(&packets);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fw_rules rules;
		char text[256];

		snprintf(text, sizeof(text), "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT %s -j DROP\n",
			 cases[i].rule);
		parse(&rules, text);
		assert_non_null(rules.chains->rules);
		assert_int_equal(rules.chains->rules->verdict, FW_DROP);
		if (fw_rule_match(rules.chains->rules, &packets) != cases[i].match)
			fail_msg("'%s' does not match as it should", cases[i].rule);
		fw_rules_free(&rules);
	}
}

struct hits {
	size_t n;
	bool certain, unclear;
	unsigned number; /* of the rule; 0: the policy */
	char chain[64];
};

static void take(void *ctx, const struct walk_hit *hit)
{
	struct hits *hits = ctx;

	hits->n++;
	hits->certain = hit->certain;
	hits->unclear = hit->unclear;
	hits->number = hit->rule ? hit->rule->number : 0;
	strcpy(hits->chain, hit->chain->name);
}

static struct hits walk(const char *text, bool *redirected)
{
	struct fw_rules rules;
	struct fw_packets packets;
	struct hits hits = { 0 };
	struct walk w = { .rules = &rules, .packets = &packets, .hit = take, .ctx = &hits,
			  .steps_left = WALK_STEPS };

	describe(&packets);
	parse(&rules, text);
	walk_chain(&w, rules.chains);
	if (redirected)
		*redirected = w.redirected;
	fw_rules_free(&rules);
	return hits;
}

#define ACCEPTING "*filter\n:INPUT ACCEPT [0:0]\n:WEB - [0:0]\n:SUB - [0:0]\n"
#define DROPPING "*filter\n:INPUT DROP [0:0]\n:WEB - [0:0]\n:SUB - [0:0]\n"

static void ways(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		bool certain;
		unsigned number;
		const char *chain;
	} cases[] = {
		{ ACCEPTING, 0 },
		{ DROPPING, 1, true, 0, "INPUT" },
		{ ACCEPTING "-A INPUT -j DROP\n", 1, true, 1, "INPUT" },
		{ ACCEPTING "-A INPUT -p tcp -j ACCEPT\n-A INPUT -j DROP\n", 0 },
		{ ACCEPTING "-A INPUT -p udp -j ACCEPT\n-A INPUT -j DROP\n", 1, true, 2, "INPUT" },
		/* an ACCEPT for some, or on what is not known: the DROP is no longer certain */
		{ ACCEPTING "-A INPUT -s 100.125.1.0/24 -j ACCEPT\n-A INPUT -j DROP\n", 1, false, 2,
		  "INPUT" },
		{ DROPPING "-A INPUT -m mark --mark 1 -j ACCEPT\n", 1, false, 0, "INPUT" },
		{ DROPPING "-A INPUT -m mark --mark 1 -j LOG\n", 1, true, 0, "INPUT" },
		/* chains */
		{ ACCEPTING "-A INPUT -j WEB\n-A WEB -j DROP\n", 1, true, 1, "WEB" },
		{ ACCEPTING "-A INPUT -p udp -j WEB\n-A WEB -j DROP\n", 0 },
		{ ACCEPTING "-A INPUT -m mark --mark 1 -j WEB\n-A WEB -j DROP\n", 1, false, 1,
		  "WEB" },
		{ DROPPING "-A INPUT -j WEB\n-A WEB -j ACCEPT\n", 0 },
		{ DROPPING "-A INPUT -j WEB\n-A WEB -j RETURN\n-A WEB -j ACCEPT\n", 1, true, 0,
		  "INPUT" },
		{ DROPPING "-A INPUT -j WEB\n-A WEB -j SUB\n-A SUB -p tcp -j ACCEPT\n", 0 },
		{ DROPPING "-A INPUT -g WEB\n-A INPUT -j ACCEPT\n", 1, true, 0, "INPUT" },
		{ DROPPING "-A INPUT -j WEB\n-A INPUT -j ACCEPT\n", 0 },
		{ DROPPING "-A INPUT -j WEB\n-A WEB -m mark --mark 1 -j ACCEPT\n", 1, false, 0,
		  "INPUT" },
		{ ACCEPTING "-A INPUT -m mark --mark 1 -j RETURN\n-A INPUT -j DROP\n", 1, false, 2,
		  "INPUT" },
		{ ACCEPTING "-A INPUT -j NFQUEUE --queue-num 3\n", 1, false, 1, "INPUT" },
		/* a proxy takes it, or the rule drops it; a match without an option asks for something */
		{ ACCEPTING "-A INPUT -j TPROXY --on-port 3129\n-A INPUT -j DROP\n", 1, false, 1, "INPUT" },
		{ ACCEPTING "-A INPUT -p tcp -m socket -j ACCEPT\n-A INPUT -j DROP\n", 1, false, 2,
		  "INPUT" },
		{ ACCEPTING "-A INPUT -p tcp -m tcp -j ACCEPT\n-A INPUT -j DROP\n", 0 },
		/* chains that call each other end, too */
		{ ACCEPTING "-A INPUT -j WEB\n-A WEB -j SUB\n-A SUB -j WEB\n", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hits hits = walk(cases[i].text, NULL);

		if (hits.n != cases[i].n || hits.certain != cases[i].certain ||
		    hits.number != cases[i].number ||
		    strcmp(hits.chain, cases[i].chain ? cases[i].chain : ""))
			fail_msg("%zu: %zu hits, %scertain, rule %u in %s:\n%s", i, hits.n,
				 hits.certain ? "" : "not ", hits.number, hits.chain,
				 cases[i].text);
	}
}

static void nat(void **state)
{
	bool redirected;

	assert_int_equal(walk("*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp --dport 80 -j DNAT "
			      "--to-destination 172.17.0.2:80\n", &redirected).n, 0);
	assert_true(redirected);
	walk("*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp --dport 81 -j REDIRECT\n",
	     &redirected);
	assert_false(redirected);
}

static void broken_text(void **state)
{
	static const char *const texts[] = {
		"",
		"*",
		"-A",
		"-A INPUT",
		":",
		":INPUT",
		"*filter\n:INPUT DROP\n-A INPUT -s\n",
		"*filter\n:INPUT DROP\n-A INPUT !\n",
		"*filter\n:INPUT DROP\n-A INPUT -p tcp --tcp-flags SYN\n",
		"*filter\n:INPUT DROP\n-A INPUT -s x/99 -d 1.2.3.4/999 --dport , -j\n",
		"*filter\n:INPUT DROP\n-A INPUT -m comment --comment \"open\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fw_rules rules;

		parse(&rules, texts[i]);
		fw_rules_free(&rules);
	}
	fw_rules_free(NULL);
}

static void xinetd(void **state)
{
	struct wrapped_daemons d = { 0 };

	daemons_parse_xinetd("defaults\n{\n  instances = 5\n}\n# service no\nservice web\n{\n"
			     "  port = 8101\n  server\t= /srv/http_once.sh\n}\n"
			     "service off\n{\n disable = yes\n server = /x\n port=1\n}\n"
			     "service tcpd-web\n{\n port = 8102\n flags = NAMEINARGS NOLIBWRAP\n"
			     " server = /usr/sbin/tcpd\n server_args = /srv/in.web -x\n}\n"
			     "service free\n{\n port = 3\n flags = NOLIBWRAP\n server = /y\n}\n",
			     &d);
	assert_int_equal(d.n, 2);
	assert_string_equal(d.d[0].name, "http_once.sh");
	assert_int_equal(d.d[0].port, 8101);
	assert_string_equal(d.d[1].name, "in.web");
	assert_int_equal(d.d[1].port, 8102);
}

static void inetd(void **state)
{
	struct wrapped_daemons d = { 0 };

	daemons_parse_inetd("# none\n8080 stream tcp nowait root /usr/sbin/tcpd /usr/sbin/in.web "
			    "-x\n"
			    "127.0.0.1:8081\tstream tcp nowait nobody /usr/bin/thing thing\n"
			    "broken line\n7 stream tcp nowait root internal\n",
			    &d);
	assert_int_equal(d.n, 3);
	assert_string_equal(d.d[0].name, "in.web");
	assert_int_equal(d.d[0].port, 8080);
	assert_string_equal(d.d[1].name, "thing");
	assert_int_equal(d.d[1].port, 8081);
	assert_string_equal(d.d[2].name, "7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),     cmocka_unit_test(ways),   cmocka_unit_test(nat),
		cmocka_unit_test(broken_text), cmocka_unit_test(xinetd), cmocka_unit_test(inetd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
