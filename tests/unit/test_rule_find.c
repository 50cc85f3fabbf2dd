// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which rules can have ended one packet: order, sureness, connection state, chains of chains. */
#include "rule_fixture.h"

static void expect(const struct fw_rules *rules, const struct host_packet *p, const char *wanted)
{
	assert_string_equal(candidates(rules, p), wanted);
}

/* The rules of chain INPUT with POLICY, and what they can do to packet P. */
static void expect_of(const struct host_packet *p, const char *policy, const char *text,
		      const char *wanted)
{
	const char *hook = p->hook;
	struct fw_rules rules = { 0 };
	char save[2048];

	snprintf(save, sizeof(save), "*filter\n:%s %s [0:0]\n:LB - [0:0]\n:LOG2 - [0:0]\n%s", hook,
		 policy, text);
	add_rules(&rules, "iptables-legacy", save);
	if (strcmp(candidates(&rules, p), wanted))
		fail_msg("%s\ngives '%s', not '%s'", text, candidates(&rules, p), wanted);
	fw_rules_free(&rules);
}

static void neighbours(void **state)
{
	static const char *const others[] = {
		"-s 100.126.0.0/16",	 "-s 100.125.10.4/32",	    "-d 192.168.0.11/32",
		"-p udp",		 "-p tcp -m tcp --dport 81", "-p tcp -m tcp --sport 80",
		"-i eth1",		 "! -i eth0",		    "! -s 100.125.0.0/16",
		"-p icmp",		 "-m tcp -p tcp --tcp-flags SYN,ACK ACK",
		"-m conntrack --ctstate ESTABLISHED", "-p tcp -m multiport --dports 22,81,443",
		"-s 100.125.10.5/32 -d 10.0.0.0/8",   "-p tcp -m tcp --sport 40123",
	};
	struct host_packet p = syn();

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 "-A INPUT %s -j DROP\n-A INPUT -s 100.125.0.0/16 -j DROP\n"
			 "-A INPUT %s -j DROP\n", others[i], others[i]);
		expect_of(&p, "DROP", text, "INPUT/2!");
	}
}

static void sureness(void **state)
{
	struct host_packet p = syn();

	expect_of(&p, "ACCEPT", "", "");
	expect_of(&p, "DROP", "", "INPUT/policy!");
	expect_of(&p, "DROP", "-A INPUT -j REJECT\n", "INPUT/1!");
	expect_of(&p, "DROP", "-A INPUT -j ACCEPT\n", "");
	expect_of(&p, "DROP", "-A INPUT -m limit --limit 5/sec -j DROP\n"
			      "-A INPUT -j LOG\n-A INPUT -p tcp -j DROP\n-A INPUT -j DROP\n",
		  "INPUT/1? INPUT/3!");
	/* what may have been accepted is no longer sure to meet the rest */
	expect_of(&p, "DROP", "-A INPUT -m limit --limit 5/sec -j ACCEPT\n-A INPUT -j DROP\n",
		  "INPUT/2?");
	expect_of(&p, "DROP", "-A INPUT -m limit --limit 5/sec -j RETURN\n-A INPUT -j DROP\n",
		  "INPUT/2? INPUT/policy?");
	expect_of(&p, "DROP", "-A INPUT -m string --string x -j NFQUEUE --queue-num 1\n"
			      "-A INPUT -j DROP\n", "INPUT/1? INPUT/2?");
}

static void states(void **state)
{
	struct host_packet p = syn(), reply = syn_ack();

	expect_of(&p, "DROP", "-A INPUT -m conntrack --ctstate INVALID -j DROP\n"
			      "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
			      "-A INPUT -s 100.125.0.0/16 -j DROP\n", "INPUT/1?i INPUT/3!");
	expect_of(&p, "ACCEPT", "-A INPUT -m conntrack --ctstate INVALID -j DROP\n", "INPUT/1?i");
	expect_of(&p, "ACCEPT", "-A INPUT -m conntrack --ctstate INVALID -j LB\n"
				"-A LB -j LOG\n-A LB -j DROP\n", "LB/2?i");
	expect_of(&p, "ACCEPT", "-A INPUT -m conntrack --ctstate INVALID,UNTRACKED -j DROP\n",
		  "INPUT/1?");
	/* an invalid one passes by what accepts new ones */
	expect_of(&p, "DROP", "-A INPUT -m conntrack --ctstate NEW -j ACCEPT\n",
		  "INPUT/policy?");
	expect_of(&p, "DROP", "-A INPUT -m conntrack --ctstate NEW -j DROP\n", "INPUT/1!");
	expect_of(&reply, "DROP", "-A OUTPUT -m conntrack --ctstate NEW -j DROP\n"
				  "-A OUTPUT -m conntrack --ctstate ESTABLISHED -j DROP\n",
		  "OUTPUT/2!");
	p.packet.tcp_flags = HCT_TCP_ACK;
	expect_of(&p, "DROP", "-A INPUT -m state --state NEW -j DROP\n"
			      "-A INPUT -m state --state ESTABLISHED -j ACCEPT\n",
		  "INPUT/policy?");
	p.tuple.protocol = IPPROTO_UDP;
	p.packet.tcp_flags = 0;
	expect_of(&p, "ACCEPT", "-A INPUT -m state --state ESTABLISHED -j DROP\n"
				"-A INPUT -m state --state NEW -j DROP\n", "INPUT/1? INPUT/2!");
}

static void before_conntrack(void **state)
{
	struct host_packet p = syn();
	struct fw_rules rules = { 0 };

	strcpy(p.hook, "PREROUTING");
	add_rules(&rules, "iptables-legacy",
		  "*raw\n:PREROUTING ACCEPT [0:0]\n"
		  "-A PREROUTING -m conntrack --ctstate NEW -j DROP\n"
		  "-A PREROUTING -m conntrack --ctstate INVALID -j DROP\n");
	assert_int_equal(rules.chains->priority, -300);
	expect(&rules, &p, "PREROUTING/2!i");
	fw_rules_free(&rules);
}

static void other_packets(void **state)
{
	struct host_packet ping = syn(), error = syn_ack();

	ping.tuple.protocol = IPPROTO_ICMP;
	ping.packet.tcp_flags = 0;
	expect_of(&ping, "ACCEPT", "-A INPUT -p icmp -m icmp --icmp-type 0 -j DROP\n"
				   "-A INPUT -p icmp -m icmp --icmp-type 8 -j DROP\n", "INPUT/2!");
	ping.reply = true;
	strcpy(ping.hook, "OUTPUT");
	expect_of(&ping, "ACCEPT", "-A OUTPUT -p icmp -m icmp --icmp-type 8 -j DROP\n"
				   "-A OUTPUT -p icmp -m icmp --icmp-type 0 -j DROP\n",
		  "OUTPUT/2!");
	/* an unreachable, sent for a datagram: by whom, is not known */
	error.tuple.protocol = IPPROTO_UDP;
	error.packet = (struct hct_packet){ .icmp_type = 3, .icmp_code = 3, .is_icmp_error = 1 };
	expect_of(&error, "ACCEPT", "-A OUTPUT -p udp -j DROP\n"
				    "-A OUTPUT -s 192.168.0.10/32 -j DROP\n"
				    "-A OUTPUT -d 100.125.10.5/32 -p icmp -m icmp --icmp-type 3 "
				    "-m conntrack --ctstate RELATED -j DROP\n",
		  "OUTPUT/2? OUTPUT/3!");
}

static void ways(void **state)
{
	struct host_packet p = syn();

	expect_of(&p, "DROP", "-A INPUT -p tcp -j LB\n-A INPUT -j DROP\n"
			      "-A LB -s 10.0.0.0/8 -j DROP\n-A LB -s 100.125.0.0/16 -j DROP\n",
		  "LB/2!");
	expect_of(&p, "DROP", "-A INPUT -p tcp -j LB\n-A INPUT -j DROP\n-A LB -j RETURN\n"
			      "-A LB -j DROP\n", "INPUT/2!");
	expect_of(&p, "DROP", "-A INPUT -p tcp -g LB\n-A INPUT -j DROP\n-A LB -j LOG\n",
		  "INPUT/policy!");
	expect_of(&p, "DROP", "-A INPUT -p tcp -g LB\n-A INPUT -j DROP\n-A LB -j ACCEPT\n", "");
	expect_of(&p, "DROP", "-A INPUT -m limit --limit 1/sec -j LB\n-A INPUT -j REJECT\n"
			      "-A LB -s 100.125.0.0/16 -j DROP\n", "LB/1? INPUT/2?");
	/* some may come back */
	expect_of(&p, "DROP", "-A INPUT -j LB\n-A INPUT -j REJECT\n"
			      "-A LB -m limit --limit 1/sec -j RETURN\n-A LB -j DROP\n",
		  "LB/2? INPUT/2?");
	expect_of(&p, "DROP", "-A INPUT -j LB\n-A INPUT -j REJECT\n"
			      "-A LB -m limit --limit 1/sec -g LOG2\n-A LB -j DROP\n",
		  "LB/2? INPUT/2?");
	/* two ways to one rule: named once, at the first */
	expect_of(&p, "ACCEPT", "-A INPUT -m limit --limit 1/sec -j LB\n"
				"-A INPUT -m limit --limit 2/sec -j DROP\n"
				"-A INPUT -m limit --limit 3/sec -j LB\n"
				"-A LB -s 100.125.0.0/16 -j DROP\n", "LB/1? INPUT/2?");
	/* a loop, which the kernel would not take */
	expect_of(&p, "ACCEPT", "-A INPUT -j LB\n-A LB -j LOG2\n-A LOG2 -j LB\n"
				"-A INPUT -j DROP\n", "INPUT/2?");
}

static void tables(void **state)
{
	static const char text[] =
		"*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
		"-A PREROUTING -m limit --limit 1/sec -j DROP\n-A OUTPUT -j DROP\n"
		"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n"
		"-A INPUT -m limit --limit 1/sec -j DROP\n"
		"*mangle\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n"
		"-A PREROUTING -m limit --limit 1/sec -j DROP\n"
		"-A PREROUTING -m limit --limit 1/sec -j DROP\n"
		"-A INPUT -j LOG\n-A INPUT -j LOG\n-A INPUT -m limit --limit 1/sec -j DROP\n"
		"*security\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\n";
	struct host_packet p = syn(), reply = syn_ack();
	struct fw_rules rules = { 0 };

	add_rules(&rules, "iptables-legacy", text);
	expect(&rules, &p, "INPUT/3? INPUT/1? INPUT/policy!");
	p.above = -151;
	p.below = 0;
	expect(&rules, &p, "INPUT/3?");
	p.above = -150;
	p.below = 1;
	expect(&rules, &p, "INPUT/1? INPUT/policy!");
	p.above = p.below = 0;
	strcpy(p.hook, "");
	expect(&rules, &p,
	       "PREROUTING/1? PREROUTING/1? PREROUTING/2? INPUT/3? INPUT/1? INPUT/policy!");
	strcpy(p.backend, "nft");
	expect(&rules, &p, "");
	strcpy(reply.hook, "");
	expect(&rules, &reply, "OUTPUT/1!");
	p = syn();
	p.v6 = true;
	expect(&rules, &p, "");
	/* forwarded */
	p = syn();
	strcpy(p.hook, "");
	strcpy(p.out, "docker0");
	expect(&rules, &p, "PREROUTING/1? PREROUTING/1? PREROUTING/2? FORWARD/policy!");
	fw_rules_free(&rules);
}

static void two_backends(void **state)
{
	struct host_packet p = syn();
	struct fw_rules rules = { 0 };
	struct rule_hits hits;

	add_rules(&rules, "iptables-legacy", "*filter\n:INPUT DROP [0:0]\n");
	add_rules(&rules, "nft", "*first\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j DROP\n"
				 "*second\n:INPUT ACCEPT [0:0]\n-A INPUT -j LOG\n"
				 "-A INPUT -m limit --limit 1/sec -j DROP\n");
	for (struct fw_chain *c = rules.chains; c; c = c->next)
		c->priority = 0;
	/* the later one comes first; which comes first of nftables and legacy, nobody knows */
	expect(&rules, &p, "INPUT/2? INPUT/1! INPUT/policy?");
	assert_int_equal(rule_find(&rules, &p, &hits), 0);
	assert_string_equal(hits.hit[0].base->table, "second");
	assert_string_equal(hits.hit[2].base->backend, "iptables-legacy");
	rule_hits_free(&hits);
	strcpy(p.backend, "iptables-legacy");
	expect(&rules, &p, "INPUT/policy!");
	strcpy(p.backend, "nft");
	expect(&rules, &p, "INPUT/2? INPUT/1!");
	chain_named(&rules, "INPUT")->priority = 10; /* legacy's */
	strcpy(p.backend, "");
	expect(&rules, &p, "INPUT/2? INPUT/1!");
	fw_rules_free(&rules);
}

static void devices(void **state)
{
	struct host_packet p = syn();
	struct fw_rules rules = { 0 };
	struct fw_chain *c;

	add_rules(&rules, "nft", "*guard\n:first - [0:0]\n:second - [0:0]\n"
				 "-A first -j DROP\n-A second -j DROP\n");
	for (c = rules.chains; c; c = c->next) {
		c->hook = "INGRESS";
		strcpy(c->device, "eth1");
	}
	strcpy(p.hook, "INGRESS");
	expect(&rules, &p, "");
	c = chain_named(&rules, "second");
	strcpy(c->device, "eth0");
	expect(&rules, &p, "second/1!");
	strcpy(c->device, ""); /* several */
	expect(&rules, &p, "second/1?");
	strcpy(p.in, "");
	expect(&rules, &p, "second/1? first/1?");
	/* of a chain's device an answer tells, too */
	strcpy(p.in, "eth1");
	c->hook = NULL;
	expect(&rules, &p, "first/1!");
	fw_rules_free(&rules);
}

static void rewriting(void **state)
{
	struct host_packet p = syn(), reply = syn_ack();
	struct fw_rules rules = { 0 };
	struct rule_hits hits;
	struct host_rule r;

	add_rules(&rules, "iptables-legacy",
		  "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:OTHER - [0:0]\n"
		  "-A PREROUTING -p tcp -m tcp --dport 81 -j DNAT --to-destination 10.0.0.1\n"
		  "-A PREROUTING -p tcp -m tcp --dport 80 -j OTHER\n"
		  "-A OTHER ! -s 10.0.0.0/8 -p tcp -j DNAT --to-destination 10.0.0.2:8080\n"
		  "-A OTHER -j REDIRECT\n"
		  "-A POSTROUTING -d 10.0.0.0/8 -j MASQUERADE\n"
		  "-A POSTROUTING -o eth0 -j SNAT --to-source 192.168.0.99\n"
		  "*filter\n:INPUT DROP [0:0]\n");
	p.rewritten = reply.rewritten = true;
	strcpy(p.hook, "PREROUTING");
	expect(&rules, &p, "OTHER/1!");
	assert_int_equal(rule_find(&rules, &p, &hits), 0);
	rule_tell(&hits.hit[0], &r);
	assert_int_equal(r.kind, RULE_DNAT);
	assert_string_equal(r.base, "PREROUTING");
	assert_string_equal(r.chain, "OTHER");
	rule_hits_free(&hits);
	strcpy(reply.hook, "POSTROUTING");
	expect(&rules, &reply, "POSTROUTING/2!");
	assert_int_equal(rule_find(&rules, &reply, &hits), 0);
	rule_tell(&hits.hit[0], &r);
	assert_int_equal(r.kind, RULE_SNAT);
	rule_hits_free(&hits);
	/* behind a rule that sends it elsewhere, its destination is not known */
	p = syn();
	strcpy(p.hook, "");
	add_rules(&rules, "iptables-legacy",
		  "*security\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 8080 -j DROP\n");
	chain_named(&rules, "INPUT")->drops = false;
	expect(&rules, &p, "INPUT/1?");
	fw_rules_free(&rules);
}

static void by_handle(void **state)
{
	struct fw_rules rules = { 0 };
	struct walk_hit hit;
	struct host_rule r;
	unsigned long handle = 4;

	add_rules(&rules, "iptables-nft",
		  "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:LB - [0:0]\n:BOTH - [0:0]\n"
		  "-A INPUT -j LB\n-A INPUT -j BOTH\n-A FORWARD -j BOTH\n-A LB -j LOG\n"
		  "-A LB -m conntrack --ctstate INVALID -j DROP\n-A BOTH -j DROP\n");
	for (struct fw_chain *c = rules.chains; c; c = c->next)
		for (struct fw_rule *rule = c->rules; rule; rule = rule->next)
			rule->handle = handle++;
	assert_int_equal(rule_find_handle(&rules, "ip", "filter", "LB", 8, &hit), 0);
	rule_tell(&hit, &r);
	assert_string_equal(r.backend, "iptables-nft");
	assert_string_equal(r.base, "INPUT");
	assert_string_equal(r.hook, "INPUT");
	assert_string_equal(r.text, "-m conntrack --ctstate INVALID -j DROP");
	assert_int_equal(r.number, 2);
	assert_int_equal(r.handle, 8);
	assert_int_equal(r.kind, RULE_DROP);
	assert_true(r.invalid_only);
	assert_int_equal(rule_find_handle(&rules, "ip", "filter", "BOTH", 9, &hit), 0);
	rule_tell(&hit, &r);
	assert_string_equal(r.base, "");
	assert_int_equal(rule_find_handle(&rules, "ip", "filter", "INPUT", 0, &hit), 0);
	rule_tell(&hit, &r);
	assert_true(r.policy);
	assert_int_equal(r.kind, RULE_DROP);
	assert_int_equal(rule_find_handle(&rules, "ip", "filter", "FORWARD", 0, &hit), 0);
	rule_tell(&hit, &r);
	assert_int_equal(r.kind, RULE_PASS);
	assert_int_equal(rule_find_handle(&rules, "ip", "filter", "LB", 0, &hit), -ENOENT);
	assert_int_equal(rule_find_handle(&rules, "ip", "filter", "LB", 9, &hit), -ENOENT);
	assert_int_equal(rule_find_handle(&rules, "ip6", "filter", "LB", 8, &hit), -ENOENT);
	fw_rules_free(&rules);
}

/* 2,000 look-alikes before the right one, and as many behind it. */
static void many(void **state)
{
	struct host_packet p = syn();
	struct fw_rules rules = { 0 };
	char *text = malloc(4100 * 80);
	size_t used;

	assert_non_null(text);
	used = (size_t)sprintf(text, "*filter\n:INPUT DROP [0:0]\n");
	for (unsigned i = 0; i < 4001; i++)
		used += (size_t)sprintf(text + used, i == 2000 ? "-A INPUT -s 100.125.0.0/16 -j DROP\n"
						: "-A INPUT -s 100.%u.%u.0/24 -j DROP\n",
					126 + i % 100, i / 100);
	add_rules(&rules, "iptables-nft", text);
	expect(&rules, &p, "INPUT/2001!");
	fw_rules_free(&rules);
	/* more that may have done it than can be kept */
	used = (size_t)sprintf(text, "*filter\n:INPUT DROP [0:0]\n");
	for (unsigned i = 0; i < 4100; i++)
		used += (size_t)sprintf(text + used, "-A INPUT -m limit --limit %u/sec -j DROP\n",
					i + 1);
	add_rules(&rules, "iptables-nft", text);
	struct rule_hits hits;
	assert_int_equal(rule_find(&rules, &p, &hits), 0);
	assert_true(hits.n && hits.n <= RULE_MAX_HITS);
	assert_true(hits.truncated);
	rule_hits_free(&hits);
	fw_rules_free(&rules);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours),	    cmocka_unit_test(sureness),
		cmocka_unit_test(states),	    cmocka_unit_test(before_conntrack),
		cmocka_unit_test(other_packets),    cmocka_unit_test(ways),
		cmocka_unit_test(tables),	    cmocka_unit_test(two_backends),
		cmocka_unit_test(devices),	    cmocka_unit_test(rewriting),
		cmocka_unit_test(by_handle),	    cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
